/* SPDX-License-Identifier: Apache-2.0 */
/* Slices as time passes: closed when they end, merged when there are too many. */
#include "heap/state.h"

enum { TIMELINE_IDLE_SLICES = 32 }; /* into which a long time without events is cut */

/* What a slice that begins now starts from. */
static void timeline_slice_begin(struct model *model, uint64_t start_ns, uint64_t width_ns)
{
    struct model_feed *feed = model->feed;
    feed->slice = (struct feed_slice){
            .end_ns = start_ns + width_ns,
            .alloc_n = model->sums.alloc_n,
            .alloc_bytes = model->sums.alloc_bytes,
            .free_n = model->sums.free_n,
            .free_bytes = model->sums.free_bytes,
            .high_bytes = model->sums.live_bytes,
    };
    feed->slice_start_ns = start_ns;
    feed->slice_at = (uint32_t)model->slices.n;
    model->slices.at[model->slices.n++] = (struct model_slice){.start_ns = start_ns};
    model->slice_histograms.at[model->slice_histograms.n++] = (struct model_slice_histogram){0};
}

void timeline_start(struct model *model)
{
    timeline_slice_begin(model, 0, slices_width(0, model->base_slice_ns, SLICES_EARLY_MAX));
}

static uint32_t timeline_narrow(uint64_t n)
{
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

void timeline_settle(struct model *model)
{
    struct model_feed *feed = model->feed;
    const struct feed_slice *now = &feed->slice;
    struct model_slice *slice = &model->slices.at[feed->slice_at];
    slice->live_bytes = model->sums.live_bytes;
    slice->live_n = model->sums.live_n;
    slice->high_bytes = now->high_bytes;
    slice->alloc_n = model->sums.alloc_n - now->alloc_n;
    slice->alloc_bytes = model->sums.alloc_bytes - now->alloc_bytes;
    slice->free_n = model->sums.free_n - now->free_n;
    slice->free_bytes = model->sums.free_bytes - now->free_bytes;
    slice->rss_bytes = now->rss_bytes;
    slice->tasks_alive = feed->tasks_alive;
    struct model_slice_histogram *histogram = &model->slice_histograms.at[feed->slice_at];
    for (size_t i = 0; i < MODEL_SLICE_SIZE_CLASSES; i++)
        histogram->size_n[i] = timeline_narrow(now->size_n[i]);
    for (size_t i = 0; i < MODEL_CELL_LIFE_CLASSES; i++)
        histogram->life_n[i] = timeline_narrow(now->life_n[i]);
}

/* Merges closed slices down to `left`; false: the rows' cache could not be emptied. */
static bool timeline_merge(struct model *model, uint64_t now_ns, size_t left)
{
    struct model_feed *feed = model->feed;
    if (rows_flush(&feed->rows) < 0)
        return false;
    slices_merge(model, now_ns, left, feed->renamed);
    rows_rename(&feed->rows, NULL, feed->renamed);
    feed->slices_from = 0;
    return true;
}

void timeline_shrink(struct model *model)
{
    struct model_feed *feed = model->feed;
    while (model->rows.n > feed->limits.rows / 4 * 3 && feed->limits.slices > SLICES_LEAST) {
        feed->limits.slices /= 2;
        if (feed->limits.slices < SLICES_LEAST)
            feed->limits.slices = SLICES_LEAST;
        if (feed->limits.slices >= model->slices.n)
            continue;
        if (rows_flush(&feed->rows) < 0)
            return;
        size_t before = model->rows.n;
        /* The slice under way takes part as the last one; it is never narrower afterwards. */
        timeline_settle(model);
        struct model_slice now = model->slices.at[feed->slice_at];
        model->slices.n--;
        model->slice_histograms.n--;
        feed->renamed[feed->slice_at] = 0;
        slices_merge(model, now.start_ns, feed->limits.slices - 1, feed->renamed);
        feed->renamed[feed->slice_at] = (uint32_t)model->slices.n;
        feed->slice_at = (uint32_t)model->slices.n;
        model->slices.at[model->slices.n++] = now;
        model->slice_histograms.at[model->slice_histograms.n++] = (struct model_slice_histogram){0};
        rows_rename(&feed->rows, NULL, feed->renamed);
        feed->slices_from = 0;
        model->loss.folded_row_n += before - model->rows.n;
    }
    /* No coarser than that: with so many cells there are as many rows as it takes. */
    if (model->rows.n > feed->limits.rows / 4 * 3) {
        feed->limits.rows *= 2;
        feed->rows.max = feed->limits.rows + ROWS_SLACK;
    }
}

void timeline_advance(struct model *model, uint64_t at_ns)
{
    struct model_feed *feed = model->feed;
    feed->now_ns = at_ns;
    model->end_ns = at_ns;
    while (at_ns >= feed->slice.end_ns) {
        uint64_t start_ns = feed->slice.end_ns;
        size_t limit = slices_limit(start_ns, feed->limits.slices);
        uint64_t width = slices_width(start_ns, model->base_slice_ns, limit);
        uint64_t idle = (at_ns - start_ns) / TIMELINE_IDLE_SLICES;
        if (idle > width)
            width = idle / model->base_slice_ns * model->base_slice_ns;
        timeline_settle(model);
        if (model->slices.n >= limit && !timeline_merge(model, start_ns, slices_left(limit))) {
            feed->slice.end_ns = at_ns + width; /* no memory: the slice under way goes on */
            return;
        }
        timeline_slice_begin(model, start_ns, width);
    }
}
