/* SPDX-License-Identifier: Apache-2.0 */
/* The policy of slices over runs from a second to a year. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "heap/feed.h"
#include "heap/slices.h"

#define MS_NS UINT64_C(1000000)
#define SECOND_NS (1000 * MS_NS)
#define MINUTE_NS (60 * SECOND_NS)
#define HOUR_NS (60 * MINUTE_NS)
#define DAY_NS (24 * HOUR_NS)

/* Lets time pass in steps. */
static void run_on(struct model *model, uint64_t to_ns, uint64_t step_ns)
{
    for (uint64_t at_ns = model->end_ns; at_ns <= to_ns; at_ns += step_ns) {
        feed_time(model, at_ns);
        assert_true(model->slices.n <= MODEL_SLICES_MAX + 1);
    }
    assert_int_equal(model_settle(model), 0);
}

/* A model after a run of this length. */
static struct model *run(uint64_t length_ns, uint64_t step_ns)
{
    struct model *model = model_new();
    assert_int_equal(feed_open(model, MS_NS), 0);
    run_on(model, length_ns, step_ns);
    return model;
}

/* The widest slice of those that ended at most age_ns ago. */
static uint64_t widest(const struct model *model, uint64_t age_ns)
{
    uint64_t most = 0;
    for (size_t i = 0; i + 1 < model->slices.n; i++) {
        uint64_t end_ns = model->slices.at[i + 1].start_ns;
        uint64_t width = end_ns - model->slices.at[i].start_ns;
        if (model->end_ns - end_ns <= age_ns && width > most)
            most = width;
    }
    return most;
}

static void test_short_run_keeps_milliseconds(void **state)
{
    (void)state;
    struct model *model = run(800 * MS_NS, MS_NS / 2);
    assert_int_equal(model->slices.n, 801);
    assert_int_equal(widest(model, UINT64_MAX), MS_NS);
    model_free_all(model);
}

static void test_runs_of_minutes(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {2 * SECOND_NS, 10 * SECOND_NS, MINUTE_NS, 5 * MINUTE_NS};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct model *model = run(lengths[i], 10 * MS_NS);
        assert_true(model->slices.n <= SLICES_EARLY_MAX);
        assert_true(model->slices.n > SLICES_EARLY_MAX / 3);
        assert_true(widest(model, UINT64_MAX) <= lengths[i] / 200);
        model_free_all(model);
    }
}

static void test_a_day(void **state)
{
    (void)state;
    struct model *model = run(DAY_NS, SECOND_NS / 2);
    assert_true(widest(model, 10 * MINUTE_NS) <= SECOND_NS);
    assert_true(widest(model, UINT64_MAX) <= 2 * MINUTE_NS);
    model_free_all(model);
}

static void test_a_month(void **state)
{
    (void)state;
    struct model *model = run(27 * DAY_NS, 5 * MINUTE_NS); /* mostly idle at first */
    run_on(model, 30 * DAY_NS, SECOND_NS);
    assert_true(widest(model, 10 * MINUTE_NS) <= SECOND_NS);
    assert_true(widest(model, DAY_NS) <= 2 * MINUTE_NS);
    assert_true(widest(model, 4 * DAY_NS) <= 2 * HOUR_NS);
    assert_true(widest(model, UINT64_MAX) <= 16 * HOUR_NS);
    model_free_all(model);
}

/* A year in which a process slept: few steps of time, and bounded work. */
static void test_idle_gaps(void **state)
{
    (void)state;
    struct model *model = model_new();
    assert_int_equal(feed_open(model, MS_NS), 0);
    for (uint64_t day = 0; day < 365; day++)
        feed_time(model, day * DAY_NS);
    feed_time(model, UINT64_MAX);
    assert_int_equal(model_settle(model), 0);
    assert_true(model->slices.n <= MODEL_SLICES_MAX + 1);
    for (size_t i = 1; i < model->slices.n; i++)
        assert_true(model->slices.at[i].start_ns > model->slices.at[i - 1].start_ns);
    model_free_all(model);
}

static void test_find(void **state)
{
    (void)state;
    struct model_slice slices[100];
    for (size_t n = 1; n <= 100; n++) {
        for (size_t i = 0; i < n; i++)
            slices[i].start_ns = i * 10;
        for (uint64_t at = 0; at < n * 10 + 20; at++) {
            uint32_t wanted = at / 10 < n ? (uint32_t)(at / 10) : (uint32_t)n - 1;
            assert_int_equal(slices_find(slices, n, at), wanted);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_short_run_keeps_milliseconds),
            cmocka_unit_test(test_runs_of_minutes),
            cmocka_unit_test(test_a_day),
            cmocka_unit_test(test_a_month),
            cmocka_unit_test(test_idle_gaps),
            cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
