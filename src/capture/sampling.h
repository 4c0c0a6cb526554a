/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sampling in the hooks: counts what happens exactly, and says what of it is to be recorded.
 *
 * Called only while the rate word is not that of plain full recording. An allocation that is not
 * recorded costs a subtraction and three additions, its free a look at one byte of the set and two
 * additions: sampling_pass_alloc and sampling_pass_free, which hooks have in line. They decide
 * where the thread is settled: it has a lane, draws for the rate that the segment has now, ignores
 * nothing, times nothing, and the allocator's blocks say their size. All others, and all else, go
 * the long way. Threads without a lane of their own count in the common lane and draw by a
 * process-wide number.
 */
#ifndef MEMSCOPE_CAPTURE_SAMPLING_H
#define MEMSCOPE_CAPTURE_SAMPLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/allocator.h"
#include "capture/lane.h"
#include "capture/next.h"
#include "capture/sample_set.h"

extern __attribute__((visibility("hidden"))) struct sample_set sampling_set;

static inline uint64_t sampling_rate(void)
{
    return atomic_load_explicit(&process.segment->rate, memory_order_relaxed);
}

/* Everything is recorded, no address is kept, nothing is timed. */
static inline bool sampling_is_off(uint64_t rate)
{
    return wire_rate_is_full(rate) && !wire_rate_is_timed(rate);
}

/* Makes the set of addresses if the session samples; in a forked child, charges its copy. */
void sampling_start(void);
void sampling_forked(void);

/* The weight of a new block, 0 = it is not recorded; counts it. Its address is in the set then. */
unsigned sampling_alloc(struct lane_state *state, uint64_t rate, const void *address, size_t size);

/* Before a block is freed: whether that is to be recorded; counts it. */
bool sampling_free(struct lane_state *state, uint64_t rate, const void *address);

/* What is to be done about a new block. */
enum sampling_pass {
    SAMPLING_ASK,    /* sampling_alloc knows */
    SAMPLING_PASSED, /* nothing: it is counted, and not recorded */
    SAMPLING_DRAWN,  /* it is counted, and its turn: sampling_drawn */
};

/* The calling thread's state when it is settled and recording is on. */
static inline struct lane_state *sampling_settled(void)
{
    struct lane_state *state = lane_self;
    /* A state is made only where there is a segment, and settles only under a rate that is not 0.
     */
    if (!state || state->settled != sampling_rate() ||
        atomic_load_explicit(&process.segment->recording, memory_order_relaxed) != WIRE_ON)
        return NULL;
    return state;
}

static inline enum sampling_pass sampling_pass_alloc(const void *address, size_t size)
{
    struct lane_state *state = sampling_settled();
    if (!state)
        return SAMPLING_ASK;
    size_t chunk = allocator_chunk(address);
    if (__builtin_expect(chunk & ALLOCATOR_CHUNK_MAPPED, 0))
        return SAMPLING_ASK;
    struct wire_lane *lane = state->lane;
    thread_add(&lane->alloc_n, 1);
    thread_add(&lane->alloc_bytes, size);
    thread_add(&lane->usable_in, allocator_chunk_usable(chunk));
    if (__builtin_expect(!sample_passes(&state->sample, size), 0))
        return SAMPLING_DRAWN;
    state->sample.between = true;
    return SAMPLING_PASSED;
}

/* The weight of a block whose turn it is, 0 = it is not recorded after all. */
unsigned sampling_drawn(struct lane_state *state, const void *address, size_t size);

/* Before a block is freed: true when that is counted and not to be recorded. */
static inline bool sampling_pass_free(const void *address)
{
    struct lane_state *state = sampling_settled();
    if (!state)
        return false;
    size_t chunk = allocator_chunk(address);
    if (__builtin_expect(chunk & ALLOCATOR_CHUNK_MAPPED, 0) ||
        sample_set_may_have(&sampling_set, (uintptr_t)address))
        return false;
    struct wire_lane *lane = state->lane;
    thread_add(&lane->free_n, 1);
    thread_add(&lane->usable_out, allocator_chunk_usable(chunk));
    return true;
}

/*
 * Before a block is reallocated: true when that will pass if sampling_pass_realloced says so, too.
 * *ret_usable: of the block.
 */
static inline bool sampling_pass_realloc(const void *old, size_t *ret_usable)
{
    if (!sampling_settled())
        return false;
    size_t chunk = allocator_chunk(old);
    *ret_usable = allocator_chunk_usable(chunk);
    return !(chunk & ALLOCATOR_CHUNK_MAPPED) && !sample_set_may_have(&sampling_set, (uintptr_t)old);
}

/* After it: true when both halves are counted, and nothing of it is to be recorded. */
static inline bool sampling_pass_realloced(const void *address, size_t size, size_t old_usable)
{
    struct lane_state *state = sampling_settled();
    if (!state || !address)
        return false;
    size_t chunk = allocator_chunk(address);
    if (__builtin_expect(chunk & ALLOCATOR_CHUNK_MAPPED, 0))
        return false;
    if (__builtin_expect(!sample_passes(&state->sample, size), 0)) {
        sample_unpass(&state->sample, size);
        return false;
    }
    struct wire_lane *lane = state->lane;
    thread_add(&lane->alloc_n, 1);
    thread_add(&lane->alloc_bytes, size);
    thread_add(&lane->usable_in, allocator_chunk_usable(chunk));
    thread_add(&lane->usable_out, old_usable);
    thread_add(&lane->realloc_n, 1);
    thread_add(&lane->free_n, 1);
    state->sample.between = true;
    return true;
}

/* The same where the address shares its home with one that is in the set. */
static inline bool sampling_pass_free_near(const void *address)
{
    struct lane_state *state = sampling_settled();
    if (!state)
        return false;
    size_t chunk = allocator_chunk(address);
    if (chunk & ALLOCATOR_CHUNK_MAPPED || sample_set_has(&sampling_set, (uintptr_t)address))
        return false;
    struct wire_lane *lane = state->lane;
    thread_add(&lane->free_n, 1);
    thread_add(&lane->usable_out, allocator_chunk_usable(chunk));
    return true;
}

/* A realloc between its halves. */
struct sampling_realloc {
    bool kept;     /* the old address was in the set */
    size_t usable; /* of the old block */
};

/* Before the real realloc: whether its halves are to be recorded. */
bool sampling_realloc_begin(uint64_t rate, const void *old, struct sampling_realloc *ret_old);
/* It failed: the old block lives on. */
void sampling_realloc_cancel(const void *old, const struct sampling_realloc *begun);
/* It was done: the old block is gone. */
void sampling_realloc_freed(struct lane_state *state, uint64_t rate,
                            const struct sampling_realloc *begun);

/* Counters of the calling thread's lane, or of the common one. */
void sampling_count_alloc_shared(size_t size);
void sampling_count_free_shared(void);
void sampling_count_realloc(struct lane_state *state);

static inline void sampling_count_alloc(struct lane_state *state, size_t size)
{
    if (__builtin_expect(!state, 0)) {
        sampling_count_alloc_shared(size);
        return;
    }
    thread_add(&state->lane->alloc_n, 1);
    thread_add(&state->lane->alloc_bytes, size);
}

static inline void sampling_count_free(struct lane_state *state)
{
    if (__builtin_expect(!state, 0))
        sampling_count_free_shared();
    else
        thread_add(&state->lane->free_n, 1);
}

/* Keeps the address of a task's block, so that its free is recorded and tells the task's end. */
void sampling_keep(uint64_t address);

/*
 * One hook in WIRE_RATE_TIMING (or WIRE_RATE_TIMING_LONG) is timed, at uneven distances: at even
 * ones a program that allocates and frees in turns would show one of the two only. Each half of a
 * realloc counts as a hook. sampling_pass_alloc and sampling_pass_free are timed under neither:
 * they would cost several times as much.
 */
void sampling_time_next(struct lane_state *state, uint64_t rate);
void sampling_time_note(struct lane_state *state, uint64_t ticks, bool recorded);

/* 0 = not this one. */
static inline uint64_t sampling_time_begin(struct lane_state *state, uint64_t rate)
{
    if (!wire_rate_is_timed(rate) || !state || state->timing--)
        return 0;
    sampling_time_next(state, rate);
    return process_stamp();
}

/* The stamp is read here: the way to the rest, which few hooks take, is not in it. */
static inline void sampling_time_end(struct lane_state *state, uint64_t begun, bool recorded)
{
    sampling_time_note(state, process_stamp() - begun, recorded);
}
/* Behind a timed hook that captured a stack: how much of that was new. */
void sampling_unwound(struct lane_state *state);

#endif
