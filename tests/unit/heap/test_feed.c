/* SPDX-License-Identifier: Apache-2.0 */
/* The feed against brute force, over random streams of process trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "heap/feed.h"
#include "reference.h"

static void shape_compare(const struct scenario_shape *shape, size_t slices, size_t rows)
{
    struct scenario scenario;
    scenario_make(&scenario, shape);
    struct model *model = scenario_feed(&scenario, slices, rows);
    assert_int_equal(model_settle(model), 0);
    reference_compare(&scenario, model);
    assert_int_equal(model_settle(model), 0); /* twice is as good as once */
    reference_compare(&scenario, model);
    model_free_all(model);
    scenario_done(&scenario);
}

static void test_one_process(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct scenario_shape shape = {.seed = seed,
                                       .events = 1500,
                                       .nodes = 1 + (unsigned)seed % 9,
                                       .processes = 1,
                                       .threads = 1 + (unsigned)seed % 5,
                                       .tasks = 1 + (unsigned)seed % 7,
                                       .addresses = 3 + (unsigned)seed * 7 % 200,
                                       .step_ns = 10u << seed % 16};
        shape_compare(&shape, 0, 0);
    }
}

static void test_trees_and_weights(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 140; seed++) {
        struct scenario_shape shape = {.seed = seed,
                                       .events = 2500,
                                       .nodes = 1 + (unsigned)seed % 13,
                                       .processes = 1 + (unsigned)seed % 9,
                                       .threads = 12,
                                       .tasks = 9,
                                       .addresses = 40,
                                       .step_ns = 1000u << seed % 12,
                                       .weighted = seed % 2};
        shape_compare(&shape, 0, 0);
    }
}

static void test_slices_merge(void **state)
{
    (void)state;
    for (uint64_t seed = 200; seed < 220; seed++) {
        struct scenario_shape shape = {.seed = seed,
                                       .events = 3000,
                                       .nodes = 3,
                                       .processes = 3,
                                       .threads = 4,
                                       .tasks = 3,
                                       .addresses = 60,
                                       .step_ns = 1000000u << seed % 9};
        shape_compare(&shape, seed % 2 ? 64 : 100, 0);
    }
}

/* With room for few rows the slices get coarser; every sum still stands. */
static void test_rows_run_out(void **state)
{
    (void)state;
    for (uint64_t seed = 300; seed < 310; seed++) {
        struct scenario_shape shape = {.seed = seed,
                                       .events = 4000,
                                       .nodes = 2,
                                       .processes = 2,
                                       .threads = 2,
                                       .tasks = 1,
                                       .addresses = 200,
                                       .step_ns = 200000};
        struct scenario scenario;
        scenario_make(&scenario, &shape);
        struct model *model = scenario_feed(&scenario, 0, 400);
        assert_int_equal(model_settle(model), 0);
        reference_compare(&scenario, model);
        model_free_all(model);
        scenario_done(&scenario);
    }
}

/* Readers that settle in mid-stream change nothing of what follows. */
static void test_settled_on_the_way(void **state)
{
    (void)state;
    for (uint64_t seed = 400; seed < 410; seed++) {
        struct scenario_shape shape = {.seed = seed,
                                       .events = 2000,
                                       .nodes = 4,
                                       .processes = 3,
                                       .threads = 5,
                                       .tasks = 3,
                                       .addresses = 50,
                                       .step_ns = 100000};
        struct scenario scenario;
        scenario_make(&scenario, &shape);
        struct model *model = model_new();
        assert_int_equal(feed_open(model, 1000000), 0);
        scenario_tables_copy(&scenario, model);
        for (size_t i = 0; i < scenario.events.n; i += 100) {
            size_t to = i + 100 < scenario.events.n ? i + 100 : scenario.events.n;
            assert_true(scenario_feed_some(&scenario, model, i, to));
            assert_int_equal(model_settle(model), 0);
        }
        reference_compare(&scenario, model);
        model_free_all(model);
        scenario_done(&scenario);
    }
}

static void test_wrong_words_change_nothing(void **state)
{
    (void)state;
    struct model *model = model_new();
    assert_int_equal(feed_open(model, 0), 0);
    struct model_process process = {.parent = MODEL_NONE};
    struct model_thread thread = {0};
    assert_int_equal(feed_thread_begin(model, &thread), MODEL_NONE);
    assert_int_equal(feed_process_begin(model, &process), 0);
    assert_int_equal(feed_thread_begin(model, &thread), 0);
    struct feed_context who = {0};
    assert_int_equal(feed_alloc(model, &who, 16, 1, 1, 1), ERR_USAGE); /* no such node */
    assert_int_equal(feed_alloc(model, &who, 0, 1, 0, 1), ERR_USAGE);
    who.thread = 1;
    assert_int_equal(feed_alloc(model, &who, 16, 1, 0, 1), ERR_USAGE);
    who.thread = 0;
    who.task = 1;
    assert_int_equal(feed_alloc(model, &who, 16, 1, 0, 1), ERR_USAGE);
    who.task = 0;
    who.process = 1;
    assert_int_equal(feed_alloc(model, &who, 16, 1, 0, 1), ERR_USAGE);
    assert_int_equal(feed_free(model, &who, 16), ERR_USAGE);
    assert_false(feed_is_live(model, 1, 16));
    assert_int_equal(model->sums.alloc_n, 0);
    who.process = 0;
    assert_int_equal(feed_alloc(model, &who, 16, UINT64_MAX, 0, 0), 0);
    assert_true(feed_is_live(model, 0, 16));
    who.at_ns = UINT64_MAX;
    assert_int_equal(feed_free(model, &who, 16), 0);
    assert_int_equal(feed_free(model, &who, 16), FEED_UNKNOWN);
    feed_process_end(model, 0, PROCESS_EXITED, 0, 0);
    assert_int_equal(feed_alloc(model, &who, 16, 1, 0, 1), ERR_STATE);
    assert_int_equal(model_settle(model), 0);
    assert_int_equal(model->sums.live_bytes, 0);
    assert_int_equal(model->sums.alloc_n, 1);
    model_free_all(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_one_process),
            cmocka_unit_test(test_trees_and_weights),
            cmocka_unit_test(test_slices_merge),
            cmocka_unit_test(test_rows_run_out),
            cmocka_unit_test(test_settled_on_the_way),
            cmocka_unit_test(test_wrong_words_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
