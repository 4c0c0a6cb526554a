/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounds over all lanes.
 *
 * A round reads the clock T and then the head of every lane: what is reserved later is stamped no
 * earlier than T less DRAIN_SLACK_NS (what a store buffer may hide). It takes all that is committed
 * below those heads, event lanes first and logs after them, so that the stacks of every event that
 * was taken are in the batch too; then the batch is given away, with T less the slack as its
 * watermark. While the model is far behind no round begins: rings fill up, and their writers wait.
 * A round that finds no room for more is not over: it goes on when the model has fed what it has,
 * which it always can. drain_lane.c tells what becomes of records that are open.
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
#include "collect/drain_lane.h"
#include "collect/ticks.h"

enum {
    DRAIN_SLACK_NS = 50000,
    DRAIN_NAP_LEAST_NS = 60000,
    DRAIN_NAP_MOST_NS = 1000000,
    DRAIN_NAP_SLOTS = 1024, /* to be taken in a round: an eighth of what is offered at once */
    DRAIN_NAP_IDLE_NS = 4000000,
    DRAIN_YIELD_NS = 20000000,
    DRAIN_NAP_CALM_NS = 5000000,
    DRAIN_WAKE_CALM_NS = 20000000,
    DRAIN_COUNT_CALM_NS = 10000000,
    DRAIN_THIN_WEIGHT = 16,  /* one small block in so many: rings do not fill up in a nap */
    DRAIN_WAKE_NS = 2000000, /* the model sleeps that long over less than DRAIN_WAKE_SLOTS */
    DRAIN_WAKE_SLOTS = 4096,
    DRAIN_IDLE_ROUNDS = 200,
    DRAIN_COUNT_NS = 50000000,
    DRAIN_COUNT_SAMPLED_NS = 1000000,
    DRAIN_COUNT_LANE_NS = 20000,
    DRAIN_FREE_PAGES = 64,
    DRAIN_LANES_MAX = 1 << 16,
    DRAIN_RUNS_A_PAGE = 3, /* more than two rounds can take, holes and all */
};

/* How a look at the lanes went. */
enum drain_outcome { DRAIN_IDLE, DRAIN_BUSY, DRAIN_BLOCKED };

struct drain {
    struct segment *segment;
    struct ticks ticks;
    pthread_t thread;
    bool running;
    VEC(struct drain_lane) lanes;
    uint64_t *known; /* lane bits that were seen */
    struct drain_reader reader;
    bool in_round;         /* it was begun, and there was no room to end it */
    uint64_t behind_since; /* 0 = the model is not */
    long nap_ns;           /* between rounds, as long as there is something to take */
    uint64_t round_bound, round_flush;
    uint64_t waiting_n, woken_at, told_flush; /* of the last time that the model was woken */
    struct counts counts;
    uint32_t next_number;
    _Atomic bool stop;
    _Atomic bool hurry;
    _Atomic uint64_t flush_wanted;
    _Atomic uint64_t gap_ticks;
    _Atomic uint64_t found_n, found_rounds, found_most;
    _Atomic uint8_t gone[WIRE_PROCESSES_MAX]; /* by process slot */
};

static void drain_news(struct intake_news **list, size_t *n, const struct intake_news *news)
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
            .start_stamp = *(volatile uint64_t *)&at->start_stamp,
    };
    drain_news(&drain->reader.batch.opened, &drain->reader.batch.opened_n, &news);
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
            .lost_n = atomic_load_explicit(&at->lost_n, memory_order_relaxed),
            .stall_n = atomic_load_explicit(&at->stall_n, memory_order_relaxed),
            .stall_ticks = atomic_load_explicit(&at->stall_ticks, memory_order_relaxed),
    };
    counts_lane_closed(&drain->counts, lane->process_slot, lane->number, at);
    drain->counts.read_at = 0; /* a process may have ended: the last word on it is due */
    if (lane->kind == WIRE_LANE_OWN)
        drain_return_state(drain, lane->process_slot, *(volatile uint32_t *)&at->state);
    drain->known[lane->page / 64] &= ~(1ull << lane->page % 64);
    drain_lane_close(&drain->reader, lane);
    news.abandoned_n = lane->abandoned_n;
    news.late_n = lane->late_n;
    drain_news(&drain->reader.batch.closed, &drain->reader.batch.closed_n, &news);
    drain_lane_done(lane);
}

/*
 * Closes lanes whose writers were gone when the round began (or that lost the race to be its
 * process's common one): it took all that they had committed.
 */
static void drain_close_finished(struct drain *drain)
{
    for (size_t i = 0; i < drain->lanes.n;) {
        struct drain_lane *lane = &drain->lanes.at[i];
        if (!lane->gone && !lane->retired) {
            i++;
            continue;
        }
        drain_close_lane(drain, lane);
        drain->lanes.at[i] = drain->lanes.at[--drain->lanes.n];
    }
}

/* Reads the lanes of one sort (events or logs) up to their targets. Returns 1 for want of room. */
static int drain_lanes(struct drain *drain, bool logs)
{
    VEC_EACH (struct drain_lane, lane, &drain->lanes) {
        if ((lane->kind == WIRE_LANE_LOG) == logs && drain_lane_read(&drain->reader, lane) != 0)
            return 1;
    }
    return 0;
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
    if (!drain->reader.room_given)
        return;
    _Atomic uint32_t *room = &drain->segment->at->room;
    atomic_fetch_add_explicit(room, drain->reader.room_given, memory_order_release);
    drain->reader.room_given = 0;
    syscall(SYS_futex, room, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* More in reserve the more are in use: a burst of threads takes two pages each. */
static uint32_t drain_free_wanted(const struct drain *drain)
{
    uint32_t used = (uint32_t)drain->lanes.n * 2;
    return used > DRAIN_FREE_PAGES ? used : DRAIN_FREE_PAGES;
}

/* Few events are recorded, and the only thread that allocates notes its peak itself. */
static bool drain_is_thin(const struct drain *drain)
{
    uint64_t rate = atomic_load_explicit(&drain->segment->at->rate, memory_order_relaxed);
    return !(rate & WIRE_RATE_FREES) && wire_rate_weight(rate) >= DRAIN_THIN_WEIGHT &&
           counts_are_of_one(&drain->counts);
}

/*
 * A percent budget, or a low rate: a few hundred looks in a second are enough, a full ring calls
 * for one. Each look is a wake-up, which is dear where the processor had gone to sleep.
 */
static bool drain_is_calm(const struct drain *drain)
{
    return (drain->segment->at->config.is_limited || drain_is_thin(drain)) &&
           !atomic_load_explicit(&drain->hurry, memory_order_relaxed);
}

/*
 * Adds up the lanes' counters, before the lanes that have ended are closed. Often while sampling,
 * where the peak is seen by them; many lanes less often; and whenever somebody asks for all.
 */
static void drain_count(struct drain *drain, uint64_t now)
{
    struct counts *counts = &drain->counts;
    uint64_t rate = atomic_load_explicit(&drain->segment->at->rate, memory_order_relaxed);
    uint64_t pause_ns = wire_rate_is_full(rate)                 ? DRAIN_COUNT_NS
                        : drain->segment->at->config.is_limited ? DRAIN_COUNT_CALM_NS
                                                                : DRAIN_COUNT_SAMPLED_NS;
    pause_ns += drain->lanes.n * DRAIN_COUNT_LANE_NS;
    bool is_asked = drain->round_flush != drain->told_flush;
    if (!is_asked && counts->read_at &&
        now - counts->read_at < ticks_from_ns(&drain->ticks, pause_ns))
        return;
    counts_begin(counts);
    VEC_EACH (struct drain_lane, lane, &drain->lanes) {
        counts_lane(counts, lane->process_slot, lane->number, lane->at);
    }
    counts_end(counts, now, &drain->reader.batch.counts);
}

static void drain_aim(struct drain *drain, bool logs)
{
    VEC_EACH (struct drain_lane, lane, &drain->lanes) {
        if ((lane->kind == WIRE_LANE_LOG) == logs)
            drain_lane_aim(lane);
    }
}

static void drain_round_begin(struct drain *drain, uint64_t now)
{
    drain->round_flush = atomic_load(&drain->flush_wanted);
    uint64_t slack = ticks_from_ns(&drain->ticks, DRAIN_SLACK_NS);
    drain->round_bound = now > slack ? now - slack : 0;
    drain_find_lanes(drain);
    VEC_EACH (struct drain_lane, lane, &drain->lanes) {
        lane->gone = atomic_load(&drain->gone[lane->process_slot]);
        /* Acquire: what its thread committed, it committed before it was found gone. */
        lane->retired = atomic_load_explicit(&lane->at->retired, memory_order_acquire);
    }
    drain_aim(drain, false);
    drain->reader.taken_n = 0;
    drain->in_round = true;
}

static void drain_note_found(struct drain *drain, uint64_t n)
{
    if (!n)
        return;
    atomic_fetch_add_explicit(&drain->found_n, n, memory_order_relaxed);
    atomic_fetch_add_explicit(&drain->found_rounds, 1, memory_order_relaxed);
    if (n > atomic_load_explicit(&drain->found_most, memory_order_relaxed))
        atomic_store_explicit(&drain->found_most, n, memory_order_relaxed);
}

struct drain_found drain_found(const struct drain *drain)
{
    return (struct drain_found){
            .slots_n = atomic_load_explicit(&drain->found_n, memory_order_relaxed),
            .rounds_n = atomic_load_explicit(&drain->found_rounds, memory_order_relaxed),
            .most = atomic_load_explicit(&drain->found_most, memory_order_relaxed),
    };
}

/* Whether what the round has taken, and those before it, is worth waking the model thread for. */
static bool drain_is_due(struct drain *drain, uint64_t now)
{
    const struct intake_batch *batch = &drain->reader.batch;
    if (batch->flush == drain->told_flush && !batch->opened_n && !batch->closed_n &&
        !atomic_load_explicit(&drain->hurry, memory_order_relaxed) &&
        drain->waiting_n < DRAIN_WAKE_SLOTS &&
        now - drain->woken_at < ticks_from_ns(&drain->ticks, drain_is_calm(drain)
                                                                     ? DRAIN_WAKE_CALM_NS
                                                                     : DRAIN_WAKE_NS))
        return false;
    drain->told_flush = batch->flush;
    drain->waiting_n = 0;
    drain->woken_at = now;
    return true;
}

/* Takes what the round is to take, and ends it with the lanes. True: there was no room for all. */
static bool drain_take(struct drain *drain, uint64_t now)
{
    if (drain_lanes(drain, false) != 0)
        return true;
    /* After the events: whatever stack they name was committed before, in a lane that was there. */
    drain_find_lanes(drain);
    drain_aim(drain, true);
    drain->reader.runs_most += drain->segment->page_n;
    bool full = drain_lanes(drain, true) != 0;
    drain->reader.runs_most -= drain->segment->page_n;
    if (full)
        return true;
    drain_close_finished(drain);
    drain_count(drain, now);
    return false;
}

static uint64_t drain_beat(struct drain *drain)
{
    uint64_t now = segment_now(drain->segment);
    drain_switch_on(drain, now);
    /* Sequentially consistent: no head is read before the clock was. */
    atomic_exchange(&drain->segment->at->coarse_stamp, now);
    return now;
}

/* Begins a round unless it has to wait for the model, or goes on with one that had no room. */
static enum drain_outcome drain_round(struct drain *drain, bool waits)
{
    uint64_t now = drain_beat(drain);
    bool full =
            waits && !drain->in_round && !intake_has_room(drain->reader.intake, INTAKE_RUNS_MAX);
    if (!full && !drain->in_round)
        drain_round_begin(drain, now);
    full = full || drain_take(drain, now);
    drain->reader.room_given += segment_offer(drain->segment, drain_free_wanted(drain));
    drain_wake_writers(drain);
    if (full) {
        intake_wake(drain->reader.intake);
        return DRAIN_BLOCKED;
    }
    struct intake_batch *batch = &drain->reader.batch;
    bool any = batch->first || batch->opened_n || batch->closed_n;
    batch->watermark = drain->round_bound;
    batch->flush = drain->round_flush;
    drain_note_found(drain, drain->reader.taken_n);
    drain->waiting_n += drain->reader.taken_n;
    intake_give(drain->reader.intake, batch, drain_is_due(drain, now));
    drain->in_round = false;
    return any ? DRAIN_BUSY : DRAIN_IDLE;
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

/*
 * How long a busy drain naps: as it takes the writers to fill a part of their rings, since each
 * round costs two wake-ups, its own and the model's. A writer that finds no room rings before.
 */
static long drain_nap_busy(struct drain *drain)
{
    if (drain->reader.taken_n > DRAIN_NAP_SLOTS * 2)
        drain->nap_ns /= 2;
    else if (drain->reader.taken_n < DRAIN_NAP_SLOTS)
        drain->nap_ns += drain->nap_ns / 2;
    if (drain->nap_ns < DRAIN_NAP_LEAST_NS)
        drain->nap_ns = DRAIN_NAP_LEAST_NS;
    long most = drain_is_calm(drain) ? DRAIN_NAP_CALM_NS : DRAIN_NAP_MOST_NS;
    if (drain->nap_ns > most)
        drain->nap_ns = most;
    return drain->nap_ns;
}

/*
 * Whether the model should catch up first. Not when it does something else meanwhile, like writing
 * a checkpoint: writers are not to wait for that.
 */
static bool drain_yields(struct drain *drain)
{
    if (drain->in_round || atomic_load_explicit(&drain->hurry, memory_order_relaxed) ||
        !intake_is_behind(drain->reader.intake)) {
        drain->behind_since = 0;
        return false;
    }
    uint64_t now = drain_beat(drain);
    if (!drain->behind_since)
        drain->behind_since = now;
    if (now - drain->behind_since > ticks_from_ns(&drain->ticks, DRAIN_YIELD_NS))
        return false;
    intake_await_taken(drain->reader.intake, DRAIN_NAP_MOST_NS);
    return true;
}

static long drain_nap_idle(const struct drain *drain, unsigned idle_rounds)
{
    long nap = DRAIN_NAP_LEAST_NS << (idle_rounds < 4 ? idle_rounds : 4);
    if (drain_is_calm(drain))
        return DRAIN_NAP_CALM_NS;
    if (idle_rounds > DRAIN_IDLE_ROUNDS)
        return DRAIN_NAP_IDLE_NS;
    return nap > DRAIN_NAP_MOST_NS ? DRAIN_NAP_MOST_NS : nap;
}

static void *drain_main(void *context)
{
    struct drain *drain = context;
    unsigned idle_rounds = 0;
    while (!atomic_load(&drain->stop)) {
        if (drain_yields(drain))
            continue;
        uint32_t bell = atomic_load(&drain->segment->at->doorbell);
        enum drain_outcome outcome = drain_round(drain, true);
        if (outcome != DRAIN_IDLE || atomic_load_explicit(&drain->hurry, memory_order_relaxed)) {
            bool may_wait = outcome == DRAIN_BUSY &&
                            !atomic_load_explicit(&drain->hurry, memory_order_relaxed);
            idle_rounds = 0;
            drain_nap(drain, bell, may_wait ? drain_nap_busy(drain) : DRAIN_NAP_LEAST_NS);
            continue;
        }
        idle_rounds++;
        drain_nap(drain, bell, drain_nap_idle(drain, idle_rounds));
    }
    return NULL;
}

int drain_start(struct segment *segment, struct intake *intake, struct drain **ret_drain,
                struct diag *diag)
{
    struct drain *drain = calloc(1, sizeof *drain);
    uint64_t *known = calloc(segment->page_n / 64 + 1, sizeof *known);
    if (!drain || !known || !counts_init(&drain->counts, segment->process_n)) {
        if (drain)
            counts_done(&drain->counts);
        free(drain);
        free(known);
        return diag_set(diag, ERR_MEMORY, "no memory for the collector");
    }
    drain->known = known;
    drain->segment = segment;
    drain->reader = (struct drain_reader){.segment = segment, .intake = intake};
    drain->reader.runs_most = INTAKE_RUNS_MAX + segment->page_n * DRAIN_RUNS_A_PAGE;
    ticks_init(&drain->ticks);
    segment_offer(segment, DRAIN_FREE_PAGES);
    if (drain_resume(drain) < 0) {
        counts_done(&drain->counts);
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
    counts_reset(&drain->counts, process_slot);
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
    /* The end of its last round, and what was committed since. The model waits: room there is. */
    uint32_t most = drain->reader.runs_most;
    drain->reader.runs_most = UINT32_MAX / 2;
    if (drain->in_round)
        drain_round(drain, false);
    drain_round(drain, false);
    drain->reader.runs_most = most;
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
    intake_batch_done(&drain->reader.batch);
    VEC_EACH (struct drain_lane, lane, &drain->lanes)
        drain_lane_done(lane);
    vec_done(&drain->lanes);
    counts_done(&drain->counts);
    free(drain->known);
    free(drain);
}

const struct counts *drain_counts(const struct drain *drain)
{
    return &drain->counts;
}

uint64_t drain_gap_ticks(const struct drain *drain)
{
    return atomic_load(&drain->gap_ticks);
}
