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

#include <cmocka.h>

#include "../faults.h"
#include "deal.h"

enum { THREADS = 12, ADDRESSES = 200, EVENTS = 20000 };

/*
 * Random events of threads that hand blocks to each other; some have no lane of their own. Some
 * records stay open, until somebody needs what they did at the latest; some have padding before.
 */
static void history_is_kept(unsigned seed)
{
    struct session session;
    session_open(&session, WIRE_THREAD_LOCAL);
    struct deal deal = {.session = &session};
    deal_noise = seed * 0x9e3779b97f4a7c15u;
    deal_open(&deal, COMMON, WIRE_LANE_COMMON, 0);
    for (uint32_t i = 0; i + 1 < THREADS; i++)
        deal_open(&deal, i, WIRE_LANE_OWN, TID + i);
    struct intake_run *open[ADDRESSES] = {NULL};
    uint64_t size_of[ADDRESSES] = {0}, live_bytes = 0, live_n = 0, alloc_n = 0, free_n = 0;
    for (uint64_t i = 0; i < EVENTS; i++) {
        uint32_t thread = (uint32_t)(deal_random() % THREADS);
        uint32_t lane = thread + 1 == THREADS ? COMMON : thread;
        unsigned slot = (unsigned)(deal_random() % ADDRESSES);
        uint64_t address = 0x1000 + slot * 64, stamp = 1000000 + i * 10;
        uint64_t size = 1 + deal_random() % 500;
        bool stays_open = deal_random() % 20 == 0;
        if (open[slot])
            deal_append(&deal, open[slot]);
        open[slot] = NULL;
        if (deal_random() % 16 == 0)
            deal_padding(&deal, lane);
        if (!size_of[slot]) {
            if (stays_open)
                open[slot] = deal_open_record(&deal, lane, TID + thread, WIRE_ALLOC, stamp, address,
                                              size);
            else
                deal_record(&deal, lane, TID + thread, WIRE_ALLOC, stamp, address, size, 0);
            size_of[slot] = size;
            alloc_n++, live_n++, live_bytes += size;
        } else if (deal_random() % 3) {
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
        if (deal_random() % 100 == 0)
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
    struct deal deal;
    deal_begin(&deal, &session, 3);
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
    deal_noise = seed * 0x9e3779b97f4a7c15u;
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
        if (deal_random() % burst == 0)
            thread = (uint32_t)(deal_random() % threads);
        unsigned slot = (unsigned)(deal_random() % addresses);
        uint32_t lane = deal_random() % 500 ? thread : COMMON;
        uint64_t address = 0x1000 + slot * 64;
        if (truth.size[slot]) {
            truth_free(&truth, slot, thread);
            deal_record(&deal, lane, TID + thread, WIRE_FREE, stamp, address, 0, 0);
        } else {
            uint32_t node = (uint32_t)(deal_random() % TRUTH_NODES);
            uint64_t size = 1 + deal_random() % 500;
            truth_alloc(&truth, slot, node, thread, size, stamp);
            deal_record(&deal, lane, TID + thread, WIRE_ALLOC, stamp, address, size, 0);
            struct intake_run *run;
            for (run = deal.batch.first;
                 run->lane != lane || run->place + run->n != deal.head[lane];)
                run = run->next;
            run->slots[run->n - (lane == COMMON ? 2 : 1)].c = wire_stack(node + 1, 1);
        }
        if (deal_random() % 300 == 0)
            deal_feed(&deal, stamp - deal_random() % 400);
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
    struct deal deal;
    deal_begin(&deal, &session, LANES);
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
            cmocka_unit_test(test_tid_of_another_thread),
            cmocka_unit_test(test_realloc_across_lanes),
            cmocka_unit_test(test_realloc_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
