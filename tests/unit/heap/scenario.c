/* SPDX-License-Identifier: Apache-2.0 */
/* A small machine of processes that allocate, free and reallocate at random. */
#include "scenario.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "heap/feed.h"
#include "heap/feed_batch.h"
#include "heap/replay.h"
#include "heap/state.h"

struct scenario_maker {
    const struct scenario_shape *shape;
    struct scenario *out;
    uint64_t seed;
    uint64_t at_ns;
    bool *ended; /* processes */
    bool *task_ended;
    uint64_t *reallocing; /* of each thread: old address, 0 = none */
    uint32_t burst_thread;
    uint64_t burst_address;
};

static uint64_t scenario_random(struct scenario_maker *maker)
{
    maker->seed ^= maker->seed << 13;
    maker->seed ^= maker->seed >> 7;
    maker->seed ^= maker->seed << 17;
    return maker->seed * 0x2545f4914f6cdd1du >> 16;
}

static uint64_t scenario_below(struct scenario_maker *maker, uint64_t n)
{
    return scenario_random(maker) % n;
}

static void scenario_put(struct scenario_maker *maker, struct events_event event)
{
    event.at_ns = maker->at_ns;
    if (scenario_below(maker, 50) == 0 && event.at_ns > 10) /* late ones, too */
        event.at_ns -= scenario_below(maker, 10);
    bool pushed = VEC_PUSH(&maker->out->events, SIZE_MAX / 2, event);
    assert(pushed);
    (void)pushed;
}

static void scenario_process_begin(struct scenario_maker *maker, uint32_t parent, bool is_exec)
{
    struct model *tables = maker->out->tables;
    struct model_process process = {.pid = 100 + (uint32_t)tables->processes.n,
                                    .parent = parent,
                                    .is_exec = is_exec,
                                    .start_ns = maker->at_ns};
    uint32_t index = (uint32_t)tables->processes.n;
    VEC_PUSH(&tables->processes, MODEL_PROCESSES_MAX, process);
    scenario_put(maker, (struct events_event){.kind = EVENTS_PROCESS_BEGIN, .process = index});
    struct model_thread thread = {.process = index, .tid = process.pid};
    scenario_put(maker, (struct events_event){.kind = EVENTS_THREAD_BEGIN,
                                              .process = index,
                                              .thread = (uint32_t)tables->threads.n});
    VEC_PUSH(&tables->threads, MODEL_THREADS_MAX, thread);
}

/* A program's own mappings, which cover each other as MAP_FIXED ones do. */
static void scenario_map(struct scenario_maker *maker, uint32_t process)
{
    struct events_event event = {
            .kind = scenario_below(maker, 3) ? EVENTS_MAP : EVENTS_UNMAP,
            .process = process,
            .address = (0x7e0000000 + scenario_below(maker, 200)) << 12,
            .size_bytes = (1 + scenario_below(maker, 30)) << 12,
    };
    if (maker->ended[process])
        return;
    if (event.kind == EVENTS_MAP) {
        event.node = (uint32_t)scenario_below(maker, maker->out->tables->nodes.n);
        event.weight = 1 + (uint32_t)scenario_below(maker, 2);
    }
    scenario_put(maker, event);
}

/* Processes, threads and tasks begin and end. */
static void scenario_life(struct scenario_maker *maker)
{
    const struct scenario_shape *shape = maker->shape;
    struct model *tables = maker->out->tables;
    uint32_t process = (uint32_t)scenario_below(maker, tables->processes.n);
    switch (scenario_below(maker, 9)) {
    case 0:
        if (tables->processes.n < shape->processes && !maker->ended[process])
            scenario_process_begin(maker, process, false);
        break;
    case 1:
        if (tables->processes.n >= shape->processes || maker->ended[process])
            break;
        bool is_exec = scenario_below(maker, 2);
        maker->ended[process] = true;
        scenario_put(maker,
                     (struct events_event){.kind = EVENTS_PROCESS_END,
                                           .process = process,
                                           .size_bytes = is_exec ? PROCESS_EXECED : PROCESS_EXITED,
                                           .node = 3});
        scenario_process_begin(maker, process, is_exec);
        break;
    case 2:
        if (tables->threads.n >= shape->threads || maker->ended[process])
            break;
        struct model_thread thread = {.process = process};
        scenario_put(maker, (struct events_event){.kind = EVENTS_THREAD_BEGIN,
                                                  .process = process,
                                                  .thread = (uint32_t)tables->threads.n});
        VEC_PUSH(&tables->threads, MODEL_THREADS_MAX, thread);
        break;
    case 3:
        if (tables->tasks.n >= shape->tasks || maker->ended[process])
            break;
        struct model_task task = {.process = process, .group = MODEL_NONE};
        scenario_put(maker, (struct events_event){.kind = EVENTS_TASK_BEGIN,
                                                  .process = process,
                                                  .task = (uint32_t)tables->tasks.n,
                                                  .size_bytes = (uint64_t)MODEL_NONE + 1});
        VEC_PUSH(&tables->tasks, MODEL_TASKS_MAX, task);
        break;
    case 4: {
        uint32_t index = (uint32_t)scenario_below(maker, tables->tasks.n);
        if (index && !maker->task_ended[index])
            scenario_put(maker, (struct events_event){.kind = EVENTS_TASK_END, .task = index});
        maker->task_ended[index] = true;
        break;
    }
    case 5:
    case 6:
        scenario_map(maker, process);
        break;
    default:
        scenario_put(maker, (struct events_event){.kind = scenario_below(maker, 2) ? EVENTS_RSS
                                                                                   : EVENTS_TIME,
                                                  .size_bytes = 0});
    }
}

static uint64_t scenario_address(struct scenario_maker *maker)
{
    /* Neighbours, far ones and odd ones. */
    uint64_t i = 1 + scenario_below(maker, maker->shape->addresses);
    return i % 3 ? 0x7f0000000000 + i * 16 : i * 0x100001;
}

/* Somewhere near what the burst did last. */
static uint64_t scenario_burst_address(struct scenario_maker *maker)
{
    if (!maker->shape->bursts || !maker->burst_address || scenario_below(maker, 6) == 0)
        maker->burst_address = scenario_address(maker);
    else if (scenario_below(maker, 2))
        maker->burst_address += (scenario_below(maker, 9) - 4) * 16;
    return maker->burst_address;
}

static uint64_t scenario_size(struct scenario_maker *maker)
{
    uint64_t size = scenario_random(maker) >> (27 + scenario_below(maker, 21));
    return scenario_below(maker, 20) ? size : 0;
}

static uint32_t scenario_thread(struct scenario_maker *maker)
{
    uint32_t index = (uint32_t)scenario_below(maker, maker->out->tables->threads.n);
    if (!maker->shape->bursts || scenario_below(maker, 40) == 0)
        maker->burst_thread = index;
    return maker->burst_thread;
}

static void scenario_born(struct scenario_maker *maker, struct events_event *event)
{
    event->size_bytes = scenario_size(maker);
    event->node = (uint32_t)scenario_below(maker, maker->out->tables->nodes.n);
    event->weight = 1;
    if (maker->shape->weighted && scenario_below(maker, 2))
        event->weight = (uint32_t)scenario_below(maker, 5000);
}

static void scenario_heap(struct scenario_maker *maker)
{
    const struct model *tables = maker->out->tables;
    uint32_t index = scenario_thread(maker);
    struct events_event event = {.thread = index, .process = tables->threads.at[index].process};
    if (maker->ended[event.process])
        return;
    if (scenario_below(maker, maker->shape->bursts ? 50 : 3) == 0)
        event.task = (uint32_t)scenario_below(maker, tables->tasks.n);
    event.kind = scenario_below(maker, 9) < 4 ? EVENTS_ALLOC : EVENTS_FREE;
    event.address = scenario_burst_address(maker);
    if (maker->reallocing[index]) {
        if (scenario_below(maker, 3))
            return; /* in the middle of it */
        event.kind = scenario_below(maker, 8) ? EVENTS_REALLOC_END : EVENTS_REALLOC_CANCEL;
        event.old_address = maker->reallocing[index];
        if (scenario_below(maker, 3) == 0)
            event.address = event.old_address;
        if (event.kind == EVENTS_REALLOC_CANCEL || scenario_below(maker, 20) == 0)
            event.address = 0;
        maker->reallocing[index] = 0;
    } else if (scenario_below(maker, maker->shape->bursts ? 15 : 9) == 0) {
        event.kind = EVENTS_REALLOC_BEGIN;
        maker->reallocing[index] = event.address;
    }
    if (event.kind == EVENTS_ALLOC || event.kind == EVENTS_REALLOC_END)
        scenario_born(maker, &event);
    scenario_put(maker, event);
}

void scenario_make(struct scenario *ret_scenario, const struct scenario_shape *shape)
{
    *ret_scenario = (struct scenario){.tables = model_new()};
    struct model *tables = ret_scenario->tables;
    uint32_t module = model_module_add(tables, model_string_add(tables, "/bin/a", 6), NULL, 0);
    for (uint32_t i = 1; i < shape->nodes; i++)
        model_node_add(tables, i / 2, model_location_add(tables, module, i * 100), 0);
    struct scenario_maker maker = {
            .shape = shape,
            .out = ret_scenario,
            .seed = shape->seed * 0x9e3779b97f4a7c15u + 1,
            .ended = calloc(shape->processes + 1, 1),
            .task_ended = calloc(shape->tasks + 1, 1),
            .reallocing = calloc(shape->threads + shape->processes + 1, sizeof(uint64_t))};
    scenario_process_begin(&maker, MODEL_NONE, false);
    while (ret_scenario->events.n < shape->events) {
        if (scenario_below(&maker, 3)) /* some share one time */
            maker.at_ns += scenario_below(&maker, shape->step_ns * 3);
        if (scenario_below(&maker, 2000) == 0)
            maker.at_ns += shape->step_ns * 2000;
        if (scenario_below(&maker, 40) == 0)
            scenario_life(&maker);
        else
            scenario_heap(&maker);
    }
    free(maker.ended);
    free(maker.task_ended);
    free(maker.reallocing);
}

void scenario_done(struct scenario *scenario)
{
    vec_done(&scenario->events);
    model_free_all(scenario->tables);
}

bool scenario_feed_some(const struct scenario *scenario, struct model *model, size_t from,
                        size_t to)
{
    static struct replay replay;
    if (from == 0) {
        replay_done(&replay);
        replay = (struct replay){.tables = scenario->tables, .model = model};
    }
    for (size_t i = from; i < to; i++) {
        if (replay_event(&replay, &scenario->events.at[i]) == ERR_MEMORY)
            return false;
    }
    if (to == scenario->events.n)
        replay_done(&replay);
    return true;
}

void scenario_tables_copy(const struct scenario *scenario, struct model *model)
{
    const struct model *tables = scenario->tables;
    uint32_t module = model_module_add(model, model_string_add(model, "/bin/a", 6), NULL, 0);
    for (uint32_t i = 1; i < tables->nodes.n; i++) {
        const struct model_node *node = &tables->nodes.at[i];
        model_location_add(model, module, tables->locations.at[node->location].offset);
        model_node_add(model, node->parent, node->location, node->flags);
    }
}

static struct model *scenario_model(const struct scenario *scenario, size_t slices, size_t rows)
{
    struct model *model = model_new();
    int err = feed_open(model, 1000000);
    assert(err == 0);
    (void)err;
    if (slices)
        model->feed->limits.slices = slices;
    if (rows)
        model->feed->limits.rows = rows;
    scenario_tables_copy(scenario, model);
    return model;
}

struct model *scenario_feed(const struct scenario *scenario, size_t slices, size_t rows)
{
    struct model *model = scenario_model(scenario, slices, rows);
    bool fed = scenario_feed_some(scenario, model, 0, scenario->events.n);
    assert(fed);
    (void)fed;
    return model;
}

/* The two halves of a realloc, with nothing between them, are one event of a batch. */
static bool scenario_realloc(const struct scenario *scenario, size_t at)
{
    const struct events_event *begin = &scenario->events.at[at], *end = begin + 1;
    return begin->kind == EVENTS_REALLOC_BEGIN && at + 1 < scenario->events.n &&
           end->kind == EVENTS_REALLOC_END && end->thread == begin->thread && end->address;
}

/* Makes a batch of the events from `from` on. */
static unsigned scenario_batch(const struct scenario *scenario, size_t from,
                               struct feed_event batch[static FEED_BATCH_MAX])
{
    const struct events_event *event = &scenario->events.at[from];
    const uint32_t process = event->process;
    unsigned n = 0;
    for (size_t at = from; at < scenario->events.n && n < FEED_BATCH_MAX; at++) {
        bool is_realloc = scenario_realloc(scenario, at);
        event = &scenario->events.at[is_realloc ? ++at : at];
        bool is_free = event->kind == EVENTS_FREE;
        if ((!is_free && !is_realloc && event->kind != EVENTS_ALLOC) || event->weight > 1 ||
            event->task || event->process != process)
            break;
        batch[n++] = (struct feed_event){.address = event->address,
                                         .old_address = is_realloc ? event->old_address : 0,
                                         .size_bytes = event->size_bytes,
                                         .at_ns = event->at_ns,
                                         .node = is_free ? MODEL_NONE : event->node,
                                         .thread = event->thread};
    }
    return n;
}

struct model *scenario_feed_batched(const struct scenario *scenario, size_t slices, size_t rows,
                                    struct scenario_batched *ret_batched)
{
    struct model *model = scenario_model(scenario, slices, rows);
    struct scenario_batched batched = {0};
    for (size_t i = 0; i < scenario->events.n;) {
        struct feed_event batch[FEED_BATCH_MAX];
        unsigned n = scenario_batch(scenario, i, batch);
        unsigned fed = n > 1 ? feed_batch(model, scenario->events.at[i].process, batch, n) : 0;
        for (unsigned k = 0; k < fed; k++) {
            bool is_realloc = batch[k].old_address != 0;
            i += is_realloc ? 2 : 1;
            batched.realloc_n += is_realloc;
        }
        batched.n += fed;
        if (fed < n || n == 0) {
            size_t to = i + (scenario_realloc(scenario, i) ? 2 : 1);
            bool one = scenario_feed_some(scenario, model, i, to);
            assert(one);
            (void)one;
            i = to;
        }
    }
    *ret_batched = batched;
    return model;
}
