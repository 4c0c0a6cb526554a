/* SPDX-License-Identifier: Apache-2.0 */
/* A peak between two looks: told of the only lane of the only process, at its own stamp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collect/counts.h"

enum { LANES = 2 };

struct fixture {
    struct counts counts;
    struct counts_list news;
    struct wire_lane lanes[LANES];
};

static struct fixture *fixture_new(void)
{
    struct fixture *fixture = aligned_alloc(WIRE_LINE, sizeof *fixture);
    *fixture = (struct fixture){0};
    assert_true(counts_init(&fixture->counts, 4));
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    counts_done(&fixture->counts);
    vec_done(&fixture->news);
    free(fixture);
}

static void lane_set(struct wire_lane *lane, uint64_t in, uint64_t out, int64_t high,
                     uint64_t stamp)
{
    atomic_store(&lane->usable_in, in);
    atomic_store(&lane->usable_out, out);
    atomic_store(&lane->high_bytes, high);
    atomic_store(&lane->high_stamp, stamp);
}

/* Looks at n lanes; lane i is of process slot slots[i]. Returns how many news there are. */
static size_t look(struct fixture *fixture, const uint32_t *slots, uint32_t n, uint64_t stamp)
{
    fixture->news.n = 0;
    counts_begin(&fixture->counts);
    for (uint32_t i = 0; i < n; i++)
        counts_lane(&fixture->counts, slots[i], i, &fixture->lanes[i]);
    counts_end(&fixture->counts, stamp, &fixture->news);
    return fixture->news.n;
}

static void test_between(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new();
    const uint32_t slots[] = {0};
    lane_set(&fixture->lanes[0], 1000, 400, 600, 90);
    assert_int_equal(look(fixture, slots, 1, 100), 1); /* no more than now */
    lane_set(&fixture->lanes[0], 9000, 8900, 5000, 150);
    assert_int_equal(look(fixture, slots, 1, 200), 2);
    const struct counts_news *high = &fixture->news.at[0];
    assert_int_equal(high->stamp, 150);
    assert_int_equal(high->sum.usable_in - high->sum.usable_out, 5000);
    assert_in_range(high->sum.usable_in, 1000, 9000);
    assert_int_equal(high[1].stamp, 200);
    assert_int_equal(high[1].sum.usable_in, 9000);
    /* It is told once. */
    lane_set(&fixture->lanes[0], 9100, 9000, 5000, 150);
    assert_int_equal(look(fixture, slots, 1, 300), 1);
    assert_true(counts_are_of_one(&fixture->counts));
    fixture_free(fixture);
}

/* The last look finds the lane closed. */
static void test_closed(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new();
    const uint32_t slots[] = {0};
    lane_set(&fixture->lanes[0], 1000, 0, 1000, 90);
    look(fixture, slots, 1, 100);
    lane_set(&fixture->lanes[0], 4000, 4000, 3000, 150);
    counts_lane_closed(&fixture->counts, 0, 0, &fixture->lanes[0]);
    assert_int_equal(look(fixture, slots, 0, 200), 2);
    assert_int_equal(fixture->news.at[0].stamp, 150);
    assert_int_equal(fixture->news.at[0].sum.usable_in - fixture->news.at[0].sum.usable_out, 3000);
    fixture_free(fixture);
}

/* What one of two threads held at most says nothing of both; nor do two processes' peaks. */
static void test_shared(void **state)
{
    (void)state;
    static const uint32_t threads[] = {0, 0}, processes[] = {0, 1};
    for (int i = 0; i < 2; i++) {
        struct fixture *fixture = fixture_new();
        const uint32_t *slots = i ? processes : threads;
        lane_set(&fixture->lanes[0], 1000, 1000, 700, 50);
        lane_set(&fixture->lanes[1], 1000, 1000, 800, 60);
        assert_int_equal(look(fixture, slots, 2, 100), i ? 2 : 1);
        for (size_t k = 0; k < fixture->news.n; k++)
            assert_int_equal(fixture->news.at[k].stamp, 100);
        assert_false(counts_are_of_one(&fixture->counts));
        fixture_free(fixture);
    }
}

/* A stamp that the clock has not reached, or more than ever came: a program writes what it likes.
 */
static void test_wrong(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new();
    const uint32_t slots[] = {0};
    lane_set(&fixture->lanes[0], 1000, 900, 500, 700);
    assert_int_equal(look(fixture, slots, 1, 100), 1);
    lane_set(&fixture->lanes[0], 1000, 1000, 5000, 150);
    assert_int_equal(look(fixture, slots, 1, 200), 1);
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_between),
            cmocka_unit_test(test_closed),
            cmocka_unit_test(test_shared),
            cmocka_unit_test(test_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
