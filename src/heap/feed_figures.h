/* SPDX-License-Identifier: Apache-2.0 */
/* The figures that a birth or a death changes, inline for the feed. Private to heap/. */
#ifndef MEMSCOPE_HEAP_FEED_FIGURES_H
#define MEMSCOPE_HEAP_FEED_FIGURES_H

#include "heap/classes.h"
#include "heap/spread.h"
#include "heap/state.h"

/* What every event goes through, in one piece. */
#define FEED_INLINE static inline __attribute__((always_inline))

/* Fewer are in the processor's caches anyway. */
enum { FEED_NEAR_LIVES = 256 };

/* Saves the cell's share of each peak that was passed since it was touched last. */
static inline void feed_touch(struct model *model, const struct model_process *process,
                              struct model_cell *cell)
{
    if (cell->peak_epoch != model->sums.peak_epoch) {
        if (model->feed->weighted)
            spread_save(&cell->spread);
        cell->peak_epoch = model->sums.peak_epoch;
        cell->peak_n = cell->live_n;
        cell->peak_bytes = cell->live_bytes;
    }
    if (cell->process_peak_epoch != process->sums.peak_epoch) {
        cell->process_peak_epoch = process->sums.peak_epoch;
        cell->process_peak_n = cell->live_n;
        cell->process_peak_bytes = cell->live_bytes;
    }
    cell->touched = model->feed->checkpoint;
}

static inline void feed_sums_alloc(struct model_sums *sums, uint64_t n, uint64_t bytes,
                                   uint64_t size_bytes)
{
    sums->alloc_n += n;
    sums->alloc_bytes += bytes;
    sums->live_n += n;
    sums->live_bytes += bytes;
    if (size_bytes > sums->max_block_bytes)
        sums->max_block_bytes = size_bytes;
}

static inline void feed_sums_free(struct model_sums *sums, uint64_t n, uint64_t bytes)
{
    sums->free_n += n;
    sums->free_bytes += bytes;
    sums->live_n -= n;
    sums->live_bytes -= bytes;
}

static inline void feed_sums_peak(struct model_sums *sums, uint64_t at_ns)
{
    if (sums->live_bytes <= sums->peak_bytes)
        return;
    sums->peak_bytes = sums->live_bytes;
    sums->peak_n = sums->live_n;
    sums->peak_at_ns = at_ns;
    sums->peak_epoch++;
}

/* A death in the lifetimes of its cell, sooner or later. */
static inline void feed_death_count(struct model *model, const struct feed_death *death)
{
    struct model_feed *feed = model->feed;
    if (model->lives.n <= FEED_NEAR_LIVES) {
        cells_death_count(model, death);
        return;
    }
    if (feed->death_n == FEED_DEATHS)
        cells_deaths_drain(model);
    feed->deaths[feed->death_n++] = *death;
}

/* A birth in every figure but the sums. */
FEED_INLINE void feed_cell_born(struct model *model, const struct model_process *process,
                                struct model_cell *cell, uint64_t size_bytes, uint64_t n)
{
    uint64_t bytes = size_bytes * n;
    feed_touch(model, process, cell);
    cell->alloc_n += n;
    cell->alloc_bytes += bytes;
    cell->live_n += n;
    cell->live_bytes += bytes;
    if (size_bytes < cell->size_min)
        cell->size_min = size_bytes;
    if (size_bytes > cell->size_max)
        cell->size_max = size_bytes;
    cell->last_ns = model->feed->now_ns;
    if (cell->key.task)
        model->feed->tasks.at[cell->key.task].live_n += n;
    unsigned size_class = classes_size(size_bytes);
    model->histograms->size_n[size_class] += n;
    model->histograms->size_bytes[size_class] += bytes;
    model->feed->slice.size_n[classes_slice_size(size_bytes)] += n;
}

/* A death, by a thread and a task, in every figure but the sums. */
FEED_INLINE void feed_cell_died(struct model *model, const struct model_process *process,
                                const struct blocks_slot *block, uint32_t thread, uint32_t task)
{
    struct model_feed *feed = model->feed;
    struct model_row *row = rows_take(&feed->rows, block->cell,
                                      feed_born_slice(model, block->born_ns), feed->slice_at);
    struct model_cell *cell = &model->cells.at[block->cell];
    uint64_t size_bytes = block->size_bytes & ~BLOCKS_PENDING;
    uint64_t n = block->weight, bytes = size_bytes * block->weight;
    uint64_t age_ns = feed->now_ns - block->born_ns;
    row->n += n;
    row->bytes += bytes;
    feed_touch(model, process, cell);
    cell->live_n -= n;
    cell->live_bytes -= bytes;
    if (block->weight != 1)
        spread_died(&cell->spread, size_bytes, block->weight);
    if (cell->key.task) {
        feed->tasks.at[cell->key.task].live_n -= n;
        feed_task_rest(feed, cell->key.task);
    }
    if (thread != cell->key.thread)
        cell->other_thread_free_n += n;
    if (task != cell->key.task)
        cell->other_task_free_n += n;
    unsigned life_class = classes_life(age_ns), cell_class = classes_cell_life(life_class);
    const struct feed_death death = {cell->life, cell_class, block->weight};
    feed_death_count(model, &death);
    model->histograms->size_life_n[classes_size(size_bytes)][life_class] += n;
    feed->slice.life_n[cell_class] += n;
}

#endif
