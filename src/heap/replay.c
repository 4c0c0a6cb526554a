/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatches recorded events to the feed. */
#include "heap/replay.h"

#include <stdlib.h>
#include <string.h>

enum { REPLAY_PENDINGS_MAX = 1 << 20 };

/* The last one that was begun, as the collector looks for it. */
static struct replay_pending *replay_pending_find(struct replay *replay,
                                                  const struct events_event *event)
{
    for (size_t i = replay->pendings.n; i-- > 0;) {
        struct replay_pending *pending = &replay->pendings.at[i];
        if (pending->process == event->process && pending->thread == event->thread &&
            pending->old_address == event->old_address)
            return pending;
    }
    return NULL;
}

static int replay_realloc_begin(struct replay *replay, const struct feed_context *context,
                                const struct events_event *event)
{
    struct replay_pending begun = {
            .process = event->process, .thread = event->thread, .old_address = event->address};
    int outcome = feed_realloc_begin(replay->model, context, event->address, &begun.pending);
    if (outcome != FEED_DONE)
        return outcome;
    return VEC_PUSH(&replay->pendings, REPLAY_PENDINGS_MAX, begun) ? FEED_DONE : ERR_MEMORY;
}

/* Both ends of a realloc: the second half, and its cancel. */
static int replay_realloc_end(struct replay *replay, const struct feed_context *context,
                              const struct events_event *event)
{
    struct feed_pending none = {0};
    struct replay_pending *begun = replay_pending_find(replay, event);
    struct feed_pending *pending = begun ? &begun->pending : &none;
    int outcome = FEED_DONE;
    if (event->kind == EVENTS_REALLOC_CANCEL)
        outcome = feed_realloc_cancel(replay->model, context, pending);
    else
        outcome = feed_realloc_end(replay->model, context, pending, event->address,
                                   event->size_bytes, event->node, event->weight);
    if (begun && outcome >= 0) {
        struct replay_pending *last = &replay->pendings.at[--replay->pendings.n];
        memmove(begun, begun + 1, (size_t)(last - begun) * sizeof *begun);
    }
    return outcome;
}

static int replay_process_begin(struct replay *replay, const struct events_event *event)
{
    if (event->process >= replay->tables->processes.n ||
        event->process != replay->model->processes.n)
        return ERR_FORMAT;
    const struct model_process *process = &replay->tables->processes.at[event->process];
    return feed_process_begin(replay->model, process) == MODEL_NONE ? ERR_FORMAT : FEED_DONE;
}

static int replay_thread_begin(struct replay *replay, const struct events_event *event)
{
    if (event->thread >= replay->tables->threads.n || event->thread != replay->model->threads.n)
        return ERR_FORMAT;
    const struct model_thread *thread = &replay->tables->threads.at[event->thread];
    return feed_thread_begin(replay->model, thread) == MODEL_NONE ? ERR_FORMAT : FEED_DONE;
}

static int replay_task_begin(struct replay *replay, const struct events_event *event)
{
    if (event->task >= replay->tables->tasks.n)
        return ERR_FORMAT;
    struct model_task task = replay->tables->tasks.at[event->task];
    task.process = event->process;
    task.group = (uint32_t)(event->size_bytes - 1);
    task.spawn_node = event->node;
    task.ended_ns = 0;
    /* The entry may have been another task's since, with a parent that is yet to come. */
    if (task.parent >= replay->model->tasks.n)
        task.parent = 0;
    uint32_t index = task.group == event->task ? feed_group_begin(replay->model, &task)
                                               : feed_task_begin(replay->model, &task);
    return index == event->task ? FEED_DONE : ERR_FORMAT;
}

static int replay_process_end(struct replay *replay, const struct events_event *event)
{
    if (event->size_bytes < PROCESS_EXITED || event->size_bytes > PROCESS_LOST)
        return ERR_FORMAT;
    feed_process_end(replay->model, event->process, (enum process_end)event->size_bytes,
                     (int32_t)event->node, event->at_ns);
    return FEED_DONE;
}

int replay_event(struct replay *replay, const struct events_event *event)
{
    struct model *model = replay->model;
    /* Processes and threads are announced before what others did earlier is fed. */
    if (event->kind != EVENTS_PROCESS_BEGIN && event->kind != EVENTS_THREAD_BEGIN)
        feed_time(model, event->at_ns);
    struct feed_context context = {event->process, event->thread, event->task, event->at_ns};
    switch (event->kind) {
    case EVENTS_ALLOC:
        return feed_alloc(model, &context, event->address, event->size_bytes, event->node,
                          event->weight);
    case EVENTS_FREE:
        return feed_free(model, &context, event->address);
    case EVENTS_REALLOC_BEGIN:
        return replay_realloc_begin(replay, &context, event);
    case EVENTS_REALLOC_END:
    case EVENTS_REALLOC_CANCEL:
        return replay_realloc_end(replay, &context, event);
    case EVENTS_PROCESS_BEGIN:
        return replay_process_begin(replay, event);
    case EVENTS_PROCESS_END:
        return replay_process_end(replay, event);
    case EVENTS_THREAD_BEGIN:
        return replay_thread_begin(replay, event);
    case EVENTS_TASK_BEGIN:
        return replay_task_begin(replay, event);
    case EVENTS_TASK_END:
        feed_task_end(model, event->task, event->at_ns);
        return FEED_DONE;
    case EVENTS_RSS:
        feed_rss(model, event->at_ns, event->size_bytes);
        return FEED_DONE;
    case EVENTS_MAP:
        return feed_map(model, &context, event->address, event->size_bytes, event->node,
                        event->weight == 1 ? FEED_MAPPED : FEED_RESIZED);
    case EVENTS_UNMAP:
        return feed_unmap(model, &context, event->address, event->size_bytes);
    case EVENTS_TIME:
        feed_time(model, event->at_ns);
        return FEED_DONE;
    }
    return ERR_FORMAT;
}

void replay_done(struct replay *replay)
{
    vec_done(&replay->pendings);
}

/* Copies the tables that events only refer to. */
static int replay_tables_copy(struct model *to, const struct model *from)
{
    for (size_t i = 1; i < from->strings.n; i++) {
        const struct model_string *string = &from->strings.at[i];
        if (model_string_add(to, string->bytes, string->n) != i)
            return ERR_MEMORY;
    }
    for (size_t i = 1; i < from->modules.n; i++) {
        const struct model_module *module = &from->modules.at[i];
        if (model_module_add(to, module->path, module->build_id, module->build_id_bytes) != i)
            return ERR_MEMORY;
    }
    for (size_t i = 0; i < from->locations.n; i++) {
        const struct model_location *location = &from->locations.at[i];
        if (model_location_add(to, location->module, location->offset) != i)
            return ERR_MEMORY;
        to->locations.at[i] = *location;
    }
    for (size_t i = 0; i < from->symbols.n; i++) {
        if (!VEC_PUSH(&to->symbols, MODEL_SYMBOLS_MAX, from->symbols.at[i]))
            return ERR_MEMORY;
    }
    for (size_t i = 1; i < from->nodes.n; i++) {
        const struct model_node *node = &from->nodes.at[i];
        if (model_node_add(to, node->parent, node->location, node->flags) != i)
            return ERR_MEMORY;
    }
    return 0;
}

/* Replays the events of one chunk. */
static int replay_chunk(struct replay *replay, const struct recording_chunk *chunk,
                        struct diag *diag)
{
    struct events_in in;
    struct events_event event;
    events_in_init(&in, chunk->bytes, chunk->n);
    int err;
    while ((err = events_next(&in, &event)) == 0) {
        err = replay_event(replay, &event);
        if (err == ERR_MEMORY)
            return diag_set(diag, err, "no memory to replay the events");
        if (err == ERR_FORMAT)
            break;
    }
    if (err < 0)
        return diag_set(diag, err, "the events at byte %llu are damaged",
                        (unsigned long long)chunk->offset);
    return 0;
}

/* What of tasks is told besides the events: polls, and tasks that never had an entry. */
static void replay_polls_copy(struct model *to, const struct model *from)
{
    for (size_t i = 0; i < to->tasks.n && i < from->tasks.n; i++) {
        to->tasks.at[i].poll_n = from->tasks.at[i].poll_n;
        to->tasks.at[i].busy_ns = from->tasks.at[i].busy_ns;
        to->tasks.at[i].last_poll_ns = from->tasks.at[i].last_poll_ns;
        to->tasks.at[i].folded_n = from->tasks.at[i].folded_n;
    }
}

int replay_recording(struct recording_reader *reader, const struct model *tables,
                     struct model **ret_model, struct diag *diag)
{
    struct replay replay = {.tables = tables, .model = model_new()};
    if (!replay.model || feed_open(replay.model, tables->base_slice_ns) < 0 ||
        replay_tables_copy(replay.model, tables) < 0) {
        model_free_all(replay.model);
        return diag_set(diag, ERR_MEMORY, "no memory to replay the events");
    }
    bool has_events = false;
    struct recording_chunk chunk;
    int err = recording_rewind(reader, UINT64_MAX, diag);
    while (err == 0 && (err = recording_next(reader, &chunk, diag)) == 0) {
        if (chunk.type != RECORDING_EVENTS)
            continue;
        has_events = true;
        err = replay_chunk(&replay, &chunk, diag);
    }
    replay_done(&replay);
    if (err >= 0 && !has_events)
        err = diag_set(diag, ERR_MISSING,
                       "the recording has no events: it was made without --detailed-tracking");
    if (err >= 0)
        replay_polls_copy(replay.model, tables);
    if (err >= 0)
        err = model_settle(replay.model);
    if (err < 0) {
        model_free_all(replay.model);
        return err;
    }
    *ret_model = replay.model;
    return 0;
}
