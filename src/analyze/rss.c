/* SPDX-License-Identifier: Apache-2.0 */
/* The slice in which the resident memory was highest, and what was live in it. */
#include "analyze/rss.h"

struct rss_line rss_explain(const struct model *model)
{
    struct rss_line line = {.peak_bytes = model->rss_peak_bytes};
    uint64_t highest = 0;
    for (size_t i = 0; i < model->slices.n; i++) {
        const struct model_slice *slice = &model->slices.at[i];
        if (slice->rss_bytes <= highest)
            continue;
        highest = slice->rss_bytes;
        line.at_ns = slice->start_ns;
        line.heap_bytes = slice->high_bytes;
    }
    if (line.peak_bytes < highest)
        line.peak_bytes = highest;
    if (line.heap_bytes > line.peak_bytes)
        line.heap_bytes = line.peak_bytes; /* requested, not all of it touched */
    uint64_t left = line.peak_bytes - line.heap_bytes;
    for (size_t i = 0; i < model->processes.n; i++)
        line.mapped_bytes += model->processes.at[i].mapped_peak_bytes;
    if (line.mapped_bytes > left)
        line.mapped_bytes = left;
    line.other_bytes = left - line.mapped_bytes;
    return line;
}
