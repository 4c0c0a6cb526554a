/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tasks of one image: from task records to tasks and groups of the model.
 *
 * A task is known by its cell, the heap block it lives in. The block tells what no record says: the
 * stack that made it is where the task was spawned, the task that made it is the parent, its size
 * is that of the cell, and the task ends when the block is freed. Tasks of one type and spawn place
 * form a group. Ended ones fold into it in the model; while TASKS_ALIVE_MAX tasks are alive,
 * further ones are counted as their group from the beginning.
 */
#ifndef MEMSCOPE_COLLECT_TASKS_H
#define MEMSCOPE_COLLECT_TASKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/vec.h"
#include "collect/intake.h"
#include "collect/journal.h"
#include "collect/ticks.h"
#include "heap/model.h"

enum { TASKS_ALIVE_MAX = 1 << 16, TASKS_SLOTS_MAX = 1 << 22, TASKS_GROUPS_MAX = 1 << 16 };
enum { TASKS_SLOTS_LEAST = 1 << 14 };

/* A cell and the task that lives in it. */
struct tasks_slot {
    uint64_t cell; /* as in the records */
    uint64_t key;
    uint32_t task;  /* of the model; 0 = none since the last one ended */
    bool ended;     /* there was one: what runs on is the end of it */
    uint32_t group; /* of the model */
};

/* What the image said of a task type. */
struct tasks_type {
    uint64_t table, entry; /* addresses in the image */
    uint32_t rule;         /* enum wire_task_rule */
    uint32_t name;         /* string, 0 = not known */
};

struct tasks_group {
    uint32_t task; /* the group's entry in the model */
    uint32_t type;
};

struct tasks {
    struct model *model;
    struct journal *journal;
    uint32_t process;
    struct map slot_of; /* address of the cell, or the key of a task without one -> slot */
    VEC(struct tasks_slot) slots;
    VEC(uint32_t) unused; /* slots of tasks that are over */
    size_t compact_at;    /* slots from which on it is worth to look for those */
    VEC(struct tasks_type) types;
    struct map group_of; /* type and spawn place -> place in groups */
    VEC(struct tasks_group) groups;
    const struct ticks *ticks;
    uint32_t timed_every;           /* one poll in so many is timed */
    bool asyncio_missing;           /* an interpreter has it, but its types were not found */
    uint64_t refused_n[WIRE_RULES]; /* types by rule that turned out to be no task types */
    uint64_t begun_n;               /* tasks in all */
    uint64_t pooled_n;              /* tasks of CPython that lie in its own pool */
    uint32_t alive_n;
};

/* What a lane runs. Zero: no task. */
struct tasks_current {
    uint64_t key, cell;
    uint32_t slot; /* slot + 1, 0 = none */
    uint32_t task; /* of the model */
};

/* The tasks of one process of the model, which outlives them, as does the journal. */
void tasks_init(struct tasks *tasks, struct model *model, struct journal *journal, uint32_t process,
                const struct ticks *ticks, uint32_t timed_every);
void tasks_done(struct tasks *tasks);

/* Says in the model's facts what could not be told apart. */
void tasks_set_facts(const struct tasks *tasks);

/* Reads a task record. *current is the lane's, and changes with a switch. */
void tasks_read(struct tasks *tasks, const struct intake_slot *slot, unsigned slots, unsigned kind,
                uint64_t at_ns, struct tasks_current *current);

/* The model's task for an event of a lane: the cell may have been given to another task since. */
uint32_t tasks_of_slow(struct tasks *tasks, struct tasks_current *current, uint64_t at_ns);

static inline uint32_t tasks_of(struct tasks *tasks, struct tasks_current *current, uint64_t at_ns)
{
    if (__builtin_expect(!current->slot, 1))
        return 0;
    if (tasks->slots.at[current->slot - 1].task == current->task)
        return current->task;
    return tasks_of_slow(tasks, current, at_ns);
}

/* What an event of a common lane says of its writer. */
uint32_t tasks_by_key(struct tasks *tasks, uint64_t key, uint64_t cell, uint64_t at_ns);

/* Before the block of this address is freed: a task that lives in it ends. */
void tasks_freed_slow(struct tasks *tasks, uint64_t address, uint64_t at_ns);

static inline void tasks_freed(struct tasks *tasks, uint64_t address, uint64_t at_ns)
{
    if (__builtin_expect(tasks->slots.n != 0, 0))
        tasks_freed_slow(tasks, address, at_ns);
}

#endif
