/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folded stacks, one a line: frames from the root joined by ';', a blank, and the bytes that were
 * live at the peak. What tasks made is rooted at a frame for the group of the task. A ';' in a name
 * becomes ':', controls become visible.
 */
#include <string.h>

#include "export/export.h"
#include "export/page.h"
#include "export/path.h"

static void folded_add_shown(struct text *text, const char *name)
{
    size_t start = text->n;
    text_add_shown(text, name, strlen(name));
    for (size_t i = start; i < text->n; i++) {
        if (text->bytes[i] == ';')
            text->bytes[i] = ':';
    }
}

static void folded_add_name(struct text *text, const struct page *page, uint32_t frame)
{
    folded_add_shown(
            text, page_string_at(page, page->functions.at[page->frames.at[frame].function].name));
}

/* A frame for the group of the site's tasks; none for what ran outside of tasks. */
static void folded_add_group(struct text *text, const struct page *page, uint32_t task)
{
    if (!task)
        return;
    const struct page_group *group = &page->groups.at[page->task_group.at[task - 1]];
    const char *name = page_string_at(page, group->name);
    const char *kind = page_string_at(page, group->kind);
    text_add(text, "[task ");
    folded_add_shown(text, *name ? name : *kind ? kind : "without a name");
    text_add(text, "];");
}

static bool folded_same_group(const struct page *page, uint32_t a, uint32_t b)
{
    uint32_t x = page->contexts.at[a].task, y = page->contexts.at[b].task;
    return x && y ? page->task_group.at[x - 1] == page->task_group.at[y - 1] : x == y;
}

static int folded_line(struct export_sink *sink, const struct page *page, const struct path *path,
                       uint32_t context, uint64_t bytes)
{
    struct text line = {0};
    folded_add_group(&line, page, page->contexts.at[context].task);
    for (size_t i = path->n; i-- > 0;) {
        folded_add_name(&line, page, path->frames.at[i]);
        text_add_char(&line, i ? ';' : ' ');
    }
    text_printf(&line, "%s%llu\n", path->n ? "" : "(no stack) ", (unsigned long long)bytes);
    int err = line.failed ? ERR_MEMORY : export_sink_write(sink, line.bytes, line.n);
    text_done(&line);
    return err;
}

/* One line for each group of tasks among the site's cells, whose bytes are taken as they are told.
 */
static int folded_site(struct export_sink *sink, const struct page *page, const struct path *path,
                       struct page_cell *cells, uint32_t cell_n)
{
    int err = 0;
    for (uint32_t i = 0; i < cell_n && !err; i++) {
        uint64_t bytes = 0;
        for (uint32_t k = cells[i].peak_bytes ? i : cell_n; k < cell_n; k++) {
            if (!folded_same_group(page, cells[i].context, cells[k].context))
                continue;
            bytes += cells[k].peak_bytes;
            cells[k].peak_bytes = 0;
        }
        if (bytes)
            err = folded_line(sink, page, path, cells[i].context, bytes);
    }
    return err;
}

static int folded_write(struct page *page, struct export_sink *sink)
{
    struct path path = {.n = 0};
    struct page_cell *cells = page->cells.at;
    int err = 0;
    for (size_t i = 0; i < page->sites.n && !err; cells += page->sites.at[i++].cell_n) {
        const struct page_site *site = &page->sites.at[i];
        if (site->figures.peak_bytes == 0)
            continue;
        if (!path_of(&path, page, site->node))
            err = ERR_MEMORY;
        err = err ? err : folded_site(sink, page, &path, cells, site->cell_n);
    }
    path_done(&path);
    return err;
}

int export_folded(const struct analysis *analysis, const struct export_request *request,
                  struct file_out *out, struct diag *diag)
{
    struct export_sink sink = {.out = out, .diag = diag};
    struct page page;
    int err = page_build(&page, analysis, 0, diag);
    if (err)
        return err;
    err = folded_write(&page, &sink);
    page_done(&page);
    return err ? diag_set(diag, err, "no memory for the folded stacks") : 0;
}
