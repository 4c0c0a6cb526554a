/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the report page; only its own files use this. */
#ifndef MEMSCOPE_EXPORT_HTML_PARTS_H
#define MEMSCOPE_EXPORT_HTML_PARTS_H

#include "base/json.h"
#include "export/export.h"
#include "export/page.h"
#include "export/section.h"

/* Live blocks and bytes at the end of each slice, and what stays of each slice's allocations. */
struct html_live {
    uint64_t *bytes, *n, *kept_bytes; /* slice_n each */
};

int html_live_build(struct html_live *ret_live, const struct page *page);
void html_live_done(struct html_live *live);

void html_fill_names(struct section *section, const struct page *page);
void html_fill_rows(struct section *section, const struct page *page);
void html_fill_stats(struct section *section, struct page *page);

void html_add_manifest(struct json *json, const struct page *page, const struct html_live *live,
                       const struct export_request *request, const struct section *sections,
                       size_t section_n);
/* What detection saw before the program started; nothing where it did not look. */
void html_add_evidence(struct json *json, const struct model *model);
/* Changes of rate, budget and strategy while the program ran, in time order. */
void html_add_changes(struct json *json, const struct model *model);
/* What the program mapped itself; nothing where it mapped nothing. */
void html_add_mapped(struct json *json, const struct model *model);
void html_add_timeline(struct json *json, const struct page *page, const struct html_live *live);

/* The template that the build carries; 0 bytes: it has none. */
extern const char html_template[];
extern const char html_template_end[];

#endif
