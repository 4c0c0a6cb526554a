/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ended tasks pass what they did to their group, so that a server with a billion tasks keeps as
 * many entries as there are tasks alive and tasks worth telling apart.
 *
 * A task folds when it has ended and its last block has died; of those, the ones that allocated
 * most are kept. Its cells are added to the group's: peaks exactly, because both are first brought
 * to the same epoch; rows by renaming. Everything that needs memory is had before the first change.
 */
#include <stdlib.h>
#include <string.h>

#include "heap/spread.h"
#include "heap/state.h"

/* Tasks that fold together, and where their cells go. */
struct fold {
    struct model *model;
    VEC(uint32_t) tasks;
    VEC(struct feed_fold) pairs;
};

struct fold_weight {
    uint64_t alloc_bytes;
    uint32_t task;
};

static uint64_t fold_task_bytes(const struct model *model, uint32_t task)
{
    uint64_t bytes = 0;
    uint32_t cell = model->feed->tasks.at[task].first_cell;
    for (; cell; cell = model->feed->cell_next.at[cell - 1])
        bytes += model->cells.at[cell - 1].alloc_bytes;
    return bytes;
}

static int fold_weight_order(const void *a, const void *b)
{
    const struct fold_weight *x = a, *y = b;
    if (x->alloc_bytes != y->alloc_bytes)
        return x->alloc_bytes < y->alloc_bytes ? -1 : 1;
    return x->task < y->task ? -1 : x->task > y->task;
}

/* Puts the idle tasks in order, those that allocated least first. */
static bool fold_sort(struct model *model)
{
    struct model_feed *feed = model->feed;
    size_t n = feed->tasks_idle.n;
    struct fold_weight *weights = malloc((n + 1) * sizeof *weights);
    if (!weights)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint32_t task = feed->tasks_idle.at[i];
        weights[i] = (struct fold_weight){fold_task_bytes(model, task), task};
    }
    qsort(weights, n, sizeof *weights, fold_weight_order);
    for (size_t i = 0; i < n; i++)
        feed->tasks_idle.at[i] = weights[i].task;
    free(weights);
    return true;
}

/* Finds or makes the group's cell of each cell of a task; false: no memory. */
static bool fold_prepare_task(struct fold *fold, uint32_t task)
{
    struct model *model = fold->model;
    uint32_t cell = model->feed->tasks.at[task].first_cell;
    for (; cell; cell = model->feed->cell_next.at[cell - 1]) {
        struct feed_fold pair = {.from = cell - 1};
        struct model_cell_key key = model->cells.at[cell - 1].key;
        key.task = model->tasks.at[task].group;
        if (cells_take(model, &key, model->cells.at[cell - 1].first_ns, &pair.into) < 0 ||
            (model->cells.at[cell - 1].life != MODEL_NONE &&
             cells_life_take(model, pair.into) < 0) ||
            !VEC_PUSH(&fold->pairs, MODEL_CELLS_MAX, pair))
            return false;
    }
    return VEC_PUSH(&fold->tasks, MODEL_TASKS_MAX, task);
}

/* Chooses tasks and obtains all memory. */
static bool fold_prepare(struct fold *fold)
{
    struct model_feed *feed = fold->model->feed;
    size_t n = feed->tasks_idle.n - feed->limits.idle_tasks / 2;
    for (size_t i = 0; i < n; i++) {
        uint32_t task = feed->tasks_idle.at[i];
        bool folds =
                !feed->tasks.at[task].live_n && fold->model->tasks.at[task].group != MODEL_NONE;
        if (folds && !fold_prepare_task(fold, task))
            return false;
    }
    cells_deaths_drain(fold->model);
    return vec_reserve(&feed->folds, sizeof *feed->folds.at, fold->pairs.n, SIZE_MAX / 16) &&
           vec_reserve(&feed->cells_free, sizeof(uint32_t), fold->pairs.n, MODEL_CELLS_MAX) &&
           vec_reserve(&feed->lives_free, sizeof(uint32_t), fold->pairs.n, MODEL_CELLS_MAX) &&
           vec_reserve(&feed->tasks_free, sizeof(uint32_t), fold->tasks.n, MODEL_TASKS_MAX) &&
           rows_flush(&feed->rows) == 0;
}

static void fold_life(struct model *model, const struct model_cell *from,
                      const struct model_cell *into)
{
    struct model_feed *feed = model->feed;
    if (from->life == MODEL_NONE)
        return;
    for (size_t i = 0; i < MODEL_CELL_LIFE_CLASSES; i++) {
        uint32_t *sum = &model->lives.at[into->life].n[i];
        uint32_t more = model->lives.at[from->life].n[i];
        *sum = more > UINT32_MAX - *sum ? UINT32_MAX : *sum + more;
    }
    feed->lives_free.at[feed->lives_free.n++] = from->life;
}

static void fold_cell(struct model *model, struct model_cell *from, struct model_cell *into)
{
    cells_peaks_settle(model, from);
    cells_peaks_settle(model, into);
    fold_life(model, from, into);
    into->live_n += from->live_n;
    into->live_bytes += from->live_bytes;
    into->alloc_n += from->alloc_n;
    into->alloc_bytes += from->alloc_bytes;
    into->peak_n += from->peak_n;
    into->peak_bytes += from->peak_bytes;
    into->process_peak_n += from->process_peak_n;
    into->process_peak_bytes += from->process_peak_bytes;
    into->temporary_n += from->temporary_n;
    into->realloc_n += from->realloc_n;
    into->other_thread_free_n += from->other_thread_free_n;
    into->other_task_free_n += from->other_task_free_n;
    into->weight_excess += from->weight_excess;
    spread_add(&into->spread, &from->spread);
    into->size_min = from->size_min < into->size_min ? from->size_min : into->size_min;
    into->size_max = from->size_max > into->size_max ? from->size_max : into->size_max;
    into->first_ns = from->first_ns < into->first_ns ? from->first_ns : into->first_ns;
    into->last_ns = from->last_ns > into->last_ns ? from->last_ns : into->last_ns;
    into->touched = model->feed->checkpoint;
    *from = (struct model_cell){.life = MODEL_NONE, .touched = model->feed->checkpoint};
}

static void fold_cells(struct fold *fold, uint32_t *renamed)
{
    struct model *model = fold->model;
    struct model_feed *feed = model->feed;
    for (size_t i = 0; i < model->cells.n; i++)
        renamed[i] = (uint32_t)i;
    VEC_EACH (struct feed_fold, pair, &fold->pairs) {
        fold_cell(model, &model->cells.at[pair->from], &model->cells.at[pair->into]);
        renamed[pair->from] = pair->into;
        feed->cell_next.at[pair->from] = CELL_FREE;
        feed->cells_free.at[feed->cells_free.n++] = pair->from;
        feed->folds.at[feed->folds.n++] = *pair;
    }
    rows_rename(&feed->rows, renamed, NULL);
    cells_reindex(model);
    model->loss.folded_cell_n += fold->pairs.n;
}

/* The tasks' entries are free; those that stay idle and children forget them. */
static void fold_tasks(struct fold *fold)
{
    struct model *model = fold->model;
    struct model_feed *feed = model->feed;
    VEC_EACH (uint32_t, task, &fold->tasks) {
        struct model_task *group = &model->tasks.at[model->tasks.at[*task].group];
        group->poll_n += model->tasks.at[*task].poll_n;
        group->busy_ns += model->tasks.at[*task].busy_ns;
        group->folded_n++;
        model->tasks.at[*task] =
                (struct model_task){.process = group->process, .group = MODEL_NONE};
        feed->tasks.at[*task] = (struct feed_task_state){.is_free = true};
        feed->tasks_free.at[feed->tasks_free.n++] = *task;
    }
    for (size_t i = 1; i < model->tasks.n; i++) {
        if (feed->tasks.at[model->tasks.at[i].parent].is_free)
            model->tasks.at[i].parent = 0;
    }
    size_t kept = 0;
    for (size_t i = 0; i < feed->tasks_idle.n; i++) {
        uint32_t task = feed->tasks_idle.at[i];
        feed->tasks.at[task].is_idle = false;
        if (!feed->tasks.at[task].is_free && !feed->tasks.at[task].live_n) {
            feed->tasks.at[task].is_idle = true;
            feed->tasks_idle.at[kept++] = task;
        }
    }
    feed->tasks_idle.n = kept;
}

void fold_idle_tasks(struct model *model)
{
    struct fold fold = {.model = model};
    uint32_t *renamed = NULL;
    if (fold_sort(model) && fold_prepare(&fold) &&
        (renamed = malloc((model->cells.n + 1) * sizeof *renamed)) != NULL) {
        fold_cells(&fold, renamed);
        fold_tasks(&fold);
    }
    /* Tasks without a group stay, and would be asked for again and again. */
    struct model_feed *feed = model->feed;
    if (feed->tasks_idle.n > feed->limits.idle_tasks / 4 * 3)
        feed->limits.idle_tasks = feed->tasks_idle.n * 2;
    free(renamed);
    vec_done(&fold.tasks);
    vec_done(&fold.pairs);
}
