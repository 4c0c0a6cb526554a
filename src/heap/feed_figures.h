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

/*
 * Blocks of one cell that the cell's own thread frees at once, one after another, in one slice and
 * without a peak: what is still to be added to the cell's figures.
 */
struct feed_passed {
    uint64_t n, bytes;
    uint64_t size_min, size_max;
    uint64_t born_ns;             /* of the last one */
    uint32_t cell_class, class_n; /* the last of them lived as long as this class says */
};

FEED_INLINE void feed_passed_lives(struct model *model, uint32_t life,
                                   const struct feed_passed *passed)
{
    const struct feed_death death = {life, passed->cell_class, passed->class_n};
    feed_death_count(model, &death);
    model->feed->slice.life_n[passed->cell_class] += passed->class_n;
}

/* One more of them, in the figures that no cell has. */
FEED_INLINE void feed_pass(struct model *model, uint32_t life, uint64_t size_bytes,
                           uint64_t born_ns, uint64_t died_ns, struct feed_passed *passed)
{
    unsigned size_class = classes_size(size_bytes), life_class = classes_life(died_ns - born_ns);
    unsigned cell_class = classes_cell_life(life_class);
    model->histograms->size_n[size_class]++;
    model->histograms->size_bytes[size_class] += size_bytes;
    model->histograms->size_life_n[size_class][life_class]++;
    model->feed->slice.size_n[classes_slice_size(size_bytes)]++;
    if (cell_class != passed->cell_class) {
        feed_passed_lives(model, life, passed);
        passed->cell_class = cell_class;
        passed->class_n = 0;
    }
    passed->class_n++;
    passed->n++;
    passed->bytes += size_bytes;
    if (size_bytes < passed->size_min)
        passed->size_min = size_bytes;
    if (size_bytes > passed->size_max)
        passed->size_max = size_bytes;
    passed->born_ns = born_ns;
}

static inline void feed_cell_passed(struct model *model, const struct model_process *process,
                                    uint32_t index, const struct feed_passed *passed)
{
    struct model_feed *feed = model->feed;
    struct model_cell *cell = &model->cells.at[index];
    struct model_row *row = rows_take(&feed->rows, index, feed->slice_at, feed->slice_at);
    row->n += passed->n;
    row->bytes += passed->bytes;
    feed_passed_lives(model, cell->life, passed);
    feed_touch(model, process, cell);
    cell->alloc_n += passed->n;
    cell->alloc_bytes += passed->bytes;
    cell->temporary_n += passed->n;
    if (passed->size_min < cell->size_min)
        cell->size_min = passed->size_min;
    if (passed->size_max > cell->size_max)
        cell->size_max = passed->size_max;
    cell->last_ns = passed->born_ns;
}

#endif
