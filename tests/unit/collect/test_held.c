/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of memory: what rises with growth falls again, when there is room and when growth ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/held.h"

#define MB UINT64_C(1000000)
#define STEP_NS UINT64_C(500000000)

static uint64_t clock_ns;

static uint32_t look(struct held *held, uint64_t bytes)
{
    clock_ns += STEP_NS;
    held_look(held, bytes, 100 * MB, held->weight, clock_ns);
    return held->weight;
}

/* Below the limit nothing is asked for; with growth over it more and more. */
static void test_growth(void **state)
{
    (void)state;
    struct held held = {.weight = 1};
    for (uint64_t mb = 1; mb <= 100; mb++)
        assert_int_equal(look(&held, mb * MB), 1);
    uint32_t before = 1;
    for (uint64_t mb = 105; mb <= 150; mb += 5) {
        assert_int_equal(look(&held, mb * MB), before * 2);
        before *= 2;
    }
}

/* A peak that lasts is no growth: the weight stays; and falls to nothing when much less is held. */
static void test_peak(void **state)
{
    (void)state;
    struct held held = {.weight = 1};
    look(&held, 120 * MB);
    look(&held, 140 * MB);
    assert_int_equal(held.weight, 4);
    for (int i = 0; i < 100; i++)
        assert_int_equal(look(&held, 140 * MB + (uint64_t)(i % 3) * MB), 4);
    assert_int_equal(look(&held, 90 * MB), 4); /* not much less yet */
    assert_int_equal(look(&held, 70 * MB), 2);
    assert_int_equal(look(&held, 60 * MB), 1);
    assert_int_equal(look(&held, 60 * MB), 1);
    /* The next time is as the first. */
    assert_int_equal(look(&held, 110 * MB), 2);
}

/* Memory that is never given back: the rate comes back when it has stopped growing. */
static void test_sticks(void **state)
{
    (void)state;
    struct held held = {.sticks = true, .weight = 1};
    look(&held, 120 * MB);
    look(&held, 140 * MB);
    look(&held, 160 * MB);
    assert_int_equal(held.weight, 8);
    uint32_t before = 8;
    for (int i = 0; i < 20; i++) {
        uint32_t now = look(&held, 160 * MB);
        assert_true(now == before || now == before / 2);
        before = now;
    }
    assert_int_equal(before, 1);
    /* It grows after all. */
    assert_int_equal(look(&held, 165 * MB), 2);
}

/* There is an end to it. */
static void test_most(void **state)
{
    (void)state;
    struct held held = {.weight = 1};
    for (uint64_t mb = 110; mb < 100000; mb += mb / 4)
        look(&held, mb * MB);
    assert_int_equal(held.weight, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_growth),
            cmocka_unit_test(test_peak),
            cmocka_unit_test(test_sticks),
            cmocka_unit_test(test_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
