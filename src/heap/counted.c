/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's own counters, exact at any rate, beside the estimates of sampling.
 *
 * Under sampling the peak's moment and total come from here: live usable bytes as seen at
 * intervals. What each cell holds at that moment is its estimated share.
 */
#include <string.h>

#include "heap/state.h"

void feed_sampled(struct model *model, bool counted)
{
    if (model->sampled)
        return;
    model->sampled = true;
    VEC_EACH (struct model_process, process, &model->processes) {
        if (process->end == PROCESS_RUNNING && !counted)
            process->counts.base_bytes = process->sums.live_bytes;
    }
}

void feed_mark(struct model *model, uint64_t at_ns, const char *kind, const char *text)
{
    const struct model_mark mark = {.at_ns = at_ns,
                                    .kind = model_string_add(model, kind, strlen(kind)),
                                    .text = model_string_add(model, text, strlen(text))};
    if (mark.kind != MODEL_NONE && mark.text != MODEL_NONE)
        (void)!VEC_PUSH(&model->marks, MODEL_STRINGS_MAX, mark);
}

void feed_not_temporary(struct model *model, uint32_t thread)
{
    if (thread < model->feed->threads.n)
        model->feed->threads.at[thread].last_address = 0;
}

size_t feed_block_n(const struct model *model, uint32_t process)
{
    const struct feed_process_state *state = feed_process_at(model->feed, process);
    return state ? blocks_count(&state->blocks) : 0;
}

static void counted_peak(struct model_sums *sums, struct model_counts *counts, uint64_t at_ns)
{
    if (counts->usable_bytes <= counts->usable_peak_bytes)
        return;
    counts->usable_peak_bytes = counts->usable_bytes;
    /* The exact peak before sampling began still stands where more was live then. */
    if (counts->usable_bytes <= sums->peak_bytes && sums->peak_epoch && !sums->peak_counted)
        return;
    sums->peak_counted = 1;
    sums->peak_bytes = sums->live_bytes;
    sums->peak_n = sums->live_n;
    sums->peak_at_ns = at_ns;
    sums->peak_epoch++;
}

/* The session's figures are its processes', of which one has changed from `was` to `is`. */
static void counted_add(struct model_counts *all, const struct model_counts *was,
                        const struct model_counts *is)
{
    all->alloc_n += is->alloc_n - was->alloc_n;
    all->alloc_bytes += is->alloc_bytes - was->alloc_bytes;
    all->free_n += is->free_n - was->free_n;
    all->realloc_n += is->realloc_n - was->realloc_n;
    all->usable_in += is->usable_in - was->usable_in;
    all->usable_out += is->usable_out - was->usable_out;
    all->usable_bytes += is->usable_bytes - was->usable_bytes;
}

void feed_counted(struct model *model, uint32_t process, uint64_t at_ns,
                  const struct model_counts *counts)
{
    struct model_feed *feed = model->feed;
    if (!feed_process_at(feed, process))
        return;
    feed_advance(model, at_ns);
    struct model_process *at = &model->processes.at[process];
    struct model_counts was = at->counts, *is = &at->counts;
    is->alloc_n = counts->alloc_n;
    is->alloc_bytes = counts->alloc_bytes;
    is->free_n = counts->free_n;
    is->realloc_n = counts->realloc_n;
    is->usable_in = counts->usable_in;
    is->usable_out = counts->usable_out;
    uint64_t live = is->base_bytes + is->usable_in;
    /* A forked child frees what its parent counted. */
    is->usable_bytes = live > is->usable_out ? live - is->usable_out : 0;
    if (!is->usable_in)
        is->usable_bytes = at->sums.live_bytes; /* the allocator does not tell: the estimate */
    counted_add(&model->counts, &was, is);
    if (!model->sampled)
        return;
    counted_peak(&at->sums, is, feed->now_ns);
    counted_peak(&model->sums, &model->counts, feed->now_ns);
    if (model->sums.live_bytes > feed->slice.high_bytes)
        feed->slice.high_bytes = model->sums.live_bytes;
}

static void counted_take(struct model_sums *sums, const struct model_counts *counts)
{
    sums->alloc_n = counts->alloc_n;
    sums->alloc_bytes = counts->alloc_bytes;
    sums->free_n = counts->free_n;
    sums->realloc_n = counts->realloc_n;
}

void model_take_counts(struct model *model)
{
    if (!model->sampled)
        return;
    counted_take(&model->sums, &model->counts);
    VEC_EACH (struct model_process, process, &model->processes) {
        counted_take(&process->sums, &process->counts);
    }
}
