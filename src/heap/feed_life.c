/* SPDX-License-Identifier: Apache-2.0 */
/* Processes, threads and tasks come and go; feeding itself begins and ends. */
#include <stdlib.h>

#include "base/diag.h"
#include "heap/state.h"

#define FEED_BASE_SLICE_NS UINT64_C(1000000)
#define FEED_BASE_SLICE_MAX_NS UINT64_C(3600000000000)

int feed_open(struct model *model, uint64_t base_slice_ns)
{
    struct model_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return ERR_MEMORY;
    model->feed = feed;
    if (base_slice_ns == 0 || base_slice_ns > FEED_BASE_SLICE_MAX_NS)
        base_slice_ns = FEED_BASE_SLICE_NS;
    model->base_slice_ns = base_slice_ns;
    feed->checkpoint = 1;
    feed->limits = (struct feed_limits){
            .rows = MODEL_ROWS_MAX, .slices = MODEL_SLICES_MAX, .idle_tasks = FEED_IDLE_TASKS};
    feed->renamed = calloc(MODEL_SLICES_MAX + 1, sizeof *feed->renamed);
    static const struct feed_task_state no_task;
    if (!feed->renamed || rows_init(&feed->rows, model, MODEL_ROWS_MAX + ROWS_SLACK) < 0 ||
        !VEC_PUSH(&feed->tasks, MODEL_TASKS_MAX, no_task) ||
        !vec_reserve(&model->slices, sizeof *model->slices.at, MODEL_SLICES_MAX + 1,
                     MODEL_SLICES_MAX + 1) ||
        !vec_reserve(&model->slice_histograms, sizeof *model->slice_histograms.at,
                     MODEL_SLICES_MAX + 1, MODEL_SLICES_MAX + 1)) {
        feed_close(model);
        return ERR_MEMORY;
    }
    timeline_start(model);
    return 0;
}

void feed_close(struct model *model)
{
    struct model_feed *feed = model->feed;
    if (!feed)
        return;
    for (size_t i = 0; i < feed->processes.n; i++) {
        blocks_done(&feed->processes.at[i].blocks);
        maps_done(&feed->processes.at[i].maps);
    }
    map_done(&feed->mappings);
    vec_done(&feed->processes);
    vec_done(&feed->threads);
    vec_done(&feed->tasks);
    vec_done(&feed->cell_next);
    vec_done(&feed->cells_free);
    vec_done(&feed->lives_free);
    vec_done(&feed->tasks_free);
    vec_done(&feed->tasks_idle);
    vec_done(&feed->folds);
    cells_index_done(&feed->cells);
    rows_done(&feed->rows);
    free(feed->renamed);
    free(feed);
    model->feed = NULL;
}

uint32_t feed_process_begin(struct model *model, const struct model_process *process)
{
    static const struct feed_process_state no_blocks;
    struct model_process copy = *process;
    copy.end = PROCESS_RUNNING;
    copy.end_ns = 0;
    copy.sums = (struct model_sums){0};
    copy.counts = (struct model_counts){0};
    copy.mapped_bytes = copy.mapped_peak_bytes = copy.map_n = copy.map_bytes = 0;
    if (copy.parent != MODEL_NONE && copy.parent >= model->processes.n)
        return MODEL_NONE;
    if (!VEC_PUSH(&model->feed->processes, MODEL_PROCESSES_MAX, no_blocks))
        return MODEL_NONE;
    if (!VEC_PUSH(&model->processes, MODEL_PROCESSES_MAX, copy)) {
        model->feed->processes.n--;
        return MODEL_NONE;
    }
    return (uint32_t)model->processes.n - 1;
}

void feed_process_end(struct model *model, uint32_t process, enum process_end end, int32_t status,
                      uint64_t at_ns)
{
    struct feed_process_state *state = feed_process_at(model->feed, process);
    if (!state || end == PROCESS_RUNNING)
        return;
    feed_advance(model, at_ns);
    struct model_process *ended = &model->processes.at[process];
    /* Where rows find no memory the blocks stay until the next time that rows are settled. */
    if (open_rows_renew(model, process) == 0)
        blocks_done(&state->blocks);
    maps_done(&state->maps);
    ended->end = end;
    ended->status = status;
    ended->end_ns = model->feed->now_ns;
    ended->session_epoch_at_end = model->sums.peak_epoch;
    model->sums.live_n -= ended->sums.live_n;
    model->sums.live_bytes -= ended->sums.live_bytes;
    model->counts.usable_bytes -= ended->counts.usable_bytes;
    state->ended = true;
}

uint32_t feed_thread_begin(struct model *model, const struct model_thread *thread)
{
    static const struct feed_thread_state no_block;
    if (thread->process >= model->processes.n ||
        !VEC_PUSH(&model->feed->threads, MODEL_THREADS_MAX, no_block))
        return MODEL_NONE;
    if (!VEC_PUSH(&model->threads, MODEL_THREADS_MAX, *thread)) {
        model->feed->threads.n--;
        return MODEL_NONE;
    }
    return (uint32_t)model->threads.n - 1;
}

/* Takes an entry that was folded away, or appends one. */
static uint32_t feed_task_add(struct model *model, const struct model_task *task)
{
    static const struct feed_task_state running;
    struct model_feed *feed = model->feed;
    if (task->process >= model->processes.n)
        return MODEL_NONE;
    if (feed->tasks_free.n) {
        uint32_t index = feed->tasks_free.at[--feed->tasks_free.n];
        feed->tasks.at[index] = running;
        model->tasks.at[index] = *task;
        return index;
    }
    /* Room for it among the idle ones, where it comes without being able to fail. */
    if (!vec_reserve(&feed->tasks_idle, sizeof(uint32_t), feed->tasks.n + 1 - feed->tasks_idle.n,
                     MODEL_TASKS_MAX) ||
        !VEC_PUSH(&feed->tasks, MODEL_TASKS_MAX, running))
        return MODEL_NONE;
    if (!VEC_PUSH(&model->tasks, MODEL_TASKS_MAX, *task)) {
        model->feed->tasks.n--;
        return MODEL_NONE;
    }
    return (uint32_t)model->tasks.n - 1;
}

uint32_t feed_group_begin(struct model *model, const struct model_task *group)
{
    struct model_task copy = *group;
    if (copy.parent >= model->tasks.n || !model->feed->tasks.at[copy.parent].is_group)
        copy.parent = 0;
    uint32_t index = feed_task_add(model, &copy);
    if (index == MODEL_NONE)
        return MODEL_NONE;
    model->tasks.at[index].group = index;
    model->feed->tasks.at[index].is_group = true;
    return index;
}

uint32_t feed_task_begin(struct model *model, const struct model_task *task)
{
    struct model_feed *feed = model->feed;
    if (task->parent >= model->tasks.n ||
        (task->group != MODEL_NONE &&
         (task->group >= feed->tasks.n || !feed->tasks.at[task->group].is_group)))
        return MODEL_NONE;
    if (feed->tasks_idle.n >= feed->limits.idle_tasks)
        fold_idle_tasks(model);
    struct model_task copy = *task;
    if (feed->tasks.at[copy.parent].is_free)
        copy.parent = 0;
    uint32_t index = feed_task_add(model, &copy);
    feed->tasks_alive += index != MODEL_NONE;
    return index;
}

void feed_task_end(struct model *model, uint32_t task, uint64_t at_ns)
{
    struct model_feed *feed = model->feed;
    if (task == 0 || task >= feed->tasks.n || feed->tasks.at[task].ended ||
        feed->tasks.at[task].is_group || feed->tasks.at[task].is_free)
        return;
    feed_advance(model, at_ns);
    feed->tasks.at[task].ended = true;
    feed->tasks_alive--;
    model->tasks.at[task].ended_ns = feed->now_ns;
    feed_task_rest(feed, task);
}
