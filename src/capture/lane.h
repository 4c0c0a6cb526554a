/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread's place to write, and the record protocol: reserve, stamp, commit.
 *
 * Reserving is one add to the lane's head; a signal handler that interrupts it, before or after,
 * gets slots of its own. A lane with one owner adds without a lock prefix (its only rivals are
 * handlers on the same processor); common lanes and logs, with many writers, add with one.
 */
#ifndef MEMSCOPE_CAPTURE_LANE_H
#define MEMSCOPE_CAPTURE_LANE_H

#include <stdint.h>

#include "capture/cpu/x86_64/thread.h"
#include "capture/process.h"
#include "capture/sample.h"
#include "capture/unwind.h"

/* One private page for each thread, wiped by fork: lane == NULL means "no lane (yet)". */
struct lane_state {
    struct wire_lane *lane;
    uint64_t settled; /* the rate word under which sampling_pass_alloc decides; 0 = none */
    uintptr_t busy;   /* frame of the hook that uses `unwind`; 0 = nobody */
    struct unwind_thread *unwind;
    uint64_t task_now;     /* key of the task that the thread runs, 0 = none */
    uint64_t task_cell;    /* its cell (wire/event.h) */
    uint64_t task_written; /* current task key as the lane has it */
    uint64_t cell_written; /* and its cell */
    uint32_t ignored;      /* regions that the thread wants to be ignored, nested */
    uint32_t ignored_n;    /* allocations that were */
    uint32_t timing;       /* hooks until the next timed one */
    uint32_t number;       /* in the table of states */
    uint64_t timed_stall;  /* what the thread had waited when the present one began */
    struct sample_thread sample;
    void *scratch; /* of the exec hooks */
    size_t scratch_bytes;
    struct task_thread *tasks;
};

extern __attribute__((visibility("hidden"))) __thread struct lane_state *lane_self;

/* The calling thread's state, made when it has none; its lane may be missing. NULL: no memory. */
struct lane_state *lane_state_take(void);

/* Gives the calling thread a lane; NULL: it has to write to the common one, or nowhere. */
struct lane_state *lane_claim(void);

static inline struct lane_state *lane_mine(void)
{
    struct lane_state *state = lane_self;
    if (__builtin_expect(state && state->lane, 1))
        return state;
    return lane_claim();
}

/* From here on the thread's allocations are ignored, until as many lane_heed. */
static inline void lane_ignore(struct lane_state *state)
{
    state->ignored++;
    state->settled = 0;
}

static inline void lane_heed(struct lane_state *state)
{
    state->ignored--;
}

/* Where the calling thread's own stack ends: a pthread's below its control block. */
static inline uintptr_t lane_stack_top(void)
{
    uintptr_t pointer = thread_pointer();
    return pointer == process.main_thread_pointer ? process.main_stack_end : pointer;
}

/* In a forked child: the states of the parent's threads are not used again. */
void lane_forked(void);

/* The process's common lane or its stack log, made when first asked for. NULL: not to be had. */
struct wire_lane *lane_common(void);
struct wire_lane *lane_log(void);

/* Reserves n slots that lie in a row. NULL: there is no room and nobody to wait for. */
struct wire_slot *lane_reserve_shared(struct wire_lane *lane, unsigned n, uint64_t *ret_at);
/* Goes on with n slots that were reserved at *at; where that place will not do, *at moves. */
struct wire_slot *lane_reserve_slow(struct wire_lane *lane, uint64_t *at, unsigned n);
struct wire_slot *lane_reserve_own(struct wire_lane *lane, uint64_t at, unsigned n);

/* The n slots from `at` on, in a page that is installed. NULL: they are not, or straddle two. */
static inline struct wire_slot *lane_find(const struct wire_lane *lane, uint64_t at, unsigned n)
{
    uint64_t ring_page = at / WIRE_PAGE_SLOTS;
    /* Acquire: pairs with the installation. */
    uint64_t entry =
            atomic_load_explicit(&lane->page_of[ring_page % WIRE_LANE_PAGES], memory_order_acquire);
    uint64_t page = entry - wire_page_entry(ring_page, 0);
    unsigned slot = at % WIRE_PAGE_SLOTS;
    /* Page 0 is none: the ring page is over. */
    if (__builtin_expect(page - 1 >= (1u << WIRE_PAGE_BITS) - 1 || slot + n > WIRE_PAGE_SLOTS, 0))
        return NULL;
    return (struct wire_slot *)process_page_at((uint32_t)page) + slot;
}

static inline struct wire_slot *lane_reserve(struct wire_lane *lane, unsigned n)
{
    uint64_t at = thread_fetch_add(&lane->head, n);
    struct wire_slot *slot = lane_find(lane, at, n);
    return __builtin_expect(slot != NULL, 1) ? slot : lane_reserve_own(lane, at, n);
}

/* Stores the head with release order: from here on the collector may read the record. */
static inline void lane_commit(struct wire_slot *slot, uint64_t head)
{
    atomic_store_explicit(&slot->head, head, memory_order_release);
}

#endif
