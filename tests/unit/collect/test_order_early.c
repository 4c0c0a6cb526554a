/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stamps that are early by what a processor executes out of order: records of several threads on
 * one address that would come in the wrong order, and what became of the block in truth.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deal.h"

/* An allocation whose stamp is early by what the processor may reorder. */
static void test_early_stamp_is_repaired(void **state)
{
    struct session session;
    struct deal deal;
    deal_begin(&deal, &session, 3);
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
    struct deal deal;
    deal_begin(&deal, &session, 3);
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
    struct deal deal;
    deal_begin(&deal, &session, 3);
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
 * The free of a block that another thread has resized in place, stamped before that began: the
 * block as it was is freed then, and the resized one at its birth. A resize of a block that nobody
 * knew stays one.
 */
static void test_overtaken_resize(void **state)
{
    struct session session;
    struct deal deal;
    deal_begin(&deal, &session, 3);
    deal_record(&deal, 0, 0, WIRE_ALLOC, 1000, 0x1000, 10, 0);
    deal_record(&deal, 1, 0, WIRE_FREE, 1900, 0x1000, 0, 0); /* after the resize, in truth */
    deal_record(&deal, 0, 0, WIRE_REALLOC_BEGIN, 2000, 0x1000, 0, 0);
    deal_record(&deal, 0, 0, WIRE_REALLOC_END, 2050, 0x1000, 20, 0x1000);
    deal_record(&deal, 1, 0, WIRE_ALLOC, 8000, 0x2000, 30, 0);
    deal_record(&deal, 0, 0, WIRE_REALLOC_BEGIN, 9000, 0x3000, 0, 0); /* nobody ever had it */
    deal_record(&deal, 0, 0, WIRE_REALLOC_END, 9050, 0x3000, 40, 0x3000);
    deal_feed(&deal, UINT64_MAX);
    assert_int_equal(session_sums(&session)->alloc_n, 4);
    assert_int_equal(session_sums(&session)->free_n, 2);
    assert_int_equal(session_sums(&session)->live_bytes, 30 + 40);
    assert_int_equal(session_sums(&session)->unknown_free_n, 1);
    assert_int_equal(session.model->loss.unmatched_realloc_n, 1);
    session_close(&session);
}

/*
 * Threads that hand few addresses round, so that of two events on one address the second is often
 * stamped first: which block is whose may be mistaken, none is lost.
 */
static void early_history_is_kept(unsigned seed)
{
    enum { THREADS = 12, EVENTS = 20000, FEW = 8, STEP = 20, EARLY = 200, REALLOC = 80 };
    struct session session;
    struct deal deal;
    deal_begin(&deal, &session, THREADS);
    deal_noise = seed * 0x9e3779b97f4a7c15u;
    uint64_t last[THREADS] = {0}, size_of[FEW] = {0}, live_n = 0, alloc_n = 0, free_n = 0;
    for (uint64_t i = 0; i < EVENTS; i++) {
        uint32_t lane = (uint32_t)(deal_random() % THREADS);
        unsigned slot = (unsigned)(i % FEW);
        uint64_t address = 0x1000 + slot * 64, early = deal_random() % EARLY;
        uint64_t stamp = 1000000 + i * STEP - early;
        uint64_t begin = stamp - REALLOC > last[lane] ? stamp - REALLOC : last[lane];
        stamp = stamp > last[lane] ? stamp : last[lane];
        last[lane] = stamp;
        if (!size_of[slot]) {
            size_of[slot] = 1 + deal_random() % 500;
            deal_record(&deal, lane, 0, WIRE_ALLOC, stamp, address, size_of[slot], 0);
            alloc_n++, live_n++;
        } else if (deal_random() % 3) {
            deal_record(&deal, lane, 0, WIRE_FREE, stamp, address, 0, 0);
            free_n++, live_n--;
            size_of[slot] = 0;
        } else {
            deal_record(&deal, lane, 0, WIRE_REALLOC_BEGIN, begin, address, 0, 0);
            deal_record(&deal, lane, 0, WIRE_REALLOC_END, stamp, address, 9, address);
            alloc_n++, free_n++;
        }
        if (deal_random() % 100 == 0)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_early_stamp_is_repaired),
            cmocka_unit_test(test_early_stamps_of_a_chain),
            cmocka_unit_test(test_early_end_is_repaired),
            cmocka_unit_test(test_overtaken_resize),
            cmocka_unit_test(test_early_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
