/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folded stacks, one a line: frames from the root joined by ';', a blank, and the bytes that were
 * live at the peak. A ';' in a name becomes ':', controls become visible.
 */
#include <string.h>

#include "export/export.h"
#include "export/page.h"
#include "export/path.h"

static void folded_add_name(struct text *text, const struct page *page, uint32_t frame)
{
    const char *name =
            page_string_at(page, page->functions.at[page->frames.at[frame].function].name);
    size_t start = text->n;
    text_add_shown(text, name, strlen(name));
    for (size_t i = start; i < text->n; i++) {
        if (text->bytes[i] == ';')
            text->bytes[i] = ':';
    }
}

static int folded_write(const struct page *page, struct export_sink *sink)
{
    struct path path = {.n = 0};
    struct text line = {0};
    int err = 0;
    VEC_EACH (struct page_site, site, &page->sites) {
        if (site->figures.peak_bytes == 0 || err)
            continue;
        text_clear(&line);
        if (!path_of(&path, page, site->node))
            err = ERR_MEMORY;
        for (size_t i = path.n; i-- > 0;) {
            folded_add_name(&line, page, path.frames.at[i]);
            text_add_char(&line, i ? ';' : ' ');
        }
        text_printf(&line, "%s%llu\n", path.n ? "" : "(no stack) ",
                    (unsigned long long)site->figures.peak_bytes);
        if (line.failed)
            err = ERR_MEMORY;
        err = err ? err : export_sink_write(sink, line.bytes, line.n);
    }
    text_done(&line);
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
