/* SPDX-License-Identifier: Apache-2.0 */
/* Building the page's tables, and its strings. */
#include "export/page.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_STRINGS_MAX = 1 << 24, PAGE_ROWS_WANTED = 1000000 };

uint32_t page_string(struct page *page, const char *bytes, size_t n)
{
    uint64_t key = map_hash_bytes(bytes, n);
    int64_t found = map_find(&page->string_index, key);
    if (found != MAP_NONE)
        return (uint32_t)found;
    size_t start = page->string_bytes.n;
    for (size_t at = 0; at < n;) {
        size_t before = at;
        bool valid = false;
        uint32_t code = text_next_code(bytes, n, &at, &valid);
        if (valid && code)
            text_add_n(&page->string_bytes, bytes + before, at - before);
        else
            text_printf(&page->string_bytes, "\\x%02x", (unsigned char)bytes[before]);
    }
    text_add_char(&page->string_bytes, 0);
    if (page->string_bytes.failed || !VEC_PUSH(&page->strings, PAGE_STRINGS_MAX, start) ||
        !map_put(&page->string_index, key, (uint32_t)page->strings.n - 1))
        return MODEL_NONE;
    return (uint32_t)page->strings.n - 1;
}

const char *page_string_at(const struct page *page, uint32_t string)
{
    return string < page->strings.n ? page->string_bytes.bytes + page->strings.at[string] : "";
}

int page_build(struct page *page, const struct analysis *analysis, size_t most_rows,
               struct diag *diag)
{
    *page = (struct page){.analysis = analysis, .model = analysis->model};
    uint32_t *nodes = malloc((analysis->sites.n + 1) * sizeof *nodes);
    int err = nodes && page_string(page, "", 0) == 0 ? 0 : ERR_MEMORY;
    err = err ? err : page_names_build(page, nodes);
    err = err ? err : page_rows_build(page, nodes, most_rows ? most_rows : PAGE_ROWS_WANTED);
    free(nodes);
    if (err) {
        page_done(page);
        return diag_set(diag, err, "no memory for the tables of the report page");
    }
    return 0;
}

void page_done(struct page *page)
{
    text_done(&page->string_bytes);
    vec_done(&page->strings);
    vec_done(&page->slices);
    vec_done(&page->modules);
    vec_done(&page->functions);
    vec_done(&page->frames);
    vec_done(&page->nodes);
    vec_done(&page->contexts);
    vec_done(&page->sites);
    vec_done(&page->cells);
    vec_done(&page->rows);
    vec_done(&page->groups);
    vec_done(&page->task_node);
    vec_done(&page->task_group);
    vec_done(&page->process_gone);
    vec_done(&page->site_of_model);
    map_done(&page->string_index);
    map_done(&page->module_index);
    map_done(&page->function_index);
    map_done(&page->frame_index);
    map_done(&page->context_index);
}
