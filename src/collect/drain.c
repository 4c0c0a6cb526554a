/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounds over all lanes.
 *
 * A round reads the clock T, then the lanes, each from where the last round stopped to its first
 * slot that is not committed; event lanes first and logs after them, so that the stacks of every
 * event that was copied are in the batch too. A lane without an open record can write no stamp
 * below T less DRAIN_SLACK_NS (what a store buffer may hide); a lane with one holds the watermark
 * at its last stamp. An open record is given up after DRAIN_OPEN_NS, when its thread is gone, or
 * when its own handlers have filled half of its ring; its page is then not used again while its
 * process lives, since the writer may still come back to it.
 */
#include "collect/drain.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/vec.h"
#include "collect/ticks.h"

enum {
    DRAIN_SLACK_NS = 50000,
    DRAIN_OPEN_NS = 1000000000,
    DRAIN_NAP_LEAST_NS = 60000,
    DRAIN_NAP_MOST_NS = 1000000,
    DRAIN_NAP_IDLE_NS = 4000000,
    DRAIN_IDLE_ROUNDS = 200,
    DRAIN_FREE_PAGES = 64,
    DRAIN_LANES_MAX = 1 << 16,
    /* Slots that can be reserved ahead: a full ring, and what many threads wait for. */
    DRAIN_AHEAD_MAX = WIRE_LANE_PAGES * WIRE_PAGE_SLOTS + (1 << 20),
};

struct drain_lane {
    struct wire_lane *at;
    uint32_t page;
    uint32_t number;
    uint32_t process_slot;
    uint32_t kind;
    bool held; /* a page of it must not be used again: an abandoned record lies there */
    uint64_t consumed;
    uint64_t last_stamp;
    uint64_t quiet_at;   /* bound of the last round that left no record open */
    uint64_t open_since; /* ticks; 0 = no open record */
    uint64_t abandoned_n;
};

struct drain {
    struct segment *segment;
    struct intake *intake;
    struct ticks ticks;
    pthread_t thread;
    bool running;
    VEC(struct drain_lane) lanes;
    uint64_t *known; /* lane bits that were seen */
    struct intake_batch batch;
    uint32_t next_number;
    uint32_t room_given;
    _Atomic bool stop;
    _Atomic bool hurry;
    _Atomic uint64_t flush_wanted;
    _Atomic uint64_t gap_ticks;
    _Atomic uint8_t gone[WIRE_PROCESSES_MAX]; /* by process slot */
};

static void drain_news(struct drain *drain, struct intake_news **list, size_t *n,
                       const struct intake_news *news)
{
    struct intake_news *all = realloc(*list, (*n + 1) * sizeof *all);
    if (!all)
        return;
    all[*n] = *news;
    *list = all;
    *n += 1;
}

/* A lane that a process has published. */
static void drain_open_lane(struct drain *drain, uint32_t page)
{
    struct wire_lane *at = segment_page(drain->segment, page);
    struct drain_lane lane = {
            .at = at,
            .page = page,
            .number = drain->next_number,
            .process_slot = *(volatile uint32_t *)&at->process,
            .kind = *(volatile uint32_t *)&at->kind,
            .last_stamp = *(volatile uint64_t *)&at->start_stamp,
    };
    if (lane.process_slot >= drain->segment->process_n ||
        !VEC_PUSH(&drain->lanes, DRAIN_LANES_MAX, lane))
        return;
    drain->next_number++;
    struct intake_news news = {
            .kind = INTAKE_LANE_OPENED,
            .lane = lane.number,
            .process_slot = lane.process_slot,
            .lane_kind = lane.kind,
            .page = page,
            .tid = atomic_load_explicit(&at->tid, memory_order_relaxed),
            .start_stamp = lane.last_stamp,
    };
    drain_news(drain, &drain->batch.opened, &drain->batch.opened_n, &news);
}

/* Finds lanes by their bits; the bit stays until the lane's page is given back. */
static void drain_find_lanes(struct drain *drain)
{
    _Atomic uint64_t *bits = wire_lane_bits(drain->segment->at);
    for (uint32_t i = 0; i <= (drain->segment->backed_to - 1) / 64; i++) {
        /* Acquire: pairs with the release that published the lane. */
        uint64_t word = atomic_load_explicit(&bits[i], memory_order_acquire) & ~drain->known[i];
        drain->known[i] |= word;
        for (; word; word &= word - 1) {
            uint32_t page = i * 64 + (uint32_t)__builtin_ctzll(word);
            if (segment_has_page(drain->segment, page))
                drain_open_lane(drain, page);
        }
    }
}

static void drain_keep_run(struct drain *drain, struct intake_run *run)
{
    if (drain->batch.last)
        drain->batch.last->next = run;
    else
        drain->batch.first = run;
    drain->batch.last = run;
}

static void drain_free_page(struct drain *drain, struct drain_lane *lane, uint64_t ring_page,
                            uint32_t page)
{
    /* Empty the entry before the page is offered: a writer must not find both. */
    atomic_store_explicit(&lane->at->page_of[ring_page % WIRE_LANE_PAGES], 0, memory_order_release);
    if (!lane->held && segment_has_page(drain->segment, page))
        segment_give_back(drain->segment, page);
    lane->held = false;
    drain->room_given++;
}

/* Copies committed slots [from, to) of a page; returns how many there were. */
static unsigned drain_copy(struct drain_lane *lane, struct intake_run *run,
                           const struct wire_slot *slots, unsigned from, unsigned to)
{
    unsigned i = from;
    for (; i < to; i++) {
        /* Acquire: pairs with the commit; the words behind it are the record's. */
        uint64_t head = atomic_load_explicit(&slots[i].head, memory_order_acquire);
        if (!head)
            break;
        run->slots[run->n++] = (struct intake_slot){head, slots[i].a, slots[i].b, slots[i].c};
        uint64_t stamp = head >> WIRE_KIND_BITS;
        unsigned kind = head & 0x7f;
        if (kind < WIRE_STACK && stamp > lane->last_stamp)
            lane->last_stamp = stamp;
    }
    return i - from;
}

/* Gives up a ring page that nobody has installed; false: somebody has, just now. */
static bool drain_pass_page(struct drain_lane *lane, uint64_t ring_page)
{
    _Atomic uint64_t *place = &lane->at->page_of[ring_page % WIRE_LANE_PAGES];
    uint64_t entry = atomic_load(place);
    if (entry && wire_entry_ring_page(entry) == ring_page)
        return false;
    /* Before we look again: see lane_install. */
    atomic_store(&lane->at->passed, ring_page + 1);
    entry = atomic_load(place);
    return !entry || wire_entry_ring_page(entry) != ring_page;
}

/* Passes over the open slot (or the page that was never installed) at the lane's place. */
static void drain_abandon(struct drain *drain, struct drain_lane *lane, uint64_t head)
{
    uint64_t ring_page = lane->consumed / WIRE_PAGE_SLOTS;
    uint64_t next_page = (ring_page + 1) * WIRE_PAGE_SLOTS;
    bool installed = !drain_pass_page(lane, ring_page);
    uint64_t to = installed ? lane->consumed + 1 : next_page < head ? next_page : head;
    /* A call that its process's end cut off never happened: nothing is lost. */
    if (!atomic_load(&drain->gone[lane->process_slot]))
        lane->abandoned_n += to - lane->consumed;
    lane->held = lane->held || installed;
    lane->consumed = to;
    lane->open_since = 0;
    if (!installed || to < next_page)
        return;
    uint64_t entry = atomic_load(&lane->at->page_of[ring_page % WIRE_LANE_PAGES]);
    drain_free_page(drain, lane, ring_page, wire_entry_page(entry));
}

/* An open record at the lane's place: give it up when nobody will commit it. */
static bool drain_is_hopeless(struct drain *drain, struct drain_lane *lane, uint64_t head,
                              uint64_t now)
{
    if (!lane->open_since)
        lane->open_since = now;
    /* In a lane of one thread only its own signal handlers can write behind an open record. */
    uint64_t most = (uint64_t)WIRE_LANE_PAGES * WIRE_PAGE_SLOTS / 2;
    bool held_up = lane->kind == WIRE_LANE_OWN && head - lane->consumed > most;
    return atomic_load(&drain->gone[lane->process_slot]) || held_up ||
           now - lane->open_since > ticks_from_ns(&drain->ticks, DRAIN_OPEN_NS);
}

/* Copies what is committed in the page at the lane's place. Returns false at an open record. */
static bool drain_lane_page(struct drain *drain, struct drain_lane *lane, uint64_t head,
                            bool *ret_full)
{
    uint64_t ring_page = lane->consumed / WIRE_PAGE_SLOTS;
    uint64_t entry = atomic_load_explicit(&lane->at->page_of[ring_page % WIRE_LANE_PAGES],
                                          memory_order_acquire);
    uint32_t page = wire_entry_page(entry);
    if (!entry || wire_entry_ring_page(entry) != ring_page ||
        !segment_has_page(drain->segment, page))
        return false;
    struct intake_run *run = intake_run_get(drain->intake);
    if (!run) {
        *ret_full = true;
        return true;
    }
    run->lane = lane->number;
    run->place = lane->consumed;
    unsigned from = lane->consumed % WIRE_PAGE_SLOTS;
    uint64_t left = head - lane->consumed;
    unsigned to = left > WIRE_PAGE_SLOTS - from ? WIRE_PAGE_SLOTS : from + (unsigned)left;
    unsigned copied = drain_copy(lane, run, segment_page(drain->segment, page), from, to);
    lane->consumed += copied;
    if (copied) {
        drain_keep_run(drain, run);
        lane->open_since = 0;
    } else {
        intake_run_put(drain->intake, run);
    }
    if (from + copied == WIRE_PAGE_SLOTS)
        drain_free_page(drain, lane, ring_page, page);
    return from + copied == to;
}

/*
 * With a record open: what was reserved behind the last quiet round is stamped no earlier than
 * that; in a lane of one thread, no earlier than what it committed before.
 */
static uint64_t drain_open_bound(const struct drain_lane *lane, uint64_t bound)
{
    uint64_t least = lane->quiet_at;
    if (lane->kind == WIRE_LANE_OWN && lane->last_stamp > least)
        least = lane->last_stamp;
    return least < bound ? least : bound;
}

/* Returns the stamp below which this lane will write nothing more. */
static uint64_t drain_lane_round(struct drain *drain, struct drain_lane *lane, uint64_t bound,
                                 uint64_t now, bool *ret_full)
{
    /* Acquire, and after the clock: what is reserved later gets a later stamp. */
    uint64_t head = atomic_load_explicit(&lane->at->head, memory_order_acquire);
    if (head - lane->consumed > DRAIN_AHEAD_MAX)
        head = lane->consumed; /* no writer of ours gets that far: nothing in it is to be believed
                                */
    while (lane->consumed < head && !*ret_full) {
        if (drain_lane_page(drain, lane, head, ret_full))
            continue;
        if (!drain_is_hopeless(drain, lane, head, now))
            return drain_open_bound(lane, bound);
        drain_abandon(drain, lane, head);
    }
    if (lane->consumed < head)
        return drain_open_bound(lane, bound);
    lane->quiet_at = bound;
    return bound;
}

/*
 * Hands the private state of a thread that is gone to its process. Where there is no place for it
 * the process has plenty: it is left behind.
 */
static void drain_return_state(struct drain *drain, uint32_t process_slot, uint32_t number)
{
    struct wire_process *process = wire_process_at(drain->segment->at, process_slot);
    for (unsigned i = 0; i < WIRE_RETURNED; i++) {
        uint32_t empty = 0;
        if (atomic_compare_exchange_strong(&process->returned[i], &empty, number + 1))
            return;
    }
}

/* Gives back what a finished lane still holds, and the lane itself. */
static void drain_close_lane(struct drain *drain, struct drain_lane *lane)
{
    struct wire_lane *at = lane->at;
    struct intake_news news = {
            .kind = INTAKE_LANE_CLOSED,
            .lane = lane->number,
            .process_slot = lane->process_slot,
            .lane_kind = lane->kind,
            .abandoned_n = lane->abandoned_n,
            .lost_n = atomic_load_explicit(&at->lost_n, memory_order_relaxed),
            .stall_n = atomic_load_explicit(&at->stall_n, memory_order_relaxed),
            .stall_ticks = atomic_load_explicit(&at->stall_ticks, memory_order_relaxed),
    };
    drain_news(drain, &drain->batch.closed, &drain->batch.closed_n, &news);
    if (lane->kind == WIRE_LANE_OWN)
        drain_return_state(drain, lane->process_slot, *(volatile uint32_t *)&at->state);
    for (unsigned i = 0; i < WIRE_LANE_PAGES; i++) {
        uint64_t entry = atomic_exchange(&at->page_of[i], 0);
        if (entry && segment_has_page(drain->segment, wire_entry_page(entry)))
            segment_give_back(drain->segment, wire_entry_page(entry));
    }
    drain->known[lane->page / 64] &= ~(1ull << lane->page % 64);
    segment_give_back(drain->segment, lane->page);
    drain->room_given++;
}

/* Closes lanes whose process is gone (or that lost the race to be its common one). */
static void drain_close_finished(struct drain *drain)
{
    for (size_t i = 0; i < drain->lanes.n;) {
        struct drain_lane *lane = &drain->lanes.at[i];
        bool gone = atomic_load(&drain->gone[lane->process_slot]) ||
                    atomic_load_explicit(&lane->at->retired, memory_order_acquire);
        uint64_t head = atomic_load_explicit(&lane->at->head, memory_order_acquire);
        if (!gone || (lane->consumed < head && head - lane->consumed <= DRAIN_AHEAD_MAX)) {
            i++;
            continue;
        }
        drain_close_lane(drain, lane);
        drain->lanes.at[i] = drain->lanes.at[--drain->lanes.n];
    }
}

/* One pass over the lanes of one sort (events or logs). */
static uint64_t drain_lanes(struct drain *drain, bool logs, uint64_t bound, uint64_t now,
                            bool *ret_full)
{
    uint64_t watermark = bound;
    VEC_EACH (struct drain_lane, lane, &drain->lanes) {
        if ((lane->kind == WIRE_LANE_LOG) != logs)
            continue;
        uint64_t least = drain_lane_round(drain, lane, bound, now, ret_full);
        if (!logs && least < watermark)
            watermark = least;
    }
    return watermark;
}

/* Recording that a target switched off for want of a heartbeat goes on again. */
static void drain_switch_on(struct drain *drain, uint64_t now)
{
    uint32_t off = WIRE_OFF;
    if (atomic_compare_exchange_strong(&drain->segment->at->recording, &off, WIRE_ON))
        atomic_fetch_add(&drain->gap_ticks,
                         now - atomic_load_explicit(&drain->segment->at->coarse_stamp,
                                                    memory_order_relaxed));
}

static void drain_wake_writers(struct drain *drain)
{
    if (!drain->room_given)
        return;
    _Atomic uint32_t *room = &drain->segment->at->room;
    atomic_fetch_add_explicit(room, drain->room_given, memory_order_release);
    drain->room_given = 0;
    syscall(SYS_futex, room, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* More in reserve the more are in use: a burst of threads takes two pages each. */
static uint32_t drain_free_wanted(const struct drain *drain)
{
    uint32_t used = (uint32_t)drain->lanes.n * 2;
    return used > DRAIN_FREE_PAGES ? used : DRAIN_FREE_PAGES;
}

/* Returns whether there was anything. */
static bool drain_round(struct drain *drain)
{
    uint64_t flush = atomic_load(&drain->flush_wanted);
    uint64_t now = segment_now(drain->segment);
    struct wire_segment *at = drain->segment->at;
    drain_switch_on(drain, now);
    uint64_t slack = ticks_from_ns(&drain->ticks, DRAIN_SLACK_NS);
    uint64_t bound = now > slack ? now - slack : 0;
    atomic_store_explicit(&at->coarse_stamp, now, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    drain_find_lanes(drain);
    bool full = false;
    uint64_t watermark = drain_lanes(drain, false, bound, now, &full);
    drain_lanes(drain, true, bound, now, &full);
    drain_close_finished(drain);
    drain->room_given += segment_offer(drain->segment, drain_free_wanted(drain));
    drain_wake_writers(drain);
    bool any = drain->batch.first || drain->batch.opened_n || drain->batch.closed_n;
    drain->batch.watermark = watermark;
    drain->batch.flush = full ? 0 : flush;
    intake_give(drain->intake, &drain->batch);
    return any && !full;
}

/* Sleeps until the doorbell rings or the time is over. */
static void drain_nap(struct drain *drain, uint32_t bell, long nap_ns)
{
    struct wire_segment *at = drain->segment->at;
    struct timespec wait = {.tv_nsec = nap_ns};
    atomic_store(&at->collector_naps, 1);
    syscall(SYS_futex, &at->doorbell, FUTEX_WAIT, bell, &wait, NULL, 0);
    atomic_store(&at->collector_naps, 0);
}

static void *drain_main(void *context)
{
    struct drain *drain = context;
    unsigned idle_rounds = 0;
    while (!atomic_load(&drain->stop)) {
        uint32_t bell = atomic_load(&drain->segment->at->doorbell);
        if (drain_round(drain) || atomic_load_explicit(&drain->hurry, memory_order_relaxed)) {
            idle_rounds = 0;
            drain_nap(drain, bell, DRAIN_NAP_LEAST_NS);
            continue;
        }
        idle_rounds++;
        long nap = DRAIN_NAP_LEAST_NS << (idle_rounds < 4 ? idle_rounds : 4);
        if (nap > DRAIN_NAP_MOST_NS)
            nap = DRAIN_NAP_MOST_NS;
        drain_nap(drain, bell, idle_rounds > DRAIN_IDLE_ROUNDS ? DRAIN_NAP_IDLE_NS : nap);
    }
    return NULL;
}

int drain_start(struct segment *segment, struct intake *intake, struct drain **ret_drain,
                struct diag *diag)
{
    struct drain *drain = calloc(1, sizeof *drain);
    uint64_t *known = calloc(segment->page_n / 64 + 1, sizeof *known);
    if (!drain || !known) {
        free(drain);
        free(known);
        return diag_set(diag, ERR_MEMORY, "no memory for the collector");
    }
    drain->known = known;
    drain->segment = segment;
    drain->intake = intake;
    ticks_init(&drain->ticks);
    segment_offer(segment, DRAIN_FREE_PAGES);
    if (drain_resume(drain) < 0) {
        free(known);
        free(drain);
        return diag_set(diag, ERR_IO, "cannot start the collector's thread");
    }
    *ret_drain = drain;
    return 0;
}

static void drain_ring(struct drain *drain)
{
    _Atomic uint32_t *bell = &drain->segment->at->doorbell;
    atomic_fetch_add(bell, 1);
    syscall(SYS_futex, bell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void drain_process_gone(struct drain *drain, uint32_t process_slot)
{
    atomic_store(&drain->gone[process_slot], 1);
    drain_ring(drain);
}

void drain_process_reset(struct drain *drain, uint32_t process_slot)
{
    atomic_store(&drain->gone[process_slot], 0);
}

uint64_t drain_flush(struct drain *drain)
{
    uint64_t number = atomic_fetch_add(&drain->flush_wanted, 1) + 1;
    drain_ring(drain);
    return number;
}

void drain_hurry(struct drain *drain, bool hurry)
{
    if (hurry != atomic_load_explicit(&drain->hurry, memory_order_relaxed))
        atomic_store_explicit(&drain->hurry, hurry, memory_order_relaxed);
}

void drain_pause(struct drain *drain)
{
    if (!drain->running)
        return;
    atomic_store(&drain->stop, true);
    drain_ring(drain);
    pthread_join(drain->thread, NULL);
    drain->running = false;
    /* What was committed since its last round. */
    drain_round(drain);
}

int drain_resume(struct drain *drain)
{
    atomic_store(&drain->stop, false);
    drain->running = pthread_create(&drain->thread, NULL, drain_main, drain) == 0;
    return drain->running ? 0 : ERR_IO;
}

void drain_free(struct drain *drain)
{
    drain_pause(drain);
    intake_batch_done(&drain->batch);
    vec_done(&drain->lanes);
    free(drain->known);
    free(drain);
}

uint64_t drain_gap_ticks(const struct drain *drain)
{
    return atomic_load(&drain->gap_ticks);
}
