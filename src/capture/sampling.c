/* SPDX-License-Identifier: Apache-2.0 */
/* Counters, draws and the set of sampled addresses of this process. */
#include "capture/sampling.h"
#include "capture/allocator.h"

#include "capture/pool.h"
#include "capture/sample.h"

enum {
    SAMPLING_SET_SHARE = 8, /* of the session's private memory, for one process's set */
    SAMPLING_SET_LEAST = 4096,
    SAMPLING_SET_MOST = 4 << 20,
    /* Under a percent budget each page that is touched first counts; 14 000 samples live say
       enough. */
    SAMPLING_SET_MOST_LIMITED = 256 << 10,
    SAMPLING_TIME_TRIES = 16,
    SAMPLING_TIME_MOST = 1 << 16, /* ticks */
};

struct sample_set sampling_set;

/* 0 = no set was tried for yet, 1 = one thread does, 2 = done. */
static _Atomic uint32_t sampling_set_state;
static _Atomic uint64_t sampling_shared_n; /* draws of threads without a lane */
static uint64_t sampling_stamp_ticks;      /* what reading the clock twice takes */

static size_t sampling_set_bytes(void)
{
    uint64_t wanted = process.segment->config.private_limit_bytes / SAMPLING_SET_SHARE;
    bool is_limited = process.segment->config.is_limited;
    size_t bytes = SAMPLING_SET_LEAST,
           most = is_limited ? SAMPLING_SET_MOST_LIMITED : SAMPLING_SET_MOST;
    while (bytes * 2 <= wanted && bytes < most)
        bytes *= 2;
    return bytes;
}

/* Makes the set, once; threads that come while one makes it do without. */
static void sampling_make_set(void)
{
    uint32_t state = 0;
    if (!atomic_compare_exchange_strong(&sampling_set_state, &state, 1))
        return;
    size_t bytes = sampling_set_bytes();
    /* A percent budget may ask for more at any time. */
    bool is_steered = process.segment->config.is_limited;
    unsigned weight = is_steered ? 1 : wire_rate_weight(sampling_rate());
    void *memory = NULL;
    for (; !memory && bytes >= SAMPLING_SET_LEAST; bytes /= 2) {
        memory = pool_take_kept(sample_set_memory(bytes));
        if (!memory)
            continue;
        sample_set_init(&sampling_set, memory, bytes, weight);
        atomic_store_explicit(&process.slot->set_room,
                              (uint32_t)(bytes / sizeof(struct sample_bucket)) *
                                      SAMPLE_BUCKET_ADDRESSES,
                              memory_order_relaxed);
    }
    /* Release: pairs with sampling_has_set; the set is whole for whoever sees 2. */
    atomic_store_explicit(&sampling_set_state, 2, memory_order_release);
}

static inline bool sampling_has_set(void)
{
    if (__builtin_expect(atomic_load_explicit(&sampling_set_state, memory_order_acquire) == 2, 1))
        return true;
    sampling_make_set();
    return atomic_load_explicit(&sampling_set_state, memory_order_acquire) == 2;
}

static void sampling_learn_stamp(void)
{
    sampling_stamp_ticks = UINT64_MAX;
    for (int i = 0; i < SAMPLING_TIME_TRIES; i++) {
        uint64_t from = process_stamp(), ticks = process_stamp() - from;
        if (ticks < sampling_stamp_ticks)
            sampling_stamp_ticks = ticks;
    }
}

void sampling_start(void)
{
    sample_start();
    uint64_t rate = sampling_rate();
    if (rate & WIRE_RATE_KEEP) {
        sampling_has_set();
        /* The collector keeps its clock seldom then, and few events are to be stamped. */
        process.libc_single = NULL;
    }
    if (wire_rate_is_timed(rate))
        sampling_learn_stamp();
}

void sampling_forked(void)
{
    if (!sampling_set.buckets)
        return;
    /* Where it may not be charged the child writes nothing to its copy, and samples nothing. */
    size_t bytes = (sampling_set.mask + 1) * sizeof(struct sample_bucket);
    if (pool_charge_copy(sample_set_memory(bytes))) {
        atomic_store_explicit(&process.slot->set_room,
                              (uint32_t)(sampling_set.mask + 1) * SAMPLE_BUCKET_ADDRESSES,
                              memory_order_relaxed);
    } else {
        sampling_set.buckets = NULL;
        sampling_set.homes = NULL;
    }
}

static _Atomic uint64_t *sampling_counter(struct wire_lane *lane, size_t at)
{
    return (void *)((char *)lane + at);
}

/* Adds to two counters of the same place in the thread's lane, or in the common one. */
static void sampling_add_shared(size_t first, uint64_t n, size_t second, uint64_t bytes)
{
    struct wire_lane *lane = lane_common();
    if (!lane)
        return;
    atomic_fetch_add_explicit(sampling_counter(lane, first), n, memory_order_relaxed);
    if (bytes)
        atomic_fetch_add_explicit(sampling_counter(lane, second), bytes, memory_order_relaxed);
}

#define SAMPLING_ADD(state, first, n, second, bytes)                                               \
    do {                                                                                           \
        if (__builtin_expect((state) != NULL, 1)) {                                                \
            thread_add(&(state)->lane->first, n);                                                  \
            thread_add(&(state)->lane->second, bytes);                                             \
        } else {                                                                                   \
            sampling_add_shared(offsetof(struct wire_lane, first), n,                              \
                                offsetof(struct wire_lane, second), bytes);                        \
        }                                                                                          \
    } while (0)

void sampling_count_alloc_shared(size_t size)
{
    sampling_add_shared(offsetof(struct wire_lane, alloc_n), 1,
                        offsetof(struct wire_lane, alloc_bytes), size);
}

void sampling_count_free_shared(void)
{
    sampling_add_shared(offsetof(struct wire_lane, free_n), 1, 0, 0);
}

void sampling_count_realloc(struct lane_state *state)
{
    SAMPLING_ADD(state, realloc_n, 1, free_n, 1);
}

static inline size_t sampling_usable(const void *address)
{
    return allocator_usable(address);
}

/* A thread without a lane draws for itself: by chance, not by a counter. */
static unsigned sampling_take_shared(uint64_t rate, size_t size)
{
    struct sample_thread draws = {0};
    uint32_t weight = wire_rate_weight(rate);
    unsigned class = (unsigned)(sample_class_of(&draws, size) - draws.classes);
    if (weight)
        weight = weight >> class ? weight >> class : 1;
    if (weight < 2)
        return weight;
    uint64_t number = atomic_fetch_add_explicit(&sampling_shared_n, 1, memory_order_relaxed);
    uint64_t seed = process.segment->config.seed ^ ((uint64_t)process.slot_index << 48) ^ number;
    return (sample_random(&seed) >> 32) * weight >> 32 ? 0 : weight;
}

/* The thread draws for this rate; from here on sampling_pass_alloc decides, if it may. */
static void sampling_settle(struct lane_state *state, uint64_t rate, const void *address)
{
    struct sample_thread *draws = &state->sample;
    if (draws->rate != rate) {
        if (!draws->rate)
            sample_seed(draws, process.segment->config.seed, process.slot_index, state->number);
        sample_set_rate(draws, rate);
    }
    bool plain = (rate & WIRE_RATE_KEEP) && !(rate & (WIRE_RATE_FREES | WIRE_RATE_TIMED));
    if (plain && state->lane && !state->ignored && allocator_has_chunks(address))
        state->settled = rate;
}

/*
 * Ends the beginning of a limited session, when it is time. Here, for the collector may hear of a
 * busy program's events when there are a hundred times as many.
 */
static void sampling_end_beginning(const struct lane_state *state)
{
    uint64_t rate = sampling_rate();
    if (!(rate & WIRE_RATE_BEGINNING) || !state ||
        atomic_load_explicit(&state->lane->alloc_n, memory_order_relaxed) < WIRE_RATE_BEGINNING_N)
        return;
    uint64_t later = rate & (WIRE_RATE_KEEP | WIRE_RATE_TIMED | WIRE_RATE_TIMED_LONG);
    later |= process.segment->config.later_weight | UINT64_C(1) << WIRE_RATE_NUMBER_SHIFT;
    atomic_compare_exchange_strong(&process.segment->rate, &rate, later);
}

/* A new peak of what the thread holds: seen here, the collector need not look so often. */
static void sampling_note_high(const struct lane_state *state)
{
    struct wire_lane *lane = state->lane;
    int64_t live = (int64_t)(atomic_load_explicit(&lane->usable_in, memory_order_relaxed) -
                             atomic_load_explicit(&lane->usable_out, memory_order_relaxed));
    if (live <= atomic_load_explicit(&lane->high_bytes, memory_order_relaxed))
        return;
    atomic_store_explicit(&lane->high_stamp, process_stamp(), memory_order_relaxed);
    /* Release: whoever reads these bytes finds their stamp, or a later one's. */
    atomic_store_explicit(&lane->high_bytes, live, memory_order_release);
}

/* Puts a new block into the set; false: there is no room for it. */
static bool sampling_kept(struct lane_state *state, const void *address)
{
    sampling_end_beginning(state);
    if (!sampling_has_set() || !sample_set_add(&sampling_set, (uintptr_t)address)) {
        atomic_fetch_add_explicit(&process.slot->refused_n, 1, memory_order_relaxed);
        return false;
    }
    if (state) {
        state->sample.between = false;
        sampling_note_high(state);
    }
    return true;
}

static inline unsigned sampling_take(struct lane_state *state, uint64_t rate, const void *address,
                                     size_t size)
{
    if (__builtin_expect(!state, 0))
        return sampling_take_shared(rate, size);
    if (__builtin_expect(state->settled != rate, 0))
        sampling_settle(state, rate, address);
    return sample_take(&state->sample, size);
}

unsigned sampling_drawn(struct lane_state *state, const void *address, size_t size)
{
    unsigned weight = sample_drawn(&state->sample, size);
    return weight && sampling_kept(state, address) ? weight : 0;
}

unsigned sampling_alloc(struct lane_state *state, uint64_t rate, const void *address, size_t size)
{
    sampling_count_alloc(state, size);
    if (wire_rate_is_full(rate))
        return 1;
    SAMPLING_ADD(state, usable_in, sampling_usable(address), usable_out, 0);
    unsigned weight = sampling_take(state, rate, address, size);
    if (weight)
        return sampling_kept(state, address) ? weight : 0;
    if (state)
        state->sample.between = true;
    return 0;
}

bool sampling_free(struct lane_state *state, uint64_t rate, const void *address)
{
    if (wire_rate_is_full(rate)) {
        sampling_count_free(state);
        return true;
    }
    SAMPLING_ADD(state, free_n, 1, usable_out, sampling_usable(address));
    /* A program that only frees, as many do at their end, settles here. */
    if (state && __builtin_expect(state->settled != rate, 0))
        sampling_settle(state, rate, address);
    return sample_set_remove(&sampling_set, (uintptr_t)address) || (rate & WIRE_RATE_FREES);
}

bool sampling_realloc_begin(uint64_t rate, const void *old, struct sampling_realloc *ret_old)
{
    *ret_old = (struct sampling_realloc){0};
    if (wire_rate_is_full(rate))
        return true;
    ret_old->usable = sampling_usable(old);
    ret_old->kept = sample_set_remove(&sampling_set, (uintptr_t)old);
    return ret_old->kept || (rate & WIRE_RATE_FREES);
}

void sampling_realloc_cancel(const void *old, const struct sampling_realloc *begun)
{
    if (begun->kept && !sample_set_add(&sampling_set, (uintptr_t)old))
        atomic_fetch_add_explicit(&process.slot->refused_n, 1, memory_order_relaxed);
}

void sampling_realloc_freed(struct lane_state *state, uint64_t rate,
                            const struct sampling_realloc *begun)
{
    if (!wire_rate_is_full(rate))
        SAMPLING_ADD(state, usable_out, begun->usable, usable_in, 0);
}

void sampling_keep(uint64_t address)
{
    if (!(sampling_rate() & WIRE_RATE_KEEP) || !address || !sampling_has_set() ||
        sample_set_has(&sampling_set, address))
        return;
    if (!sample_set_add(&sampling_set, address))
        atomic_fetch_add_explicit(&process.slot->refused_n, 1, memory_order_relaxed);
}

/* Four classes for each power of two: the two bits behind the leading one. */
static unsigned sampling_timed_class(uint64_t ticks)
{
    if (ticks < 4)
        return (unsigned)ticks;
    unsigned log = 63u - (unsigned)__builtin_clzll(ticks);
    unsigned class = log * 4 - 4 + (unsigned)(ticks >> (log - 2) & 3);
    return class < WIRE_TIMED_CLASSES ? class : WIRE_TIMED_CLASSES - 1;
}

void sampling_time_next(struct lane_state *state, uint64_t rate)
{
    uint64_t seed = process_stamp();
    uint32_t distance = rate & WIRE_RATE_TIMED ? WIRE_RATE_TIMING : WIRE_RATE_TIMING_LONG;
    state->timing = distance / 2 + (uint32_t)(sample_random(&seed) % distance);
    state->timed_stall = atomic_load_explicit(&state->lane->stall_ticks, memory_order_relaxed);
}

void sampling_time_note(struct lane_state *state, uint64_t ticks, bool recorded)
{
    uint64_t none = sampling_stamp_ticks + /* who waits is not on a processor */
                    atomic_load_explicit(&state->lane->stall_ticks, memory_order_relaxed) -
                    state->timed_stall;
    ticks = ticks > none ? ticks - none : 0;
    thread_add(&state->lane->timed_n, 1);
    /* So long only a thread that had to wait, or was not on a processor: no time of ours. */
    uint64_t counted = ticks < SAMPLING_TIME_MOST ? ticks : 0;
    thread_add(&state->lane->timed_ticks, counted);
    thread_add(&state->lane->timed_event_ticks, recorded ? counted : 0);
    _Atomic uint32_t *class = &state->lane->timed_class[sampling_timed_class(ticks)];
    atomic_store_explicit(class, atomic_load_explicit(class, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

void sampling_unwound(struct lane_state *state)
{
    if (!state->unwind)
        return;
    thread_add(&state->lane->unwound_n, 1);
    thread_add(&state->lane->unwound_frames, state->unwind->walked);
    thread_add(&state->lane->unwound_same, state->unwind->walked == 0);
}
