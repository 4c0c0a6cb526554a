/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merge against what truly happened: a history of allocations, frees and reallocs by several
 * threads is dealt out to lanes the way hooks would, and must come back as the same sums, whatever
 * the sizes of the batches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../faults.h"
#include "collect/order.h"

enum { THREADS = 12, ADDRESSES = 200, EVENTS = 20000, TID = 100, COMMON = 50 };

/* xorshift64: the same history for the same seed, everywhere. */
static uint64_t noise_state;

static uint64_t noise_next(void)
{
    noise_state ^= noise_state << 13;
    noise_state ^= noise_state >> 7;
    noise_state ^= noise_state << 17;
    return noise_state;
}

/* A session with this process as its only image. */
struct session {
    struct segment segment;
    struct model *model;
    struct images images;
    struct intake intake;
    struct journal journal;
    struct order order;
};

static void ignore_module(void *context, uint32_t module, const char *path, int fd)
{
}

static void session_open(struct session *session, uint32_t strategy)
{
    const struct wire_config config = {.strategy = strategy, .weight = 1};
    const struct stacks_sink sink = {.module = ignore_module};
    memset(session, 0, sizeof *session);
    assert_int_equal(segment_init(&session->segment, 4 << 20, &config, NULL), 0);
    struct wire_process *slot = wire_process_at(session->segment.at, 0);
    slot->pid = (uint32_t)getpid();
    atomic_store(&slot->state, WIRE_PROCESS_LIVE);
    session->model = model_new();
    assert_int_equal(feed_open(session->model, 1000000), 0);
    assert_int_equal(images_init(&session->images, session->model, &session->segment, &sink,
                                 &session->journal),
                     0);
    assert_int_equal(intake_init(&session->intake), 0);
    order_init(&session->order, session->model, &session->images, &session->intake,
               &session->journal);
}

static void session_close(struct session *session)
{
    order_done(&session->order);
    images_done(&session->images);
    intake_done(&session->intake);
    model_free_all(session->model);
    segment_done(&session->segment);
}

/* A batch under way: what the drain would give; and how far each lane was written. */
struct deal {
    struct session *session;
    struct intake_batch batch;
    uint64_t head[COMMON + 1];
};

static void deal_open(struct deal *deal, uint32_t lane, uint32_t kind, uint32_t tid)
{
    struct intake_news *all = realloc(deal->batch.opened, (deal->batch.opened_n + 1) * sizeof *all);
    assert_non_null(all);
    deal->batch.opened = all;
    all[deal->batch.opened_n++] = (struct intake_news){
            .kind = INTAKE_LANE_OPENED, .lane = lane, .lane_kind = kind, .tid = tid};
}

static void deal_append(struct deal *deal, struct intake_run *run)
{
    run->next = NULL;
    if (deal->batch.last)
        deal->batch.last->next = run;
    else
        deal->batch.first = run;
    deal->batch.last = run;
}

static struct intake_run *deal_run(struct deal *deal, uint32_t lane)
{
    for (struct intake_run *run = deal->batch.first; run; run = run->next) {
        if (run->lane == lane && run->n + 3 <= WIRE_PAGE_SLOTS && run->slots[0].head != WIRE_PAD &&
            run->place + run->n == deal->head[lane])
            return run;
    }
    struct intake_run *run = intake_run_get(&deal->session->intake, INTAKE_RUNS_MAX);
    assert_non_null(run);
    run->lane = lane;
    run->place = deal->head[lane];
    deal_append(deal, run);
    return run;
}

/* One record of one slot, or of two when `old` is given; by another's lane with tid. */
static void deal_record(struct deal *deal, uint32_t lane, uint32_t tid, unsigned kind,
                        uint64_t stamp, uint64_t address, uint64_t size, uint64_t old)
{
    struct intake_run *run = deal_run(deal, lane);
    bool by_others = lane == COMMON;
    run->slots[run->n++] =
            (struct intake_slot){wire_head(stamp, kind | (by_others ? WIRE_BY_OTHERS : 0u)),
                                 address, size, wire_stack(0, 1)};
    if (kind == WIRE_REALLOC_END)
        run->slots[run->n++] = (struct intake_slot){WIRE_CONTINUED, old, 0, 0};
    if (by_others)
        run->slots[run->n++] = (struct intake_slot){WIRE_CONTINUED, tid, 0, 0};
    deal->head[lane] = run->place + run->n;
}

/* A record that its writer has not committed yet: what is dealt next lies behind it. */
static struct intake_run *deal_open_record(struct deal *deal, uint32_t lane, uint32_t tid,
                                           unsigned kind, uint64_t stamp, uint64_t address,
                                           uint64_t size)
{
    struct deal open = {.session = deal->session};
    memcpy(open.head, deal->head, sizeof open.head);
    deal_record(&open, lane, tid, kind, stamp, address, size, 0);
    memcpy(deal->head, open.head, sizeof open.head);
    return open.batch.first;
}

/* The rest of a page that the next record did not fit in: taken by itself it has no stamp. */
static void deal_padding(struct deal *deal, uint32_t lane)
{
    struct intake_run *run = intake_run_get(&deal->session->intake, INTAKE_RUNS_MAX);
    assert_non_null(run);
    run->lane = lane;
    run->place = deal->head[lane]++;
    run->slots[run->n++] = (struct intake_slot){.head = WIRE_PAD};
    deal_append(deal, run);
}

static void deal_feed(struct deal *deal, uint64_t watermark)
{
    order_take(&deal->session->order, &deal->batch);
    order_feed(&deal->session->order, watermark);
    intake_batch_done(&deal->batch);
}

static const struct model_sums *session_sums(const struct session *session)
{
    return &session->model->sums;
}

/*
 * Random events of threads that hand blocks to each other; some have no lane of their own. Some
 * records stay open, until somebody needs what they did at the latest; some have padding before.
 */
static void history_is_kept(unsigned seed)
{
    struct session session;
    session_open(&session, WIRE_THREAD_LOCAL);
    struct deal deal = {.session = &session};
    noise_state = seed * 0x9e3779b97f4a7c15u;
    deal_open(&deal, COMMON, WIRE_LANE_COMMON, 0);
    for (uint32_t i = 0; i + 1 < THREADS; i++)
        deal_open(&deal, i, WIRE_LANE_OWN, TID + i);
    struct intake_run *open[ADDRESSES] = {NULL};
    uint64_t size_of[ADDRESSES] = {0}, live_bytes = 0, live_n = 0, alloc_n = 0, free_n = 0;
    for (uint64_t i = 0; i < EVENTS; i++) {
        uint32_t thread = (uint32_t)(noise_next() % THREADS);
        uint32_t lane = thread + 1 == THREADS ? COMMON : thread;
        unsigned slot = (unsigned)(noise_next() % ADDRESSES);
        uint64_t address = 0x1000 + slot * 64, stamp = 1000000 + i * 10;
        uint64_t size = 1 + noise_next() % 500;
        bool stays_open = noise_next() % 20 == 0;
        if (open[slot])
            deal_append(&deal, open[slot]);
        open[slot] = NULL;
        if (noise_next() % 16 == 0)
            deal_padding(&deal, lane);
        if (!size_of[slot]) {
            if (stays_open)
                open[slot] = deal_open_record(&deal, lane, TID + thread, WIRE_ALLOC, stamp, address,
                                              size);
            else
                deal_record(&deal, lane, TID + thread, WIRE_ALLOC, stamp, address, size, 0);
            size_of[slot] = size;
            alloc_n++, live_n++, live_bytes += size;
        } else if (noise_next() % 3) {
            if (stays_open)
                open[slot] =
                        deal_open_record(&deal, lane, TID + thread, WIRE_FREE, stamp, address, 0);
            else
                deal_record(&deal, lane, TID + thread, WIRE_FREE, stamp, address, 0, 0);
            live_n--, free_n++, live_bytes -= size_of[slot];
            size_of[slot] = 0;
        } else {
            deal_record(&deal, lane, TID + thread, WIRE_REALLOC_BEGIN, stamp, address, 0, 0);
            deal_record(&deal, lane, TID + thread, WIRE_REALLOC_END, stamp + 5, address, size,
                        address);
            live_bytes += size - size_of[slot];
            size_of[slot] = size;
            alloc_n++, free_n++;
        }
        if (noise_next() % 100 == 0)
            deal_feed(&deal, stamp);
    }
    for (unsigned slot = 0; slot < ADDRESSES; slot++) {
        if (open[slot])
            deal_append(&deal, open[slot]);
    }
    deal_feed(&deal, UINT64_MAX);
    const struct model_sums *sums = session_sums(&session);
    assert_int_equal(sums->alloc_n, alloc_n);
    assert_int_equal(sums->free_n, free_n);
    assert_int_equal(sums->live_n, live_n);
    assert_int_equal(sums->live_bytes, live_bytes);
    assert_int_equal(sums->unknown_free_n, 0);
    assert_int_equal(session.model->loss.unmatched_realloc_n, 0);
    assert_int_equal(session.model->loss.replaced_block_n, 0);
    session_close(&session);
}

static void test_history(void **state)
{
    for (unsigned seed = 1; seed <= 20; seed++)
        history_is_kept(seed);
}

/* A handler's records lie behind the one they interrupted, and are older. */
static void test_handler_inside(void **state)
{
    struct session session;
    session_open(&session, WIRE_THREAD_LOCAL);
    struct deal deal = {.session = &session};
    deal_open(&deal, 0, WIRE_LANE_OWN, TID);
    deal_open(&deal, 1, WIRE_LANE_OWN, TID + 1);
    deal_record(&deal, 0, 0, WIRE_ALLOC, 900, 0x1000, 10, 0); /* interrupted before its stamp */
    deal_record(&deal, 0, 0, WIRE_ALLOC, 100, 0x2000, 20, 0); /* the handler's */
    deal_record(&deal, 1, 0, WIRE_FREE, 200, 0x2000, 0, 0);   /* by another thread, meanwhile */
    deal_feed(&deal, UINT64_MAX);
    assert_int_equal(session_sums(&session)->unknown_free_n, 0);
    assert_int_equal(session_sums(&session)->live_n, 1);
    assert_int_equal(session_sums(&session)->live_bytes, 10);
    session_close(&session);
}

/* In a common lane a thread may be stopped for long between its reservation and its stamp. */
static void test_common_lane_out_of_order(void **state)
{
    struct session session;
    session_open(&session, WIRE_THREAD_LOCAL);
    struct deal deal = {.session = &session};
    deal_open(&deal, COMMON, WIRE_LANE_COMMON, 0);
    deal_open(&deal, 0, WIRE_LANE_OWN, TID);
    deal_record(&deal, COMMON, TID + 1, WIRE_ALLOC, 5000, 0x1000, 10, 0);
    deal_record(&deal, COMMON, TID + 2, WIRE_ALLOC, 1000, 0x2000, 20, 0);
    deal_record(&deal, 0, 0, WIRE_FREE, 2000, 0x2000, 0, 0);
    deal_feed(&deal, UINT64_MAX);
    assert_int_equal(session_sums(&session)->unknown_free_n, 0);
    assert_int_equal(session_sums(&session)->live_bytes, 10);
    session_close(&session);
}

/*
 * A free that was open while others went on, in its own lane and elsewhere, is fed before the next
 * block at its address is.
 */
static void test_late_record(void **state)
{
    struct session session;
    session_open(&session, WIRE_THREAD_LOCAL);
    struct deal deal = {.session = &session};
    for (uint32_t i = 0; i < 3; i++)
        deal_open(&deal, i, WIRE_LANE_OWN, TID + i);
    deal_record(&deal, 0, 0, WIRE_ALLOC, 100, 0x1000, 10, 0);
    struct intake_run *open = deal_open_record(&deal, 0, 0, WIRE_FREE, 200, 0x1000, 0);
    deal_record(&deal, 0, 0, WIRE_ALLOC, 150, 0x2000, 20, 0);   /* its handler's */
    deal_record(&deal, 0, 0, WIRE_ALLOC, 90000, 0x4000, 20, 0); /* after a jump, say */
    deal_record(&deal, 1, 0, WIRE_ALLOC, 20000, 0x3000, 30, 0);
    deal_feed(&deal, 50000);
    assert_int_equal(session_sums(&session)->live_n, 3);
    deal_record(&deal, 1, 0, WIRE_ALLOC, 60000, 0x1000, 40, 0);
    deal_append(&deal, open);
    deal_feed(&deal, 70000);
    assert_int_equal(session_sums(&session)->free_n, 1);
    assert_int_equal(session_sums(&session)->live_bytes, 20 + 30 + 40);
    assert_int_equal(session.model->loss.replaced_block_n, 0);
    assert_int_equal(session.model->loss.order_repair_n, 0);
    session_close(&session);
}

/* An allocation whose stamp is early by what the processor may reorder. */
static void test_early_stamp_is_repaired(void **state)
{
    struct session session;
    session_open(&session, WIRE_THREAD_LOCAL);
    struct deal deal = {.session = &session};
    for (uint32_t i = 0; i < 3; i++)
        deal_open(&deal, i, WIRE_LANE_OWN, TID + i);
    deal_record(&deal, 0, 0, WIRE_ALLOC, 1000, 0x1000, 10, 0);
    deal_record(&deal, 1, 0, WIRE_ALLOC, 1999, 0x1000, 30, 0); /* after the free, in truth */
    deal_record(&deal, 0, 0, WIRE_FREE, 2000, 0x1000, 0, 0);
    deal_feed(&deal, UINT64_MAX);
    assert_int_equal(session_sums(&session)->free_n, 1);
    assert_int_equal(session_sums(&session)->live_bytes, 30);
    assert_int_equal(session.model->loss.order_repair_n, 1);
    session_close(&session);
}

/*
 * The same of a whole chain: what waits for the free comes right behind it, not when it has waited
 * long enough; until then a third thread has the address.
 */
static void test_early_stamps_of_a_chain(void **state)
{
    struct session session;
    session_open(&session, WIRE_THREAD_LOCAL);
    struct deal deal = {.session = &session};
    for (uint32_t i = 0; i < 3; i++)
        deal_open(&deal, i, WIRE_LANE_OWN, TID + i);
    deal_record(&deal, 0, 0, WIRE_ALLOC, 1000, 0x1000, 10, 0);
    deal_record(&deal, 1, 0, WIRE_ALLOC, 1999, 0x1000, 20, 0); /* after the next, in truth */
    deal_record(&deal, 0, 0, WIRE_FREE, 2000, 0x1000, 0, 0);
    deal_record(&deal, 1, 0, WIRE_FREE, 2010, 0x1000, 0, 0);
    deal_record(&deal, 2, 0, WIRE_ALLOC, 2020, 0x1000, 30, 0);
    deal_feed(&deal, UINT64_MAX);
    assert_int_equal(session_sums(&session)->live_n, 1);
    assert_int_equal(session_sums(&session)->live_bytes, 30);
    assert_int_equal(session_sums(&session)->unknown_free_n, 0);
    assert_int_equal(session.model->loss.replaced_block_n, 0);
    session_close(&session);
}

/* What takes a block from another thread, with a stamp before that of the block's allocation. */
static void early_end_is_repaired(unsigned kind)
{
    struct session session;
    session_open(&session, WIRE_THREAD_LOCAL);
    struct deal deal = {.session = &session};
    for (uint32_t i = 0; i < 3; i++)
        deal_open(&deal, i, WIRE_LANE_OWN, TID + i);
    deal_record(&deal, 0, 0, WIRE_ALLOC, 1000, 0x2000, 10, 0);
    deal_record(&deal, 1, 0, kind, 1990, 0x1000, 0, 0);
    if (kind == WIRE_REALLOC_BEGIN)
        deal_record(&deal, 1, 0, WIRE_REALLOC_END, 1995, 0x1000, 50, 0x1000);
    deal_record(&deal, 0, 0, WIRE_ALLOC, 2000, 0x1000, 20, 0);
    deal_record(&deal, 0, 0, WIRE_ALLOC, 2001, 0x3000, 30, 0);
    deal_record(&deal, 1, 0, WIRE_FREE, 9000, 0x4000, 0, 0); /* nobody ever had it */
    deal_feed(&deal, UINT64_MAX);
    assert_int_equal(session_sums(&session)->live_bytes,
                     10 + 30 + (kind == WIRE_REALLOC_BEGIN ? 50 : 0));
    assert_int_equal(session_sums(&session)->unknown_free_n, 1);
    assert_int_equal(session.model->loss.unmatched_realloc_n, 0);
    assert_int_equal(session.model->loss.order_repair_n, 1);
    session_close(&session);
}

static void test_early_end_is_repaired(void **state)
{
    early_end_is_repaired(WIRE_FREE);
    early_end_is_repaired(WIRE_REALLOC_BEGIN);
}

/*
 * Threads that hand few addresses round, so that of two events on one address the second is often
 * stamped first: which block is whose may be mistaken, none is lost.
 */
static void early_history_is_kept(unsigned seed)
{
    enum { FEW = 8, STEP = 20, EARLY = 200, REALLOC = 80 };
    struct session session;
    session_open(&session, WIRE_THREAD_LOCAL);
    struct deal deal = {.session = &session};
    noise_state = seed * 0x9e3779b97f4a7c15u;
    uint64_t last[THREADS] = {0}, size_of[FEW] = {0}, live_n = 0, alloc_n = 0, free_n = 0;
    for (uint32_t i = 0; i < THREADS; i++)
        deal_open(&deal, i, WIRE_LANE_OWN, TID + i);
    for (uint64_t i = 0; i < EVENTS; i++) {
        uint32_t lane = (uint32_t)(noise_next() % THREADS);
        unsigned slot = (unsigned)(i % FEW);
        uint64_t address = 0x1000 + slot * 64, early = noise_next() % EARLY;
        uint64_t stamp = 1000000 + i * STEP - early;
        uint64_t begin = stamp - REALLOC > last[lane] ? stamp - REALLOC : last[lane];
        stamp = stamp > last[lane] ? stamp : last[lane];
        last[lane] = stamp;
        if (!size_of[slot]) {
            size_of[slot] = 1 + noise_next() % 500;
            deal_record(&deal, lane, 0, WIRE_ALLOC, stamp, address, size_of[slot], 0);
            alloc_n++, live_n++;
        } else if (noise_next() % 3) {
            deal_record(&deal, lane, 0, WIRE_FREE, stamp, address, 0, 0);
            free_n++, live_n--;
            size_of[slot] = 0;
        } else {
            deal_record(&deal, lane, 0, WIRE_REALLOC_BEGIN, begin, address, 0, 0);
            deal_record(&deal, lane, 0, WIRE_REALLOC_END, stamp, address, 9, address);
            alloc_n++, free_n++;
        }
        if (noise_next() % 100 == 0)
            deal_feed(&deal, stamp - EARLY);
    }
    deal_feed(&deal, UINT64_MAX);
    assert_int_equal(session_sums(&session)->alloc_n, alloc_n);
    assert_int_equal(session_sums(&session)->free_n, free_n);
    assert_int_equal(session_sums(&session)->live_n, live_n);
    assert_int_equal(session_sums(&session)->unknown_free_n, 0);
    assert_int_equal(session.model->loss.unmatched_realloc_n, 0);
    assert_int_equal(session.model->loss.replaced_block_n, 0);
    session_close(&session);
}

static void test_early_history(void **state)
{
    for (unsigned seed = 1; seed <= 20; seed++)
        early_history_is_kept(seed);
}

static bool session_page_is_retired(const struct session *session, uint32_t page)
{
    struct wire_lane *at = segment_page(&session->segment, page);
    return atomic_load(&at->retired);
}

/*
 * Two lanes of one tid: the thread of the older is gone, also where it is found after the newer;
 * a lane that somebody writes to is never taken from its writer.
 */
static void test_tid_of_another_thread(void **state)
{
    struct session session;
    session_open(&session, WIRE_THREAD_LOCAL);
    struct deal deal = {.session = &session};
    const uint64_t starts[3] = {2000, 1000, 5000};
    uint32_t first = session.segment.first_page;
    for (uint32_t i = 0; i < 3; i++) {
        deal_open(&deal, i, WIRE_LANE_OWN, TID);
        deal.batch.opened[i].page = first + i;
        deal.batch.opened[i].start_stamp = starts[i];
    }
    struct intake_news third = deal.batch.opened[--deal.batch.opened_n];
    deal_record(&deal, 0, 0, WIRE_ALLOC, 3000, 0x1000, 10, 0);
    deal_feed(&deal, 4000);
    assert_false(session_page_is_retired(&session, first));
    assert_true(session_page_is_retired(&session, first + 1));
    deal.batch.opened = malloc(sizeof third);
    assert_non_null(deal.batch.opened);
    deal.batch.opened[deal.batch.opened_n++] = third;
    deal_feed(&deal, 6000);
    assert_true(session_page_is_retired(&session, first));
    assert_false(session_page_is_retired(&session, first + 2));
    session_close(&session);
}

/* A thread that got its lane between the halves of a realloc. */
static void test_realloc_across_lanes(void **state)
{
    struct session session;
    session_open(&session, WIRE_THREAD_LOCAL);
    struct deal deal = {.session = &session};
    deal_open(&deal, COMMON, WIRE_LANE_COMMON, 0);
    deal_record(&deal, COMMON, TID, WIRE_ALLOC, 100, 0x1000, 10, 0);
    deal_record(&deal, COMMON, TID, WIRE_REALLOC_BEGIN, 200, 0x1000, 0, 0);
    deal_open(&deal, 0, WIRE_LANE_OWN, TID);
    deal_record(&deal, 0, 0, WIRE_REALLOC_END, 300, 0x3000, 40, 0x1000);
    deal_feed(&deal, UINT64_MAX);
    assert_int_equal(session.model->loss.unmatched_realloc_n, 0);
    assert_int_equal(session_sums(&session)->live_n, 1);
    assert_int_equal(session_sums(&session)->live_bytes, 40);
    assert_int_equal(session_sums(&session)->peak_bytes, 40);
    session_close(&session);
}

/* realloc(p, 0) frees, a failed one changes nothing. */
static void test_realloc_ends(void **state)
{
    struct session session;
    session_open(&session, WIRE_THREAD_LOCAL);
    struct deal deal = {.session = &session};
    deal_open(&deal, 0, WIRE_LANE_OWN, TID);
    deal_record(&deal, 0, 0, WIRE_ALLOC, 100, 0x1000, 10, 0);
    deal_record(&deal, 0, 0, WIRE_ALLOC, 110, 0x2000, 20, 0);
    deal_record(&deal, 0, 0, WIRE_REALLOC_BEGIN, 200, 0x1000, 0, 0);
    deal_record(&deal, 0, 0, WIRE_REALLOC_END, 210, 0, 0, 0x1000);
    deal_record(&deal, 0, 0, WIRE_REALLOC_BEGIN, 300, 0x2000, 0, 0);
    deal_record(&deal, 0, 0, WIRE_REALLOC_CANCEL, 310, 0x2000, 0, 0);
    deal_feed(&deal, UINT64_MAX);
    assert_int_equal(session_sums(&session)->alloc_n, 2);
    assert_int_equal(session_sums(&session)->free_n, 1);
    assert_int_equal(session_sums(&session)->live_bytes, 20);
    session_close(&session);
}

/* What truly holds, by the place of an allocation and its thread. */
enum { TRUTH_NODES = 5 };
struct truth_cell {
    uint64_t alloc_n, live_bytes, peak_bytes, temporary_n, other_thread_free_n;
};
struct truth {
    struct truth_cell cells[TRUTH_NODES][THREADS];
    uint64_t size[ADDRESSES], live_bytes, peak_bytes, peak_stamp;
    uint32_t node[ADDRESSES], thread[ADDRESSES];
    unsigned last[THREADS]; /* slot + 1 of the last block that the thread allocated */
};

static void truth_alloc(struct truth *truth, unsigned slot, uint32_t node, uint32_t thread,
                        uint64_t size, uint64_t stamp)
{
    struct truth_cell *cell = &truth->cells[node][thread];
    truth->size[slot] = size;
    truth->node[slot] = node;
    truth->thread[slot] = thread;
    truth->last[thread] = slot + 1;
    cell->alloc_n++;
    cell->live_bytes += size;
    truth->live_bytes += size;
    if (truth->live_bytes <= truth->peak_bytes)
        return;
    truth->peak_bytes = truth->live_bytes;
    truth->peak_stamp = stamp;
    for (unsigned i = 0; i < TRUTH_NODES * THREADS; i++)
        (&truth->cells[0][0])[i].peak_bytes = (&truth->cells[0][0])[i].live_bytes;
}

static void truth_free(struct truth *truth, unsigned slot, uint32_t thread)
{
    struct truth_cell *cell = &truth->cells[truth->node[slot]][truth->thread[slot]];
    unsigned *last = &truth->last[truth->thread[slot]];
    cell->live_bytes -= truth->size[slot];
    cell->other_thread_free_n += thread != truth->thread[slot];
    cell->temporary_n += *last == slot + 1;
    *last = *last == slot + 1 ? 0 : *last;
    truth->live_bytes -= truth->size[slot];
    truth->size[slot] = 0;
}

static void truth_compare(const struct truth *truth, struct session *session)
{
    const struct model *model = session->model;
    uint64_t peak_ns = ticks_to_ns(&session->images.ticks, truth->peak_stamp);
    assert_int_equal(model_settle(session->model), 0);
    assert_int_equal(model->sums.peak_bytes, truth->peak_bytes);
    assert_int_equal(model->sums.peak_at_ns, peak_ns);
    assert_int_equal(model->sums.live_bytes, truth->live_bytes);
    assert_int_equal(model->sums.unknown_free_n + model->loss.replaced_block_n, 0);
    uint64_t cell_n = 0, used_n = 0;
    for (unsigned i = 0; i < TRUTH_NODES * THREADS; i++)
        used_n += (&truth->cells[0][0])[i].alloc_n != 0;
    for (size_t i = 0; i < model->cells.n; i++) {
        const struct model_cell *cell = &model->cells.at[i];
        uint32_t tid = model->threads.at[cell->key.thread].tid;
        const struct truth_cell *true_cell = &truth->cells[cell->key.node - 1][tid - TID];
        assert_int_equal(cell->alloc_n, true_cell->alloc_n);
        assert_int_equal(cell->live_bytes, true_cell->live_bytes);
        assert_int_equal(cell->peak_bytes, true_cell->peak_bytes);
        assert_int_equal(cell->temporary_n, true_cell->temporary_n);
        assert_int_equal(cell->other_thread_free_n, true_cell->other_thread_free_n);
        cell_n++;
    }
    assert_int_equal(cell_n, used_n);
}

/*
 * Threads that take turns, in bursts or at every event: batches across their lanes give the peak,
 * and each cell's share of it, as if all had been fed one by one in the order of time.
 */
static void turns_are_kept(unsigned seed)
{
    struct session session;
    struct truth truth = {.size = {0}};
    session_open(&session, WIRE_THREAD_LOCAL);
    struct deal deal = {.session = &session};
    struct image *image = images_get(&session.images, 0);
    noise_state = seed * 0x9e3779b97f4a7c15u;
    for (uint32_t i = 0; i < TRUTH_NODES; i++)
        assert_true(VEC_PUSH(&image->stacks.node_at, 100, model_node_add(session.model, 0, i, 0)));
    image->stacks.place = TRUTH_NODES;
    deal_open(&deal, COMMON, WIRE_LANE_COMMON, 0);
    uint32_t threads = 1 + seed % (THREADS - 1), thread = 0;
    for (uint32_t i = 0; i < threads; i++)
        deal_open(&deal, i, WIRE_LANE_OWN, TID + i);
    unsigned burst = 1 + seed % 40, addresses = seed % 3 ? ADDRESSES : 8;
    for (uint64_t i = 0; i < EVENTS; i++) {
        uint64_t stamp = 1000000 + i * 10;
        if (noise_next() % burst == 0)
            thread = (uint32_t)(noise_next() % threads);
        unsigned slot = (unsigned)(noise_next() % addresses);
        uint32_t lane = noise_next() % 500 ? thread : COMMON;
        uint64_t address = 0x1000 + slot * 64;
        if (truth.size[slot]) {
            truth_free(&truth, slot, thread);
            deal_record(&deal, lane, TID + thread, WIRE_FREE, stamp, address, 0, 0);
        } else {
            uint32_t node = (uint32_t)(noise_next() % TRUTH_NODES);
            uint64_t size = 1 + noise_next() % 500;
            truth_alloc(&truth, slot, node, thread, size, stamp);
            deal_record(&deal, lane, TID + thread, WIRE_ALLOC, stamp, address, size, 0);
            struct intake_run *run;
            for (run = deal.batch.first;
                 run->lane != lane || run->place + run->n != deal.head[lane];)
                run = run->next;
            run->slots[run->n - (lane == COMMON ? 2 : 1)].c = wire_stack(node + 1, 1);
        }
        if (noise_next() % 300 == 0)
            deal_feed(&deal, stamp - noise_next() % 400);
    }
    deal_feed(&deal, UINT64_MAX);
    assert_int_equal(session.order.event_n, EVENTS);
    truth_compare(&truth, &session);
    session_close(&session);
}

static void test_turns(void **state)
{
    for (unsigned seed = 1; seed <= 40; seed++)
        turns_are_kept(seed);
}

/*
 * Three lanes come and go while memory runs out at one allocation after the other: what was not fed
 * is counted as lost.
 */
static bool lanes_with_fault(uint64_t after)
{
    enum { LANES = 3, EACH = 40 };
    struct session session;
    session_open(&session, WIRE_THREAD_LOCAL);
    struct deal deal = {.session = &session};
    for (uint32_t lane = 0; lane < LANES; lane++)
        deal_open(&deal, lane, WIRE_LANE_OWN, TID + lane);
    for (uint64_t i = 0; i < (uint64_t)LANES * EACH; i++)
        deal_record(&deal, (uint32_t)(i % LANES), 0, WIRE_ALLOC, 1000 + i, 0x1000 + i * 64, 8, 0);
    struct intake_news closed[LANES];
    for (uint32_t lane = 0; lane < LANES; lane++)
        closed[lane] = (struct intake_news){.kind = INTAKE_LANE_CLOSED, .lane = lane, .lost_n = 1};
    const struct intake_batch end = {.closed = closed, .closed_n = LANES};
    faults_begin(after);
    deal_feed(&deal, UINT64_MAX);
    order_note_closed(&session.order, &end);
    order_close(&session.order);
    faults_on = false;
    bool hit = faults_hit;
    uint64_t lost_n = session.model->loss.event_n - LANES;
    assert_int_equal(session_sums(&session)->alloc_n + lost_n, LANES * EACH);
    assert_true(hit || lost_n == 0);
    assert_int_equal(session.order.closing.n, 0);
    session_close(&session);
    return hit;
}

static void test_no_memory(void **state)
{
    uint64_t after = 0;
    while (lanes_with_fault(after))
        after++;
    assert_true(after > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_history),
            cmocka_unit_test(test_no_memory),
            cmocka_unit_test(test_turns),
            cmocka_unit_test(test_handler_inside),
            cmocka_unit_test(test_common_lane_out_of_order),
            cmocka_unit_test(test_late_record),
            cmocka_unit_test(test_early_stamp_is_repaired),
            cmocka_unit_test(test_early_stamps_of_a_chain),
            cmocka_unit_test(test_early_end_is_repaired),
            cmocka_unit_test(test_early_history),
            cmocka_unit_test(test_tid_of_another_thread),
            cmocka_unit_test(test_realloc_across_lanes),
            cmocka_unit_test(test_realloc_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
