/* SPDX-License-Identifier: Apache-2.0 */
/* Cells by their key, and the figures of a cell that are finished on demand. */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "heap/spread.h"
#include "heap/state.h"

enum { CELLS_INDEX_FIRST = 1024 };

static size_t cells_home(const struct cells_index *index, const struct model_cell_key *key)
{
    uint64_t site = (uint64_t)key->node << 32 | key->task;
    uint64_t who = (uint64_t)key->process << 32 | key->thread;
    uint64_t hash = (site ^ (who * 0xc2b2ae3d27d4eb4fu)) * 0x9e3779b97f4a7c15u;
    /* The node lies above bit 32: no lower bit of the product knows it. */
    return (size_t)(hash >> 32) & index->mask;
}

static uint32_t *cells_entry(const struct model *model, const struct model_cell_key *key)
{
    const struct cells_index *index = &model->feed->cells;
    size_t i = cells_home(index, key);
    while (index->entries[i] && !cells_same(&model->cells.at[index->entries[i] - 1].key, key))
        i = (i + 1) & index->mask;
    return &index->entries[i];
}

static void cells_index_fill(struct model *model)
{
    for (size_t i = 0; i < model->cells.n; i++) {
        if (model->feed->cell_next.at[i] != CELL_FREE)
            *cells_entry(model, &model->cells.at[i].key) = (uint32_t)i + 1;
    }
}

static int cells_index_grow(struct model *model)
{
    struct cells_index *index = &model->feed->cells;
    size_t entries = index->entries ? (index->mask + 1) * 2 : CELLS_INDEX_FIRST;
    uint32_t *larger = calloc(entries, sizeof *larger);
    if (!larger)
        return ERR_MEMORY;
    free(index->entries);
    index->entries = larger;
    index->mask = entries - 1;
    cells_index_fill(model);
    return 0;
}

void cells_reindex(struct model *model)
{
    struct cells_index *index = &model->feed->cells;
    if (!index->entries)
        return;
    memset(index->entries, 0, (index->mask + 1) * sizeof *index->entries);
    memset(index->recent, 0, sizeof index->recent);
    cells_index_fill(model);
}

/* A cell that was folded away, or a new one; MODEL_NONE: no memory. */
static uint32_t cells_unused(struct model *model)
{
    struct model_feed *feed = model->feed;
    if (feed->cells_free.n)
        return feed->cells_free.at[--feed->cells_free.n];
    static const struct model_cell no_cell;
    if (!VEC_PUSH(&feed->cell_next, MODEL_CELLS_MAX, 0))
        return MODEL_NONE;
    if (!VEC_PUSH(&model->cells, MODEL_CELLS_MAX, no_cell)) {
        feed->cell_next.n--;
        return MODEL_NONE;
    }
    return (uint32_t)model->cells.n - 1;
}

static int cells_add(struct model *model, const struct model_cell_key *key, uint64_t at_ns,
                     uint32_t *ret_cell)
{
    if (key->node >= model->nodes.n || key->process >= model->processes.n ||
        key->thread >= model->threads.n || key->task >= model->tasks.n)
        return ERR_USAGE;
    if (model->feed->tasks.at[key->task].is_free) {
        /* A task that has ended and was forgotten. */
        struct model_cell_key no_task = *key;
        no_task.task = 0;
        return cells_look_up(model, &no_task, at_ns, ret_cell);
    }
    if (model->cells.n >= MODEL_CELLS_MAX && model->feed->cells_free.n == 0)
        return ERR_LIMIT;
    if (model->cells.n + 1 > model->feed->cells.mask / 2 && cells_index_grow(model) < 0)
        return ERR_MEMORY;
    uint32_t unused = cells_unused(model);
    if (unused == MODEL_NONE)
        return ERR_MEMORY;
    struct model_cell cell = {.key = *key,
                              .touched = model->feed->checkpoint,
                              .size_min = UINT64_MAX,
                              .life = MODEL_NONE,
                              .first_ns = at_ns,
                              .peak_epoch = model->sums.peak_epoch,
                              .process_peak_epoch =
                                      model->processes.at[key->process].sums.peak_epoch};
    struct feed_task_state *task = &model->feed->tasks.at[key->task];
    model->feed->cell_next.at[unused] = task->first_cell;
    task->first_cell = unused + 1;
    model->cells.at[unused] = cell;
    *cells_entry(model, key) = unused + 1;
    *ret_cell = unused;
    return 0;
}

int cells_look_up(struct model *model, const struct model_cell_key *key, uint64_t at_ns,
                  uint32_t *ret_cell)
{
    if (model->feed->cells.entries) {
        uint32_t entry = *cells_entry(model, key);
        if (entry) {
            *ret_cell = entry - 1;
            return 0;
        }
    }
    return cells_add(model, key, at_ns, ret_cell);
}

int cells_life_add(struct model *model, uint32_t cell)
{
    static const struct model_life no_life;
    struct model_feed *feed = model->feed;
    if (feed->lives_free.n) {
        uint32_t life = feed->lives_free.at[--feed->lives_free.n];
        model->lives.at[life] = no_life;
        model->cells.at[cell].life = life;
        return 0;
    }
    if (!VEC_PUSH(&model->lives, MODEL_CELLS_MAX, no_life))
        return ERR_MEMORY;
    model->cells.at[cell].life = (uint32_t)model->lives.n - 1;
    return 0;
}

void cells_deaths_drain(struct model *model)
{
    struct model_feed *feed = model->feed;
    for (unsigned i = 0; i < feed->death_n; i++) {
        const struct feed_death *death = &feed->deaths[i];
        __builtin_prefetch(&model->lives.at[death->life].n[death->life_class], 1);
    }
    for (unsigned i = 0; i < feed->death_n; i++)
        cells_death_count(model, &feed->deaths[i]);
    feed->death_n = 0;
}

void cells_prefetch_entry(const struct model *model, const struct model_cell_key *key)
{
    const struct cells_index *index = &model->feed->cells;
    if (index->entries)
        __builtin_prefetch(&index->entries[cells_home(index, key)]);
}

void cells_prefetch(const struct model *model, const struct model_cell_key *key)
{
    const struct cells_index *index = &model->feed->cells;
    if (!index->entries)
        return;
    uint32_t entry = index->entries[cells_home(index, key)]; /* its own, or that of a neighbour */
    if (entry)
        cells_prefetch_at(model, entry - 1);
}

void cells_index_done(struct cells_index *index)
{
    free(index->entries);
    *index = (struct cells_index){0};
}

/* Nothing was live of a process that had ended. */
void cells_peaks_settle(const struct model *model, struct model_cell *cell)
{
    const struct model_process *process = &model->processes.at[cell->key.process];
    uint64_t epoch = model->sums.peak_epoch;
    if (process->end != PROCESS_RUNNING && process->session_epoch_at_end != epoch) {
        cell->peak_n = cell->peak_bytes = 0;
        cell->spread.peak_n = cell->spread.peak_bytes = 0;
        cell->peak_epoch = epoch;
    } else if (cell->peak_epoch != epoch) {
        spread_save(&cell->spread);
        cell->peak_n = cell->live_n;
        cell->peak_bytes = cell->live_bytes;
        cell->peak_epoch = epoch;
    }
    if (cell->process_peak_epoch != process->sums.peak_epoch) {
        cell->process_peak_n = cell->live_n;
        cell->process_peak_bytes = cell->live_bytes;
        cell->process_peak_epoch = process->sums.peak_epoch;
    }
}

void cells_settle(struct model *model)
{
    VEC_EACH (struct model_cell, cell, &model->cells) {
        cells_peaks_settle(model, cell);
        cell->free_n = cell->alloc_n - cell->live_n;
        cell->free_bytes = cell->alloc_bytes - cell->live_bytes;
        cell->sample_n = cell->alloc_n - cell->weight_excess;
        cell->short_n = cell->short_bytes = 0;
    }
    VEC_EACH (struct model_row, row, &model->rows) {
        if (row->born == row->freed) {
            model->cells.at[row->cell].short_n += row->n;
            model->cells.at[row->cell].short_bytes += row->bytes;
        }
    }
}
