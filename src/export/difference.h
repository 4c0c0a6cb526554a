/* SPDX-License-Identifier: Apache-2.0 */
/* Two runs side by side, as text, as JSON and as a page. */
#ifndef MEMSCOPE_EXPORT_DIFFERENCE_H
#define MEMSCOPE_EXPORT_DIFFERENCE_H

#include "analyze/compare.h"
#include "export/export.h"
#include "export/summary.h"

/* Appends totals and the functions that changed most. */
void difference_add(struct text *text, const struct comparison *comparison,
                    const struct summary_style *style);

/* Writes {"before", "after", "functions"}. */
int difference_write_json(const struct comparison *comparison, struct file_out *out,
                          struct diag *diag);

/* Writes a page without script: totals, and the functions that changed most. */
int difference_write_html(const struct comparison *comparison, struct file_out *out,
                          struct diag *diag);

#endif
