/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which task the calling thread runs.
 *
 * A patched slot of a runtime's task table leads to a thunk that knows the slot's number; it pushes
 * the task on the thread's stack of tasks, calls the original and pops (task_slot_call). Nothing is
 * written then: the first event after a change writes a switch record first (emit.c), so a poll
 * that does not allocate writes nothing.
 *
 * An exception or a forced unwind that passes the thunk pops through its personality routine. A
 * frame that was left by longjmp lies below the next one entered on the same stack, and is dropped
 * by that.
 */
#ifndef MEMSCOPE_CAPTURE_TASK_H
#define MEMSCOPE_CAPTURE_TASK_H

#include <stdbool.h>
#include <stdint.h>

enum {
    TASK_DEPTH_MAX = 24, /* deeper ones count as the deepest that is kept */
    /* Tasks of a thread whose polls are counted at a time: as many as fit into the thread's page,
     * or a table of its own for threads that turn out to poll more, which are not many. */
    TASK_COUNTS = 32,
    TASK_COUNTS_MANY = 1024,
    TASK_COUNTS_EVICTED = 64, /* until a thread is one of those */
    TASK_THREADS_MANY = 64,
    TASK_COUNT_MAX = 256 /* polls without an event after which they are told all the same */
};

struct task_frame {
    uintptr_t frame; /* of the thunk that entered it */
    uint64_t key, cell;
    uint64_t started; /* ticks; 0 = not timed */
};

struct task_count {
    uint64_t key, cell;
    uint64_t polls, busy; /* not yet told */
};

/* Lies in the thread's page (lane.h). */
struct task_thread {
    uint32_t depth, over;    /* over: entered beyond TASK_DEPTH_MAX */
    uint32_t untimed;        /* polls until the next timed one */
    uint32_t evicted;        /* counts that had to make room */
    struct task_count *many; /* TASK_COUNTS_MANY, or NULL */
    struct task_frame frames[TASK_DEPTH_MAX];
    struct task_count counts[TASK_COUNTS];
};

struct lane_state;

/* What a switch record to the thread's current task says of its polls; they count as told. */
uint64_t task_take_polls(struct lane_state *state);

/* Whether the cell's type has turned out to be none. */
bool task_type_is_refused(uint64_t cell);

/* Whether the cell's type has not been announced by this process yet; and that it has been now. */
bool task_type_is_new(uint64_t cell);
void task_type_told(uint64_t cell);

/* What a type record says; false: there is no such type. */
bool task_type_get(uint64_t cell, uint64_t *ret_table, uint64_t *ret_entry, uint64_t *ret_rule);

#endif
