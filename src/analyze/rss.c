/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resident memory of all processes, sorted into parts for one line. They are what the collector
 * saw when the resident memory was highest, over all processes.
 */
#include "analyze/rss.h"

static void rss_add(struct rss_line *line, const struct model_process *process)
{
    const struct model_resident *resident = &process->resident;
    uint64_t live = resident->live_bytes < resident->heap_bytes ? resident->live_bytes
                                                                : resident->heap_bytes;
    line->heap_bytes += live;
    if (process->allocator_is == ALLOCATOR_UNSEEN)
        line->unseen_bytes += resident->heap_bytes - live;
    else
        line->held_bytes += resident->heap_bytes - live;
    line->mapped_bytes += resident->mapped_bytes;
    line->file_bytes += resident->file_bytes;
    line->stack_bytes += resident->stack_bytes;
    line->self_bytes += resident->self_bytes;
}

/* When it was highest; and what was live then, for want of a closer look. */
static uint64_t rss_highest(const struct model *model, struct rss_line *line)
{
    uint64_t highest = 0, live = 0;
    VEC_EACH (struct model_slice, slice, &model->slices) {
        if (slice->rss_bytes <= highest)
            continue;
        highest = slice->rss_bytes;
        line->at_ns = slice->start_ns;
        live = slice->high_bytes;
    }
    line->looked = highest > 0;
    line->peak_bytes = model->rss_peak_bytes > highest ? model->rss_peak_bytes : highest;
    return live < line->peak_bytes ? live : line->peak_bytes;
}

struct rss_line rss_explain(const struct model *model)
{
    struct rss_line line = {0};
    uint64_t live = rss_highest(model, &line);
    VEC_EACH (struct model_process, process, &model->processes) {
        rss_add(&line, process);
    }
    uint64_t known = line.heap_bytes + line.mapped_bytes + line.held_bytes + line.unseen_bytes +
                     line.file_bytes + line.stack_bytes + line.self_bytes;
    if (known == 0)
        known = line.heap_bytes = live;
    if (known > line.peak_bytes)
        line.peak_bytes = known;
    line.other_bytes = line.peak_bytes - known;
    return line;
}
