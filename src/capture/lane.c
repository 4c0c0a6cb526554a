/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claiming lanes, installing ring pages and waiting for room.
 *
 * A full ring waits only while the collector is alive: its heartbeat is the coarse clock. Without
 * one for two seconds recording goes off for everybody; the collector, should it return, switches
 * it on again and counts the gap. So it does when a collector that lives gives no page back.
 */
#include "capture/lane.h"

#include <errno.h>
#include <linux/futex.h>
#include <time.h>

#include "capture/cpu/x86_64/syscall.h"
#include "capture/door.h"
#include "capture/pool.h"
#include "capture/task.h"

enum {
    LANE_STATES_MAX = 1 << 14,   /* more threads at once leave theirs behind when they end */
    LANE_SPINS = 200,            /* pauses before the first wait */
    LANE_WAIT_NS = 500000,       /* longest single wait: a lost wake-up costs no more */
    LANE_CROWD = 8,              /* threads that wait at once for each such time more */
    LANE_LOOK_WAITS = 20,        /* waits without a heartbeat until we look whether it is dead */
    LANE_DEAD_WAITS = 4000,      /* waits without a heartbeat until the collector counts as gone */
    LANE_STUCK_BEATS = 20000,    /* heartbeats, a millisecond apart, in which no page came back */
    LANE_STARVED_WAITS = 200,    /* waits for a page that the view may never reach */
    LANE_QUIET_SPINS = 20000000, /* where waiting would be a forbidden system call */
};

/* A thread's page. */
struct lane_page {
    struct lane_state state;
    struct unwind_thread unwind;
    struct task_thread tasks;
};
_Static_assert(sizeof(struct lane_page) <= WIRE_PAGE_BYTES, "a thread's state is one page");

__thread struct lane_state *lane_self __attribute__((tls_model("initial-exec")));

/* Makes and publishes a lane; returns its page number, 0 when there is no page. */
static uint32_t lane_new(uint32_t kind, uint32_t tid)
{
    uint32_t page = process_take_page();
    if (!page)
        return 0;
    struct wire_lane *lane = process_page_at(page);
    lane->process = process.slot_index;
    lane->kind = kind;
    lane->start_stamp = process_stamp();
    atomic_store_explicit(&process.coarse_least, lane->start_stamp, memory_order_relaxed);
    atomic_store_explicit(&lane->tid, tid, memory_order_relaxed);
    /* Release: pairs with the collector's acquire when it finds the lane. */
    atomic_fetch_or_explicit(&wire_lane_bits(process.segment)[page / 64], 1ull << page % 64,
                             memory_order_release);
    return page;
}

static bool lane_wait(uint32_t seen, unsigned *waits, uint64_t *beat);

/* True when pages may exist that this process cannot reach: it does not wait for ever then. */
static bool lane_is_starved(void)
{
    return atomic_load_explicit(&process.view_fixed, memory_order_relaxed);
}

/* As lane_new, but waits for a page while there is a collector to give one. */
static uint32_t lane_new_shared(uint32_t kind)
{
    unsigned waits = 0;
    uint64_t beat = 0;
    for (unsigned starved = 0;; starved++) {
        uint32_t room = atomic_load_explicit(&process.segment->room, memory_order_acquire);
        uint32_t page = lane_new(kind, 0);
        if (page || !process_records() || (lane_is_starved() && starved > LANE_STARVED_WAITS) ||
            !lane_wait(room, &waits, &beat))
            return page;
    }
}

/* A lane with many writers, whose page number stands in the process slot. */
static struct wire_lane *lane_shared(_Atomic uint32_t *page_word, uint32_t kind)
{
    uint32_t page = atomic_load_explicit(page_word, memory_order_acquire);
    if (page)
        return process_page_at(page);
    uint32_t mine = lane_new_shared(kind);
    if (!mine)
        return NULL;
    struct wire_lane *lane = process_page_at(mine);
    if (atomic_compare_exchange_strong(page_word, &page, mine))
        return lane;
    /* Another thread was first; the collector takes an unused lane back as it would a dead one. */
    atomic_store_explicit(&lane->retired, 1, memory_order_release);
    return process_page_at(page);
}

struct wire_lane *lane_common(void)
{
    return process_ready() ? lane_shared(&process.slot->common_lane, WIRE_LANE_COMMON) : NULL;
}

struct wire_lane *lane_log(void)
{
    return process_ready() ? lane_shared(&process.slot->log_lane, WIRE_LANE_LOG) : NULL;
}

struct lane_state *lane_state_take(void)
{
    struct lane_state *state = lane_self;
    if (!process_ready())
        return NULL;
    if (!state)
        state = pool_take(WIRE_PAGE_BYTES);
    if (!state)
        return NULL;
    struct lane_page *page = (struct lane_page *)state;
    state->unwind = &page->unwind;
    state->tasks = &page->tasks;
    lane_self = state;
    return state;
}

/* States of this process by number: the collector gives back those of threads that are gone. */
static _Atomic(struct lane_state *) lane_states[LANE_STATES_MAX];
static _Atomic uint32_t lane_state_n;

/* A state whose thread is gone; NULL: none was given back. */
static struct lane_state *lane_state_returned(void)
{
    for (unsigned i = 0; i < WIRE_RETURNED; i++) {
        _Atomic uint32_t *place = &process.slot->returned[i];
        if (!atomic_load_explicit(place, memory_order_relaxed))
            continue;
        uint32_t number = atomic_exchange_explicit(place, 0, memory_order_acquire) - 1;
        if (number < atomic_load_explicit(&lane_state_n, memory_order_acquire) &&
            number < LANE_STATES_MAX)
            return atomic_load_explicit(&lane_states[number], memory_order_acquire);
    }
    return NULL;
}

static struct lane_state *lane_state_new(void)
{
    struct lane_state *state = lane_state_returned();
    if (state) {
        uint32_t number = state->number;
        struct unwind_thread *unwind = state->unwind;
        *state = (struct lane_state){.number = number, .unwind = unwind};
        return state;
    }
    state = pool_take(WIRE_PAGE_BYTES);
    if (!state)
        return NULL;
    state->unwind = (struct unwind_thread *)(state + 1);
    state->number = atomic_fetch_add_explicit(&lane_state_n, 1, memory_order_relaxed);
    /* A thread's first hooks cost more than those that one in so many is to stand for. */
    state->timing = WIRE_RATE_TIMING_LONG / 2;
    if (state->number < LANE_STATES_MAX)
        atomic_store_explicit(&lane_states[state->number], state, memory_order_release);
    return state;
}

/*
 * Set while the thread makes its lane: a handler that interrupts it there writes to the common one.
 * With a lane of its own the thread would have two, and one of them would be taken for that of a
 * thread that is gone. A handler that jumps away leaves its thread without one.
 */
static __thread bool lane_is_claiming __attribute__((tls_model("initial-exec")));

static struct lane_state *lane_make_own(void)
{
    /* After a fork the state is there, but wiped. */
    if (!lane_self || !lane_self->unwind) {
        struct lane_state *state = lane_state_new();
        if (!state)
            return NULL;
        lane_self = state;
    }
    uint32_t page = lane_new(WIRE_LANE_OWN, process_tid());
    if (!page)
        return NULL;
    struct wire_lane *lane = process_page_at(page);
    lane->state = lane_self->number;
    lane_self->lane = lane;
    return lane_self;
}

struct lane_state *lane_claim(void)
{
    if (!process_ready() || process.legacy || lane_is_claiming)
        return NULL;
    lane_is_claiming = true;
    atomic_signal_fence(memory_order_seq_cst);
    struct lane_state *state = lane_self && lane_self->lane ? lane_self : lane_make_own();
    atomic_signal_fence(memory_order_seq_cst);
    lane_is_claiming = false;
    return state;
}

void lane_forked(void)
{
    lane_is_claiming = false;
    atomic_store_explicit(&lane_state_n, 0, memory_order_relaxed);
}

static long lane_futex(_Atomic uint32_t *word, int operation, uint32_t value, long wait_ns)
{
    struct timespec wait = {.tv_nsec = wait_ns};
    return syscall_6(SYS_futex, (long)(uintptr_t)word, operation, value, (long)(uintptr_t)&wait, 0,
                     0);
}

/* Whether who is not in /proc is not there: after a chroot there may be no /proc at all. */
static bool lane_sees_processes(void)
{
    return syscall_3(SYS_access, (long)(uintptr_t) "/proc/self/stat", 0 /* F_OK */, 0) == 0;
}

/* Reads /proc/PID/stat, whose state comes behind the last ')'. A stopped collector is not dead. */
static bool lane_collector_is_dead(void)
{
    char text[128];
    long fd = door_collector_stat();
    if (fd < 0)
        return fd == -ENOENT && lane_sees_processes();
    long n = syscall_3(SYS_read, fd, (long)(uintptr_t)text, sizeof text);
    syscall_3(SYS_close, fd, 0, 0);
    if (n < 0)
        return n == -ESRCH;
    char state = 0;
    for (long i = 0; i + 2 < n; i++) {
        if (text[i] == ')')
            state = text[i + 2];
    }
    return state == 'Z' || state == 'X';
}

/* The part of lane_wait that needs the system. */
static bool lane_wait_calls(uint32_t seen, unsigned *waits, uint64_t *beat)
{
    struct wire_segment *segment = process.segment;
    atomic_fetch_add_explicit(&segment->doorbell, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&segment->collector_naps, memory_order_seq_cst))
        lane_futex(&segment->doorbell, FUTEX_WAKE, 1, 0);
    /* A thousand that wait leave the processors to those who make room. */
    unsigned turns = 1 + atomic_load_explicit(&process.calling, memory_order_relaxed) / LANE_CROWD;
    lane_futex(&segment->room, FUTEX_WAIT, seen, (long)turns * LANE_WAIT_NS);
    uint64_t now = atomic_load_explicit(&segment->coarse_stamp, memory_order_relaxed);
    unsigned looks = *waits / LANE_LOOK_WAITS;
    *waits = now == *beat ? *waits + turns : 0;
    *beat = now;
    if (*waits / LANE_LOOK_WAITS > looks && lane_collector_is_dead())
        return false;
    return *waits < LANE_DEAD_WAITS;
}

/*
 * Waits until `seen` is no longer the count of pages given back, or for a while. Returns false
 * when the collector is gone; *waits and *beat carry on between calls.
 */
static bool lane_wait(uint32_t seen, unsigned *waits, uint64_t *beat)
{
    struct wire_segment *segment = process.segment;
    /* Who finds others waiting does not spin, except where nothing else may be done. */
    bool is_crowded = atomic_load_explicit(&process.calling, memory_order_relaxed) &&
                      !atomic_load_explicit(&process.quiet, memory_order_relaxed);
    for (unsigned i = 0; i < LANE_SPINS && !is_crowded; i++) {
        if (atomic_load_explicit(&segment->room, memory_order_relaxed) != seen)
            return true;
        thread_pause();
    }
    if (!process_calls_begin()) {
        *waits += LANE_SPINS;
        return *waits < LANE_QUIET_SPINS;
    }
    bool goes_on = lane_wait_calls(seen, waits, beat);
    process_calls_end();
    return goes_on;
}

/* Switches recording off for all: the collector is dead or stopped. */
static void lane_give_up(void)
{
    uint32_t on = WIRE_ON;
    atomic_compare_exchange_strong(&process.segment->recording, &on, WIRE_OFF);
}

/* True while the lane has as many pages as it may: the oldest of them is not yet given back. */
static bool lane_is_full(const struct wire_lane *lane, uint64_t ring_page)
{
    uint32_t most = process.segment->config.lane_pages;
    if (ring_page < most)
        return false;
    uint64_t entry = atomic_load_explicit(&lane->page_of[(ring_page - most) % WIRE_LANE_PAGES],
                                          memory_order_relaxed);
    return wire_entry_page(entry) && wire_entry_ring_page(entry) == ring_page - most;
}

/* A wait for room under way: zeroed = it has not begun. */
struct lane_patience {
    uint64_t since, beat;
    unsigned waits, starved, stuck;
};

/* Waits a little; false: recording is off, or nobody will make room. */
static bool lane_be_patient(struct wire_lane *lane, uint32_t room, struct lane_patience *patience)
{
    if (!process_records() || (lane_is_starved() && patience->starved > LANE_STARVED_WAITS))
        return false;
    if (!patience->since) {
        patience->since = process_stamp();
        atomic_fetch_add_explicit(&lane->stall_n, 1, memory_order_relaxed);
    }
    uint64_t beat = patience->beat;
    if (lane_wait(room, &patience->waits, &patience->beat)) {
        bool same = atomic_load_explicit(&process.segment->room, memory_order_relaxed) == room;
        patience->starved += same;
        patience->stuck = same ? patience->stuck + (patience->beat != beat) : 0;
        if (patience->stuck < LANE_STUCK_BEATS)
            return true;
    }
    lane_give_up();
    return false;
}

/* What became of a place that was reserved. */
enum lane_place { LANE_THERE, LANE_OVER, LANE_NO_ROOM };

/*
 * The page of slot `at`, installed if need be. LANE_OVER: it is no longer to be had, because we
 * were stopped for half a ring since it was reserved. LANE_NO_ROOM: there is nobody to wait for.
 */
static enum lane_place lane_page(struct wire_lane *lane, uint64_t at, struct wire_slot **ret_page)
{
    uint64_t ring_page = at / WIRE_PAGE_SLOTS;
    _Atomic uint64_t *place = &lane->page_of[ring_page % WIRE_LANE_PAGES];
    struct lane_patience patience = {0};
    for (;;) {
        uint32_t room = atomic_load_explicit(&process.segment->room, memory_order_acquire);
        uint64_t entry = atomic_load_explicit(place, memory_order_acquire);
        uint32_t page = wire_entry_page(entry);
        if (entry >= wire_page_entry(ring_page, 0)) {
            if (patience.since)
                atomic_fetch_add_explicit(&lane->stall_ticks, process_stamp() - patience.since,
                                          memory_order_relaxed);
            if (!page || wire_entry_ring_page(entry) != ring_page)
                return LANE_OVER;
            if (!process_view_page(page))
                return LANE_NO_ROOM;
            *ret_page = process_page_at(page);
            return LANE_THERE;
        }
        page = page || lane_is_full(lane, ring_page) ? 0 : process_take_page();
        if (!page && !lane_be_patient(lane, room, &patience))
            return LANE_NO_ROOM;
        if (page &&
            !atomic_compare_exchange_strong(place, &entry, wire_page_entry(ring_page, page)))
            process_give_page(page);
    }
}

static uint64_t lane_add(struct wire_lane *lane, unsigned n)
{
    if (lane->kind == WIRE_LANE_OWN)
        return thread_fetch_add(&lane->head, n);
    return atomic_fetch_add_explicit(&lane->head, n, memory_order_relaxed);
}

/* A record of n slots that nobody will write. */
static void lane_count_lost(struct wire_lane *lane, unsigned n)
{
    atomic_fetch_add_explicit(&lane->lost_n, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&lane->moved_n, n, memory_order_relaxed);
}

/* Nothing is written to slots [at, at + n): they become padding. */
static enum lane_place lane_pad(struct wire_lane *lane, uint64_t at, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct wire_slot *page;
        enum lane_place place = lane_page(lane, at + i, &page);
        if (place == LANE_NO_ROOM)
            return place;
        if (place == LANE_THERE)
            lane_commit(page + (at + i) % WIRE_PAGE_SLOTS, WIRE_PAD);
        else
            atomic_fetch_add_explicit(&lane->moved_n, 1, memory_order_relaxed);
    }
    return LANE_THERE;
}

struct wire_slot *lane_reserve_slow(struct wire_lane *lane, uint64_t *at, unsigned n)
{
    for (;;) {
        unsigned slot = *at % WIRE_PAGE_SLOTS;
        struct wire_slot *page;
        enum lane_place place = LANE_OVER;
        if (slot + n <= WIRE_PAGE_SLOTS)
            place = lane_page(lane, *at, &page);
        if (place == LANE_THERE)
            return page + slot;
        /* It would straddle two pages, or it is over. */
        if (place == LANE_OVER)
            place = lane_pad(lane, *at, n);
        if (place == LANE_NO_ROOM) {
            lane_count_lost(lane, n);
            return NULL;
        }
        *at = lane_add(lane, n);
    }
}

struct wire_slot *lane_reserve_own(struct wire_lane *lane, uint64_t at, unsigned n)
{
    return lane_reserve_slow(lane, &at, n);
}

struct wire_slot *lane_reserve_shared(struct wire_lane *lane, unsigned n, uint64_t *ret_at)
{
    *ret_at = lane_add(lane, n);
    struct wire_slot *slot = lane_find(lane, *ret_at, n);
    return slot ? slot : lane_reserve_slow(lane, ret_at, n);
}
