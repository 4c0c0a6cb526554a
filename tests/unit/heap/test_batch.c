/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of events against brute force, over random streams in which threads work in bursts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "heap/feed.h"
#include "heap/feed_batch.h"
#include "heap/state.h"
#include "reference.h"

static void shape_compare(const struct scenario_shape *shape, size_t slices, size_t rows)
{
    struct scenario scenario;
    struct scenario_batched batched;
    scenario_make(&scenario, shape);
    struct model *model = scenario_feed_batched(&scenario, slices, rows, &batched);
    assert_true(batched.n > scenario.events.n / 4);
    assert_true(batched.realloc_n > 3);
    assert_int_equal(model_settle(model), 0);
    reference_compare(&scenario, model);
    model_free_all(model);
    scenario_done(&scenario);
}

static void test_bursts(void **state)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct scenario_shape shape = {.seed = seed,
                                       .events = 3000,
                                       .nodes = 1 + (unsigned)seed % 9,
                                       .processes = 1,
                                       .threads = 1 + (unsigned)seed % 4,
                                       .tasks = 1 + (unsigned)seed % 3,
                                       .addresses = 3 + (unsigned)seed * 7 % 200,
                                       .step_ns = 10u << seed % 16,
                                       .bursts = true};
        shape_compare(&shape, 0, 0);
    }
}

static void test_trees(void **state)
{
    for (uint64_t seed = 100; seed < 130; seed++) {
        struct scenario_shape shape = {.seed = seed,
                                       .events = 3000,
                                       .nodes = 1 + (unsigned)seed % 13,
                                       .processes = 1 + (unsigned)seed % 5,
                                       .threads = 6,
                                       .tasks = 3,
                                       .addresses = 60,
                                       .step_ns = 1000u << seed % 12,
                                       .bursts = true};
        shape_compare(&shape, 0, 0);
    }
}

/* Slices merge, and rows run out, in the middle of batches. */
static void test_limits(void **state)
{
    for (uint64_t seed = 200; seed < 230; seed++) {
        struct scenario_shape shape = {.seed = seed,
                                       .events = 4000,
                                       .nodes = 3,
                                       .processes = 1,
                                       .threads = 2,
                                       .tasks = 1,
                                       .addresses = 100,
                                       .step_ns = 200000,
                                       .bursts = true};
        shape_compare(&shape, 80, seed % 2 ? 400 : 0);
    }
}

/* What a batch must leave to others, and how far it goes before. */
static void test_unusual(void **state)
{
    struct model *model = model_new();
    assert_int_equal(feed_open(model, 0), 0);
    struct model_process process = {.parent = MODEL_NONE};
    struct model_thread thread = {0};
    assert_int_equal(feed_process_begin(model, &process), 0);
    assert_int_equal(feed_thread_begin(model, &thread), 0);
    struct feed_event events[] = {
            {.address = 0x1000, .size_bytes = 10, .at_ns = 1, .node = 0},
            {.address = 0x1000, .size_bytes = 20, .at_ns = 2, .node = 0}, /* live */
            {.address = 0x1000, .at_ns = 3, .node = MODEL_NONE},
            {.address = 0x1000, .at_ns = 4, .node = MODEL_NONE}, /* unknown */
            {.address = 0, .size_bytes = 30, .at_ns = 5, .node = 0},
            {.address = 0x2000, .size_bytes = 40, .at_ns = 6, .node = 7}, /* no such node */
    };
    assert_int_equal(feed_batch(model, 1, events, 6), 0);
    struct feed_event nobody = events[0];
    nobody.thread = 1; /* no such thread */
    assert_int_equal(feed_batch(model, 0, &nobody, 1), 0);
    assert_int_equal(feed_batch(model, 0, events, 6), 1);
    assert_int_equal(feed_batch(model, 0, events + 1, 5), 0);
    assert_int_equal(feed_batch(model, 0, events + 2, 4), 1);
    assert_int_equal(feed_batch(model, 0, events + 4, 2), 0);
    assert_int_equal(feed_batch(model, 0, events + 5, 1), 0);
    assert_int_equal(model->sums.alloc_n, 1);
    assert_int_equal(model->sums.free_n, 1);
    assert_int_equal(model->sums.temporary_n, 1);
    assert_int_equal(model->sums.live_bytes, 0);
    assert_int_equal(model->sums.peak_bytes, 10);
    assert_int_equal(model->sums.peak_at_ns, 1);
    assert_int_equal(model->sums.unknown_free_n, 0);
    assert_int_equal(model->end_ns, 6); /* time passes all the same */
    model_free_all(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_bursts),
            cmocka_unit_test(test_trees),
            cmocka_unit_test(test_limits),
            cmocka_unit_test(test_unusual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
