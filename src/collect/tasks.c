/* SPDX-License-Identifier: Apache-2.0 */
/* Task records come from the target: every key, cell and type in them may be anything. */
#include "collect/tasks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap/feed.h"

enum { TASKS_KEY_ID_BITS = 56 };

static const char *const tasks_runtimes[] = {
        [WIRE_RULE_NONE] = "",
        [WIRE_RULE_TOKIO] = "tokio",
        [WIRE_RULE_ASYNC_TASK] = "async-task",
        [WIRE_RULE_ASYNCIO] = "asyncio",
        [WIRE_RULE_COROUTINE] = "c++20",
        [WIRE_RULE_EXPLICIT] = "program",
};

void tasks_init(struct tasks *tasks, struct model *model, struct journal *journal, uint32_t process,
                const struct ticks *ticks, uint32_t timed_every)
{
    *tasks = (struct tasks){.model = model,
                            .journal = journal,
                            .process = process,
                            .ticks = ticks,
                            .timed_every = timed_every};
}

void tasks_done(struct tasks *tasks)
{
    map_done(&tasks->slot_of);
    map_done(&tasks->group_of);
    vec_done(&tasks->slots);
    vec_done(&tasks->unused);
    vec_done(&tasks->types);
    vec_done(&tasks->groups);
}

void tasks_set_facts(const struct tasks *tasks)
{
    char text[64];
    for (int rule = 1; rule < WIRE_RULES; rule++) {
        if (!tasks->refused_n[rule])
            continue;
        snprintf(text, sizeof text, "%s %llu", tasks_runtimes[rule],
                 (unsigned long long)tasks->refused_n[rule]);
        model_fact_set(tasks->model, "tasks_unverified", text);
    }
    if (tasks->asyncio_missing)
        model_fact_set(tasks->model, "tasks_missing", "_asyncio of CPython");
    if (tasks->begun_n) {
        const char *before = model_fact_get(tasks->model, "tasks_seen");
        unsigned long long seen = before ? strtoull(before, NULL, 10) : 0;
        snprintf(text, sizeof text, "%llu", seen + tasks->begun_n);
        model_fact_set(tasks->model, "tasks_seen", text);
    }
    if (tasks->pooled_n)
        model_fact_set(tasks->model, "tasks_pool", "pymalloc");
}

static uint64_t tasks_address(uint64_t cell)
{
    return cell & ((UINT64_C(1) << WIRE_CELL_BITS) - 1);
}

static const struct tasks_type *tasks_type_of(const struct tasks *tasks, uint64_t cell)
{
    static const struct tasks_type unknown;
    uint64_t type = cell >> WIRE_CELL_BITS;
    return type < tasks->types.n ? &tasks->types.at[type] : &unknown;
}

static bool tasks_has_id(const struct tasks_type *type)
{
    return type->rule == WIRE_RULE_TOKIO || type->rule == WIRE_RULE_EXPLICIT;
}

static uint32_t tasks_string(struct model *model, const char *text)
{
    uint32_t string = model_string_add(model, text, strlen(text));
    return string == MODEL_NONE ? 0 : string;
}

/* The type was not told yet when the first of these began: threads tell it, each in its lane. */
static void tasks_type_late(struct tasks *tasks, uint64_t type)
{
    struct model *model = tasks->model;
    uint32_t runtime = tasks_string(model, tasks_runtimes[tasks->types.at[type].rule]);
    for (size_t i = 0; i < tasks->groups.n; i++) {
        uint32_t group = tasks->groups.at[i].task;
        for (size_t k = 1; tasks->groups.at[i].type == type && k < model->tasks.n; k++) {
            if (model->tasks.at[k].group == group)
                model->tasks.at[k].runtime = runtime;
        }
    }
    VEC_EACH (struct tasks_slot, slot, &tasks->slots) {
        if (slot->cell >> WIRE_CELL_BITS == type && slot->task && slot->task != slot->group &&
            tasks_has_id(&tasks->types.at[type]))
            model->tasks.at[slot->task].runtime_id =
                    slot->key & ((UINT64_C(1) << TASKS_KEY_ID_BITS) - 1);
    }
}

static void tasks_type_read(struct tasks *tasks, const struct intake_slot *slot, unsigned slots)
{
    static const struct tasks_type unknown;
    if (slots < 2 || slot->a >= WIRE_TYPES_MAX)
        return;
    while (tasks->types.n <= slot->a) {
        if (!VEC_PUSH(&tasks->types, WIRE_TYPES_MAX, unknown))
            return;
    }
    uint64_t rule = slot[1].a;
    bool is_first = tasks->types.at[slot->a].rule == WIRE_RULE_NONE;
    bool known = rule < sizeof tasks_runtimes / sizeof *tasks_runtimes;
    tasks->types.at[slot->a] = (struct tasks_type){
            .table = slot->b, .entry = slot->c, .rule = known ? (uint32_t)rule : WIRE_RULE_NONE};
    if (slot[1].b == 1 && rule == WIRE_RULE_ASYNCIO && !slot->b)
        tasks->asyncio_missing = true;
    else
        tasks->refused_n[tasks->types.at[slot->a].rule] += slot[1].b == 1;
    if (is_first)
        tasks_type_late(tasks, slot->a);
}

/* Into the journal: a task, or a group, which is its own, has begun. */
static void tasks_note_begin(const struct tasks *tasks, uint32_t index, uint64_t at_ns)
{
    const struct model_task *task = &tasks->model->tasks.at[index];
    journal_event(tasks->journal, &(struct events_event){.kind = EVENTS_TASK_BEGIN,
                                                         .process = tasks->process,
                                                         .task = index,
                                                         .at_ns = at_ns,
                                                         .size_bytes = (uint64_t)task->group + 1,
                                                         .node = task->spawn_node});
}

/* The group of a type and spawn place: its place in groups, MODEL_NONE without memory. */
static uint32_t tasks_group_of(struct tasks *tasks, uint32_t type, const struct model_task *first,
                               uint64_t at_ns)
{
    uint64_t key = (uint64_t)type << 48 ^ (uint64_t)first->name << 26 ^ first->spawn_node;
    int64_t known = map_find(&tasks->group_of, key);
    if (known != MAP_NONE)
        return (uint32_t)known;
    uint32_t rule = type < tasks->types.n ? tasks->types.at[type].rule : WIRE_RULE_NONE;
    uint32_t parent = first->parent ? tasks->model->tasks.at[first->parent].group : 0;
    struct model_task entry = {
            .process = tasks->process,
            .parent = parent != MODEL_NONE ? parent : 0,
            .name = first->name,
            .runtime = tasks_string(tasks->model, tasks_runtimes[rule]),
            .spawn_node = first->spawn_node,
    };
    struct tasks_group group = {.task = feed_group_begin(tasks->model, &entry), .type = type};
    if (group.task == MODEL_NONE)
        return MODEL_NONE;
    tasks_note_begin(tasks, group.task, at_ns);
    if (!VEC_PUSH(&tasks->groups, TASKS_GROUPS_MAX, group))
        return MODEL_NONE;
    map_put(&tasks->group_of, key, (uint32_t)tasks->groups.n - 1);
    return (uint32_t)tasks->groups.n - 1;
}

/* The block that the task at the address lives in: CPython puts headers before its objects. */
static bool tasks_find_block(const struct tasks *tasks, const struct tasks_type *type,
                             uint64_t address, struct feed_pending *ret_block)
{
    enum { HEADER_BYTES = 16, HEADERS_MOST = 32 };
    for (uint64_t before = 0; before <= HEADERS_MOST; before += HEADER_BYTES) {
        if (address > before &&
            feed_find(tasks->model, tasks->process, address - before, ret_block))
            return true;
        if (type->rule != WIRE_RULE_ASYNCIO)
            break;
    }
    return false;
}

/* Begins the task that lives in the slot's cell. What was said of it was said in `parent`. */
static void tasks_begin(struct tasks *tasks, struct tasks_slot *slot, uint64_t at_ns, uint32_t name,
                        uint32_t parent)
{
    struct model *model = tasks->model;
    const struct tasks_type *type = tasks_type_of(tasks, slot->cell);
    struct model_task task = {
            .process = tasks->process,
            .name = name ? name : type->name,
            .runtime = tasks_string(model, tasks_runtimes[type->rule]),
            .runtime_id =
                    tasks_has_id(type) ? slot->key & ((UINT64_C(1) << TASKS_KEY_ID_BITS) - 1) : 0,
            .first_poll_ns = at_ns,
            .created_ns = at_ns,
            .parent = parent,
    };
    struct feed_pending block;
    feed_time(model, at_ns); /* as a replay does, which knows of events alone */
    if (tasks_find_block(tasks, type, tasks_address(slot->cell), &block)) {
        const struct model_cell_key *made = &model->cells.at[block.cell].key;
        task.spawn_node = made->node;
        task.parent = made->task;
        task.cell_bytes = block.size_bytes;
        task.created_ns = block.born_ns;
    } else {
        tasks->pooled_n += type->rule == WIRE_RULE_ASYNCIO;
    }
    if (task.parent >= model->tasks.n)
        task.parent = 0;
    if (task.created_ns > at_ns)
        task.created_ns = at_ns;
    uint32_t group = tasks_group_of(tasks, (uint32_t)(slot->cell >> WIRE_CELL_BITS), &task, at_ns);
    task.group = group == MODEL_NONE ? MODEL_NONE : tasks->groups.at[group].task;
    slot->group = task.group;
    tasks->begun_n++;
    slot->task = task.group == MODEL_NONE ? 0 : task.group;
    if (tasks->alive_n >= TASKS_ALIVE_MAX) {
        if (slot->task)
            model->tasks.at[slot->task].folded_n++;
        return;
    }
    uint32_t index = feed_task_begin(model, &task);
    if (index == MODEL_NONE)
        return;
    tasks_note_begin(tasks, index, at_ns);
    slot->task = index;
    tasks->alive_n++;
}

static void tasks_end(struct tasks *tasks, struct tasks_slot *slot, uint64_t at_ns)
{
    if (slot->task && slot->task != slot->group) {
        journal_event(tasks->journal, &(struct events_event){.kind = EVENTS_TASK_END,
                                                             .process = tasks->process,
                                                             .task = slot->task,
                                                             .at_ns = at_ns});
        feed_task_end(tasks->model, slot->task, at_ns);
        tasks->alive_n--;
    }
    slot->ended = slot->task != 0;
    slot->task = 0;
}

/* Tasks without a block that have ended: their ids do not come again. Their slots are used anew. */
static void tasks_compact(struct tasks *tasks)
{
    map_done(&tasks->slot_of);
    tasks->unused.n = 0;
    for (size_t i = 0; i < tasks->slots.n; i++) {
        struct tasks_slot *slot = &tasks->slots.at[i];
        uint64_t place = tasks_address(slot->cell);
        bool over = !place && !slot->task;
        if (over && VEC_PUSH(&tasks->unused, TASKS_SLOTS_MAX, (uint32_t)i))
            *slot = (struct tasks_slot){.group = MODEL_NONE};
        else
            map_put(&tasks->slot_of, place ? place : slot->key, (uint32_t)i);
    }
    tasks->compact_at = 2 * (tasks->slots.n - tasks->unused.n) + TASKS_SLOTS_LEAST;
}

/* A slot's place that is not in use; MAP_NONE without memory. */
static int64_t tasks_slot_take(struct tasks *tasks)
{
    const struct tasks_slot fresh = {.group = MODEL_NONE};
    if (!tasks->unused.n && tasks->slots.n >= tasks->compact_at + TASKS_SLOTS_LEAST)
        tasks_compact(tasks);
    if (tasks->unused.n)
        return tasks->unused.at[--tasks->unused.n];
    if (!VEC_PUSH(&tasks->slots, TASKS_SLOTS_MAX, fresh))
        return MAP_NONE;
    return (int64_t)tasks->slots.n - 1;
}

/* The slot of a cell, or of a key without one; NULL without memory. */
static struct tasks_slot *tasks_slot_of(struct tasks *tasks, uint64_t key, uint64_t cell)
{
    uint64_t place = tasks_address(cell) ? tasks_address(cell) : key;
    int64_t known = map_find(&tasks->slot_of, place);
    if (known != MAP_NONE)
        return &tasks->slots.at[known];
    int64_t taken = tasks_slot_take(tasks);
    if (taken == MAP_NONE || !map_put(&tasks->slot_of, place, (uint32_t)taken))
        return NULL;
    tasks->slots.at[taken] = (struct tasks_slot){.cell = cell, .key = key, .group = MODEL_NONE};
    return &tasks->slots.at[taken];
}

/*
 * The task in the cell. Where it has ended and what runs is the end of it, its group: the entry of
 * an ended task may be another one's by now.
 */
static uint32_t tasks_in(const struct tasks_slot *slot)
{
    if (slot->task)
        return slot->task;
    return slot->ended && slot->group != MODEL_NONE ? slot->group : 0;
}

/* The slot, with the task of this key alive in it unless it is known to have ended. */
static struct tasks_slot *tasks_resolve(struct tasks *tasks, uint64_t key, uint64_t cell,
                                        uint64_t at_ns, uint32_t name, uint32_t parent)
{
    struct tasks_slot *slot = tasks_slot_of(tasks, key, cell);
    if (!slot)
        return NULL;
    if (slot->task && (slot->key != key || slot->cell != cell))
        tasks_end(tasks, slot, at_ns);
    bool is_over =
            slot->ended && slot->key == key && tasks_type_of(tasks, cell)->rule == WIRE_RULE_TOKIO;
    if (!slot->task && !is_over) {
        slot->key = key;
        slot->cell = cell;
        tasks_begin(tasks, slot, at_ns, name, parent);
    }
    return slot;
}

static void tasks_add_polls(struct tasks *tasks, uint32_t task, uint64_t polls, uint64_t at_ns)
{
    if (!task || task >= tasks->model->tasks.n)
        return;
    struct model_task *entry = &tasks->model->tasks.at[task];
    entry->poll_n += polls >> WIRE_POLLS_SHIFT;
    uint64_t ticks = polls & ((UINT64_C(1) << WIRE_POLLS_SHIFT) - 1);
    entry->busy_ns += ticks_to_ns(tasks->ticks, ticks) * tasks->timed_every;
    entry->last_poll_ns = at_ns;
}

static void tasks_switch(struct tasks *tasks, const struct intake_slot *slot, uint64_t at_ns,
                         struct tasks_current *current)
{
    *current = (struct tasks_current){0};
    if (!slot->a)
        return;
    struct tasks_slot *to = tasks_resolve(tasks, slot->a, slot->c, at_ns, 0, 0);
    if (!to)
        return;
    *current = (struct tasks_current){.key = slot->a,
                                      .cell = slot->c,
                                      .slot = (uint32_t)(to - tasks->slots.at) + 1,
                                      .task = tasks_in(to)};
    tasks_add_polls(tasks, tasks_in(to), slot->b, at_ns);
}

/* A group of tasks of this type; 0: there is none. */
static uint32_t tasks_any_group(const struct tasks *tasks, uint64_t cell)
{
    for (size_t k = 0; k < tasks->groups.n; k++) {
        if (tasks->groups.at[k].type == cell >> WIRE_CELL_BITS)
            return tasks->groups.at[k].task;
    }
    return 0;
}

/*
 * Polls are told late: the cell may be another task's by now. Ids rise, so a lower one is that of a
 * task which has ended; its last polls then count for a group.
 */
static void tasks_polls(struct tasks *tasks, const struct intake_slot *slot, uint64_t at_ns)
{
    uint64_t place = tasks_address(slot->c) ? tasks_address(slot->c) : slot->a;
    int64_t known = map_find(&tasks->slot_of, place);
    struct tasks_slot *of = known == MAP_NONE ? NULL : &tasks->slots.at[known];
    if (of && slot->a < of->key) {
        tasks_add_polls(tasks, tasks_any_group(tasks, slot->c), slot->b, at_ns);
        return;
    }
    if (!of || of->key != slot->a)
        of = tasks_resolve(tasks, slot->a, slot->c, at_ns, 0, 0);
    if (of)
        tasks_add_polls(tasks, tasks_in(of), slot->b, at_ns);
}

static uint32_t tasks_text(struct model *model, const struct intake_slot *slot, unsigned slots)
{
    char text[WIRE_NAME_MAX];
    uint64_t most = (uint64_t)(slots - 1) * WIRE_SLOT_WORDS * sizeof(uint64_t);
    uint64_t n = slot->b < most ? slot->b : most;
    if (n > sizeof text)
        n = sizeof text;
    for (uint64_t i = 0; i < n; i++) {
        const struct intake_slot *at = &slot[1 + i / (WIRE_SLOT_WORDS * sizeof(uint64_t))];
        uint64_t words[WIRE_SLOT_WORDS] = {at->a, at->b, at->c};
        uint64_t place = i % (WIRE_SLOT_WORDS * sizeof(uint64_t));
        text[i] = (char)(words[place / 8] >> place % 8 * 8);
    }
    uint32_t name = model_string_add(model, text, n);
    return name == MODEL_NONE ? 0 : name;
}

/* What the program itself marks; past the most it is not worth a place. */
static void tasks_mark(struct model *model, uint32_t text, uint64_t at_ns)
{
    enum { TASKS_MARKS_MAX = 4096 };
    struct model_mark mark = {
            .at_ns = at_ns, .kind = model_string_add(model, "mark", 4), .text = text};
    if (mark.kind != MODEL_NONE)
        (void)VEC_PUSH(&model->marks, TASKS_MARKS_MAX, mark);
}

void tasks_read(struct tasks *tasks, const struct intake_slot *slot, unsigned slots, unsigned kind,
                uint64_t at_ns, struct tasks_current *current)
{
    struct tasks_slot *at;
    switch (kind) {
    case WIRE_TASK_TYPE:
        tasks_type_read(tasks, slot, slots);
        break;
    case WIRE_TASK_SWITCH:
        tasks_switch(tasks, slot, at_ns, current);
        break;
    case WIRE_TASK_POLLS:
        if (slot->a)
            tasks_polls(tasks, slot, at_ns);
        break;
    case WIRE_TASK_END:
        at = slot->a ? tasks_resolve(tasks, slot->a, slot->c, at_ns, 0, 0) : NULL;
        if (at && at->task) {
            tasks_add_polls(tasks, at->task, slot->b, at_ns);
            tasks_end(tasks, at, at_ns);
        }
        break;
    case WIRE_TASK_NAME:
        if (slot->a)
            tasks_resolve(tasks, slot->a, slot->c, at_ns, tasks_text(tasks->model, slot, slots),
                          current->task);
        break;
    case WIRE_MARK:
        tasks_mark(tasks->model, tasks_text(tasks->model, slot, slots), at_ns);
        break;
    default:
        break;
    }
}

uint32_t tasks_of_slow(struct tasks *tasks, struct tasks_current *current, uint64_t at_ns)
{
    const struct tasks_slot *slot = &tasks->slots.at[current->slot - 1];
    struct feed_pending block;
    /* Its task has ended. An address may by now be another task's; an id never is. */
    bool reused = slot->task ? slot->key == current->key
                             : feed_find(tasks->model, tasks->process, tasks_address(current->cell),
                                         &block);
    if (reused && !tasks_has_id(tasks_type_of(tasks, current->cell)))
        slot = tasks_resolve(tasks, current->key, current->cell, at_ns, 0, 0);
    /* Where the cell is another task's, nobody knows any more whose end this is. */
    current->task = slot && slot->key == current->key ? tasks_in(slot) : 0;
    return current->task;
}

uint32_t tasks_by_key(struct tasks *tasks, uint64_t key, uint64_t cell, uint64_t at_ns)
{
    if (!key)
        return 0;
    struct tasks_slot *slot = tasks_slot_of(tasks, key, cell);
    if (slot && slot->key == key && slot->cell == cell && slot->task)
        return slot->task;
    slot = slot ? tasks_resolve(tasks, key, cell, at_ns, 0, 0) : NULL;
    return slot ? tasks_in(slot) : 0;
}

void tasks_freed_slow(struct tasks *tasks, uint64_t address, uint64_t at_ns)
{
    int64_t known = map_find(&tasks->slot_of, address);
    if (known == MAP_NONE)
        return;
    struct tasks_slot *slot = &tasks->slots.at[known];
    if (slot->task && tasks_address(slot->cell) == address)
        tasks_end(tasks, slot, at_ns);
}
