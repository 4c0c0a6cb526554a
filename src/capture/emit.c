/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing events: the calling thread's own lane when it has one, the common lane otherwise.
 *
 * The stamp is read between reservation and commit, so that a lane without an open record can
 * write no stamp that is older than the collector's look at its head.
 */
#include "capture/emit.h"

#include "capture/cpu/x86_64/thread.h"
#include "capture/lane.h"
#include "capture/task.h"
#include "capture/task_coroutine.h"
#include "capture/unwind.h"
#include "capture/unwind_memo.h"

static inline uint64_t emit_stamp(void)
{
    if (process.libc_single && *process.libc_single)
        return process_coarse_stamp();
    return process_stamp();
}

/* True when the hook that marked the cache busy was left by a jump: its frame lies below ours. */
static bool emit_left_behind(uintptr_t busy, uintptr_t here)
{
    return busy < here && here < lane_stack_top();
}

/* The cache was taken by a handler that came between: nothing in it is to be relied on. */
static uint64_t __attribute__((noinline, cold))
emit_stack_taken(struct lane_state *state, const struct hook_frame *frame)
{
    state->unwind->depth = 0;
    state->unwind->base_kept = 0;
    unwind_memo_forget(state->unwind);
    return stack_capture_plain(frame->pc, frame->sp, frame->bp);
}

/*
 * The id of the caller's stack. A hook that interrupts another of the same thread walks without
 * the cache; so does the interrupted one should it find that the cache was taken from it.
 */
static inline uint64_t emit_stack(struct lane_state *state, const struct hook_frame *frame)
{
    uintptr_t here = frame->sp;
    if (__builtin_expect(!state || (state->busy && !emit_left_behind(state->busy, here)), 0))
        return stack_capture_plain(frame->pc, frame->sp, frame->bp);
    state->busy = here;
    atomic_signal_fence(memory_order_seq_cst);
    uint64_t id = stack_capture_id(state->unwind, frame->pc, frame->sp, frame->bp);
    atomic_signal_fence(memory_order_seq_cst);
    if (__builtin_expect(*(volatile uintptr_t *)&state->busy != here, 0))
        return emit_stack_taken(state, frame);
    state->busy = 0;
    if (__builtin_expect(process.segment->config.found & WIRE_FOUND_COROUTINES, 0))
        task_coroutine_find(state, frame);
    return id;
}

/* A record before its commit: the slots, and how its head is made. */
struct emit_record {
    struct wire_slot *slot;
    unsigned kind;
};

/* Reserves in the common lane, where one slot more names the thread. */
static struct wire_slot *__attribute__((noinline)) emit_reserve_shared(unsigned n)
{
    struct wire_lane *lane = lane_common();
    uint64_t at;
    if (!lane) {
        atomic_fetch_add_explicit(&process.slot->lost_n, 1, memory_order_relaxed);
        return NULL;
    }
    struct wire_slot *slot = lane_reserve_shared(lane, n + 1, &at);
    if (!slot)
        return NULL;
    slot[n].a = process_tid();
    const struct lane_state *self = lane_self;
    slot[n].b = self ? self->task_now : 0;
    slot[n].c = self ? self->task_cell : 0;
    lane_commit(&slot[n], WIRE_CONTINUED);
    return slot;
}

/* Reserves n slots for a record of this thread. */
static inline bool emit_reserve(struct emit_record *record, struct lane_state *state, unsigned kind,
                                unsigned n)
{
    if (__builtin_expect(state != NULL, 1)) {
        record->slot = lane_reserve(state->lane, n);
        record->kind = kind;
    } else {
        record->slot = emit_reserve_shared(n);
        record->kind = kind | WIRE_BY_OTHERS;
    }
    return record->slot != NULL;
}

static inline void emit_commit(const struct emit_record *record, uint64_t stamp)
{
    lane_commit(record->slot, wire_head(stamp, record->kind));
}

static void emit_task_type(struct lane_state *state, uint64_t cell)
{
    uint64_t table, entry, rule;
    struct emit_record record;
    if (!task_type_get(cell, &table, &entry, &rule) ||
        !emit_reserve(&record, state, WIRE_TASK_TYPE, 2))
        return;
    record.slot->a = cell >> WIRE_CELL_BITS;
    record.slot->b = table;
    record.slot->c = entry;
    record.slot[1].a = rule;
    record.slot[1].b = task_type_is_refused(cell);
    lane_commit(&record.slot[1], WIRE_CONTINUED);
    emit_commit(&record, emit_stamp());
    task_type_told(cell);
}

void emit_task_refused(uint64_t cell)
{
    emit_task_type(lane_mine(), cell);
}

static void emit_task_record(struct lane_state *state, unsigned kind, uint64_t key, uint64_t polls,
                             uint64_t cell)
{
    struct emit_record record;
    if (cell && task_type_is_new(cell))
        emit_task_type(state, cell);
    if (!emit_reserve(&record, state, kind, 1))
        return;
    record.slot->a = key;
    record.slot->b = polls;
    record.slot->c = cell;
    emit_commit(&record, emit_stamp());
}

/*
 * The first event since the thread went on to another task. A handler that comes in between writes
 * the same switch again, which says nothing new.
 */
static void __attribute__((noinline)) emit_switch(struct lane_state *state)
{
    uint64_t key = state->task_now, cell = state->task_cell;
    sampling_keep(cell & ((UINT64_C(1) << WIRE_CELL_BITS) - 1));
    emit_task_record(state, WIRE_TASK_SWITCH, key, key ? task_take_polls(state) : 0, cell);
    state->task_written = key;
    state->cell_written = cell;
}

static inline bool emit_begin(struct emit_record *record, struct lane_state *state, unsigned kind,
                              unsigned n)
{
    if (state && __builtin_expect(state->task_now != state->task_written ||
                                          state->task_cell != state->cell_written,
                                  0))
        emit_switch(state);
    return emit_reserve(record, state, kind, n);
}

void emit_task(unsigned kind, uint64_t key, uint64_t polls, uint64_t cell)
{
    emit_task_record(lane_mine(), kind, key, polls, cell);
}

static inline __attribute__((always_inline)) void emit_alloc_record(struct lane_state *state,
                                                                    const void *address,
                                                                    size_t size_bytes,
                                                                    const struct hook_frame *frame,
                                                                    unsigned weight)
{
    uint64_t stack = emit_stack(state, frame);
    struct emit_record record;
    if (!emit_begin(&record, state, WIRE_ALLOC, 1))
        return;
    uint64_t stamp = emit_stamp();
    record.slot->a = (uintptr_t)address;
    record.slot->b = size_bytes;
    record.slot->c = wire_stack(stack, weight);
    emit_commit(&record, stamp);
}

/* While sampling, or while hooks are timed. */
static void __attribute__((noinline))
emit_alloc_sampled(struct lane_state *state, uint64_t rate, const void *address, size_t size_bytes,
                   const struct hook_frame *frame)
{
    uint64_t begun = sampling_time_begin(state, rate);
    unsigned weight = sampling_alloc(state, rate, address, size_bytes);
    if (weight)
        emit_alloc_record(state, address, size_bytes, frame, weight);
    if (begun)
        sampling_time_end(state, begun, weight);
    if (begun && weight)
        sampling_unwound(state);
}

/* True in a region that the thread wants to be ignored. */
static bool emit_ignored(void)
{
    struct lane_state *self = lane_self;
    if (__builtin_expect(!self || !self->ignored, 1))
        return false;
    self->ignored_n++;
    return true;
}

static inline __attribute__((always_inline)) void emit_alloc_here(const void *address,
                                                                  size_t size_bytes,
                                                                  const struct hook_frame *frame)
{
    if (emit_ignored())
        return;
    struct lane_state *state = lane_mine();
    uint64_t rate = sampling_rate();
    if (__builtin_expect(!sampling_is_off(rate), 0)) {
        emit_alloc_sampled(state, rate, address, size_bytes, frame);
        return;
    }
    emit_alloc_record(state, address, size_bytes, frame, 1);
    sampling_count_alloc(state, size_bytes);
}

void emit_alloc(const void *address, size_t size_bytes, const struct hook_frame *frame)
{
    emit_alloc_here(address, size_bytes, frame);
}

static void __attribute__((noinline))
emit_alloc_drawn(const void *address, size_t size_bytes, const struct hook_frame *frame)
{
    struct lane_state *state = lane_self;
    uint64_t begun = sampling_time_begin(state, sampling_rate());
    unsigned weight = sampling_drawn(state, address, size_bytes);
    if (weight)
        emit_alloc_record(state, address, size_bytes, frame, weight);
    if (begun)
        sampling_time_end(state, begun, weight);
    if (begun && weight)
        sampling_unwound(state);
}

void *emit_allocated(void *address, size_t size_bytes, enum sampling_pass pass, uintptr_t pc,
                     uintptr_t sp, uintptr_t bp)
{
    const struct hook_frame frame = {pc, sp, bp};
    if (__builtin_expect(pass == SAMPLING_DRAWN, 0))
        emit_alloc_drawn(address, size_bytes, &frame);
    else if (emit_wanted())
        emit_alloc_here(address, size_bytes, &frame);
    return address;
}

/* A record of one slot that names an address; b only where the kind has it. */
static inline void emit_address(struct lane_state *state, const void *address, unsigned kind,
                                uint64_t b)
{
    struct emit_record record;
    if (!emit_begin(&record, state, kind, 1))
        return;
    record.slot->a = (uintptr_t)address;
    record.slot->b = b;
    emit_commit(&record, emit_stamp());
}

static void __attribute__((noinline))
emit_free_sampled(struct lane_state *state, uint64_t rate, const void *address)
{
    uint64_t begun = sampling_time_begin(state, rate);
    bool recorded = sampling_free(state, rate, address);
    if (recorded) {
        bool full = wire_rate_is_full(rate);
        emit_address(state, address, WIRE_FREE, !full && (!state || state->sample.between));
    }
    if (begun)
        sampling_time_end(state, begun, recorded);
}

void emit_free(const void *address)
{
    struct lane_state *state = lane_mine();
    uint64_t rate = sampling_rate();
    if (__builtin_expect(!sampling_is_off(rate), 0)) {
        emit_free_sampled(state, rate, address);
        return;
    }
    emit_address(state, address, WIRE_FREE, 0);
    sampling_count_free(state);
}

void emit_realloc_begin(const void *old, struct emit_realloc *ret_begun)
{
    *ret_begun = (struct emit_realloc){.old = old, .counted = emit_follows()};
    if (!ret_begun->counted)
        return;
    uint64_t rate = sampling_rate();
    uint64_t begun = sampling_time_begin(lane_mine(), rate);
    ret_begun->written = sampling_realloc_begin(rate, old, &ret_begun->sampling);
    if (ret_begun->written)
        emit_address(lane_mine(), old, WIRE_REALLOC_BEGIN, 0);
    if (begun)
        sampling_time_end(lane_mine(), begun, ret_begun->written);
}

/* The old block is gone, and nothing that is recorded took its place. */
static void emit_realloc_ends(struct lane_state *state, const struct emit_realloc *begun)
{
    struct emit_record record;
    if (!begun->written || !emit_begin(&record, state, WIRE_REALLOC_END, 2))
        return;
    record.slot->a = 0;
    record.slot->b = 0;
    record.slot->c = 0;
    record.slot[1].a = (uintptr_t)begun->old;
    lane_commit(&record.slot[1], WIRE_CONTINUED);
    emit_commit(&record, emit_stamp());
}

static void emit_realloc_record(struct lane_state *state, const struct emit_realloc *begun,
                                const void *address, size_t size_bytes,
                                const struct hook_frame *frame, unsigned weight)
{
    uint64_t stack = emit_stack(state, frame);
    struct emit_record record;
    if (!emit_begin(&record, state, WIRE_REALLOC_END, 2))
        return;
    uint64_t stamp = emit_stamp();
    record.slot->a = (uintptr_t)address;
    record.slot->b = size_bytes;
    record.slot->c = wire_stack(stack, weight);
    record.slot[1].a = begun->written ? (uintptr_t)begun->old : 0;
    lane_commit(&record.slot[1], WIRE_CONTINUED);
    emit_commit(&record, stamp);
}

void emit_realloc_end(const struct emit_realloc *begun, const void *address, size_t size_bytes,
                      const struct hook_frame *frame)
{
    if (!begun->counted)
        return;
    struct lane_state *state = lane_mine();
    if (!address && size_bytes) {
        sampling_realloc_cancel(begun->old, &begun->sampling);
        if (begun->written)
            emit_address(state, begun->old, WIRE_REALLOC_CANCEL, 0);
        return;
    }
    uint64_t rate = sampling_rate();
    uint64_t timed = sampling_time_begin(state, rate);
    sampling_realloc_freed(state, rate, &begun->sampling);
    /* Paused: the old block is gone, the new one is not recorded. */
    if (!address || emit_ignored() || !emit_wanted()) {
        sampling_count_free(state);
        emit_realloc_ends(state, begun);
        return;
    }
    unsigned weight = sampling_alloc(state, rate, address, size_bytes);
    sampling_count_realloc(state);
    if (weight)
        emit_realloc_record(state, begun, address, size_bytes, frame, weight);
    else
        emit_realloc_ends(state, begun);
    if (timed)
        sampling_time_end(state, timed, weight || begun->written);
}

void emit_map(const void *address, size_t bytes, enum wire_map how, const struct hook_frame *frame)
{
    struct lane_state *state = lane_mine();
    uint64_t stack = emit_stack(state, frame);
    struct emit_record record;
    if (!emit_begin(&record, state, WIRE_MAP, 1))
        return;
    record.slot->a = (uintptr_t)address;
    record.slot->b = bytes;
    record.slot->c = wire_stack(stack, how);
    emit_commit(&record, emit_stamp());
}

void emit_unmap(const void *address, size_t bytes)
{
    struct lane_state *state = lane_mine();
    struct emit_record record;
    if (!emit_begin(&record, state, WIRE_UNMAP, 1))
        return;
    record.slot->a = (uintptr_t)address;
    record.slot->b = bytes;
    emit_commit(&record, emit_stamp());
}

/* A record whose second word is the length of a text, which follows in slots of its own. */
static void emit_text(unsigned kind, uint64_t a, uint64_t c, const char *text)
{
    enum { TEXT_BYTES = WIRE_SLOT_WORDS * sizeof(uint64_t) };
    struct lane_state *state = lane_mine();
    size_t n = 0;
    while (text && text[n] && n < WIRE_NAME_MAX)
        n++;
    unsigned text_slots = (unsigned)((n + TEXT_BYTES - 1) / TEXT_BYTES);
    struct emit_record record;
    if (!emit_begin(&record, state, kind, 1 + text_slots))
        return;
    record.slot->a = a;
    record.slot->b = n;
    record.slot->c = c;
    for (unsigned i = 0; i < text_slots; i++) {
        char *to = (char *)&record.slot[1 + i].a;
        for (size_t at = 0; at < TEXT_BYTES; at++)
            to[at] = i * TEXT_BYTES + at < n ? text[i * TEXT_BYTES + at] : 0;
        lane_commit(&record.slot[1 + i], WIRE_CONTINUED);
    }
    emit_commit(&record, emit_stamp());
}

void emit_mark(const char *text)
{
    emit_text(WIRE_MARK, 0, 0, text);
}

void emit_task_name(uint64_t key, uint64_t cell, const char *name)
{
    if (task_type_is_new(cell))
        emit_task_type(lane_mine(), cell);
    emit_text(WIRE_TASK_NAME, key, cell, name);
}
