/* SPDX-License-Identifier: Apache-2.0 */
/* Resampling of slices. */
#include "analyze/timeline.h"

uint64_t timeline_slice_end(const struct model *model, size_t i)
{
    uint64_t end_ns = i + 1 < model->slices.n ? model->slices.at[i + 1].start_ns : model->end_ns;
    return end_ns > model->slices.at[i].start_ns ? end_ns : model->slices.at[i].start_ns + 1;
}

void timeline_high(const struct model *model, size_t n, uint64_t *ret_bytes)
{
    double run_ns = (double)(model->end_ns ? model->end_ns : 1);
    for (size_t part = 0; part < n; part++)
        ret_bytes[part] = 0;
    for (size_t i = 0; i < model->slices.n; i++) {
        const struct model_slice *slice = &model->slices.at[i];
        size_t from = (size_t)((double)slice->start_ns / run_ns * (double)n);
        size_t to = (size_t)((double)(timeline_slice_end(model, i) - 1) / run_ns * (double)n);
        for (size_t part = from; part <= to && part < n; part++) {
            if (slice->high_bytes > ret_bytes[part])
                ret_bytes[part] = slice->high_bytes;
        }
    }
}
