/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control law of the percent budget, against programs that are sums: so many calls a second,
 * each of which costs so much, recorded or not. What the law must reach is known beforehand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/steer.h"

enum { STEP_NS = 20000000, LIMIT = 5 };

/* A program, and what recording it costs. */
struct plant {
    double calls_a_s; /* in a second of the program's time */
    double call_ns;   /* of each call, recorded or not */
    double event_ns;  /* more for each that is recorded */
    double idle_ns;   /* of the recorder, in a step */
    double start_ns;
};

struct run {
    struct steer steer;
    struct steer_sum sum;
    double program_ns, own_ns, calls, events;
    unsigned changes_n;
};

static void run_begin(struct run *run, const struct plant *plant, double percent)
{
    *run = (struct run){.own_ns = plant->start_ns};
    steer_init(&run->steer, percent);
}

/* The program uses share of a step's time; then the law looks. */
static void run_step(struct run *run, const struct plant *plant, double share)
{
    double ns = STEP_NS * share, calls = plant->calls_a_s * ns / 1e9;
    /* Before the law has begun the recorder looks at once. */
    double events = run->steer.begun ? calls / run->steer.weight : calls < 1500 ? calls : 1500;
    run->program_ns += ns;
    run->calls += calls;
    run->events += events;
    run->own_ns += calls * plant->call_ns + events * plant->event_ns + plant->idle_ns;
    run->sum = (struct steer_sum){.program_ns = (uint64_t)run->program_ns,
                                  .own_ns = (uint64_t)run->own_ns,
                                  .hook_n = (uint64_t)run->calls,
                                  .event_n = (uint64_t)run->events};
    run->changes_n += steer_look(&run->steer, &run->sum, run->steer.weight);
}

static void run_seconds(struct run *run, const struct plant *plant, double seconds)
{
    for (double at = 0; at < seconds * 1e9; at += STEP_NS)
        run_step(run, plant, 1);
}

static double percent_of(const struct run *run)
{
    return 100 * run->own_ns / run->program_ns;
}

/* Over the next so many seconds. */
static double percent_over(struct run *run, const struct plant *plant, double seconds)
{
    double own_ns = run->own_ns, program_ns = run->program_ns;
    run_seconds(run, plant, seconds);
    return 100 * (run->own_ns - own_ns) / (run->program_ns - program_ns);
}

/* A program with few allocations has them all recorded, as soon as that is known. */
static void test_light(void **state)
{
    (void)state;
    const struct plant plant = {20000, 10, 500, 100000, 5e6};
    struct run run;
    run_begin(&run, &plant, LIMIT);
    run_seconds(&run, &plant, 0.04);
    assert_int_equal(run.steer.weight, 1); /* the beginning, as asked for */
    run_seconds(&run, &plant, 3);
    assert_int_equal(run.steer.weight, 1);
    assert_true(percent_of(&run) <= LIMIT);
}

/* Whatever an event costs, the limit holds from the first second on, and most of it is used. */
static void test_heavy(void **state)
{
    (void)state;
    static const double event_ns[] = {100, 250, 500, 1000};
    for (size_t i = 0; i < sizeof event_ns / sizeof *event_ns; i++) {
        const struct plant plant = {2e6, 8, event_ns[i], 100000, 8e6};
        struct run run;
        run_begin(&run, &plant, LIMIT);
        run_seconds(&run, &plant, 1);
        assert_true(percent_of(&run) <= LIMIT);
        run_seconds(&run, &plant, 3);
        double settled = percent_over(&run, &plant, 2);
        assert_true(settled <= LIMIT);
        assert_true(settled >= LIMIT * 0.6);
        assert_true(run.steer.weight > 1);
        unsigned changes_n = run.changes_n;
        run_seconds(&run, &plant, 5);
        assert_true(run.changes_n - changes_n <= 5); /* it does not swing */
    }
}

/* Counting alone costs more than the limit: nothing is spent on top, and the floor is that. */
static void test_floor(void **state)
{
    (void)state;
    const struct plant plant = {10e6, 10, 500, 100000, 8e6};
    struct run run;
    run_begin(&run, &plant, LIMIT);
    run_seconds(&run, &plant, 2);
    double floor = 100 * (10e6 * 10 * 2 + 100 * 100000.0 + 8e6) / 2e9;
    assert_true(percent_of(&run) <= floor * 1.02 + 0.1);
    assert_true(steer_floor(&run.steer, &run.sum) >= floor * 0.97);
    assert_true(steer_floor(&run.steer, &run.sum) <= percent_of(&run));
    assert_int_equal(run.steer.weight, 32768);
}

/* A program that is over before anything can be judged pays its start and its beginning. */
static void test_short(void **state)
{
    (void)state;
    const struct plant plant = {5e6, 10, 1000, 0, 8e6};
    struct run run;
    run_begin(&run, &plant, LIMIT);
    run_seconds(&run, &plant, 0.1);
    double least = 100 * (8e6 + 1500 * 1000 + 0.1 * 5e6 * 10) / 100e6;
    assert_true(percent_of(&run) <= least + 1);
    assert_true(steer_floor(&run.steer, &run.sum) <= percent_of(&run));
    assert_true(steer_floor(&run.steer, &run.sum) >= least * 0.95);
}

/* A burst behind a quiet time is answered within a fifth of a second, and is forgotten later. */
static void test_burst(void **state)
{
    (void)state;
    const struct plant quiet = {20000, 10, 500, 100000, 5e6}, burst = {4e6, 5, 500, 100000, 0};
    struct run run;
    run_begin(&run, &quiet, LIMIT);
    run_seconds(&run, &quiet, 2);
    assert_int_equal(run.steer.weight, 1);
    run_seconds(&run, &burst, 0.2);
    assert_true(run.steer.weight >= 40);
    run_seconds(&run, &burst, 1);
    assert_true(percent_over(&run, &burst, 1) <= LIMIT);
    run_seconds(&run, &quiet, 2);
    assert_int_equal(run.steer.weight, 1);
    assert_true(percent_of(&run) <= LIMIT * 2);
}

/* While the program waits there is nothing to judge by: the rate does not swing. */
static void test_idle(void **state)
{
    (void)state;
    const struct plant plant = {2e6, 8, 300, 100000, 5e6}, idle = {0, 0, 0, 20000, 0};
    struct run run;
    run_begin(&run, &plant, LIMIT);
    run_seconds(&run, &plant, 2);
    unsigned changes_n = run.changes_n;
    for (int i = 0; i < 500; i++)
        run_step(&run, &idle, 0);
    assert_true(run.changes_n - changes_n <= 1);
    /* What the recorder used meanwhile is earned back, and the rate comes back. */
    run_seconds(&run, &plant, 4);
    assert_true(percent_over(&run, &plant, 1) <= LIMIT);
    assert_true(run.steer.weight < 400);
}

/* A larger limit allows more, down to everything. */
static void test_limits(void **state)
{
    (void)state;
    const struct plant plant = {1e6, 8, 300, 100000, 5e6};
    static const double limits[] = {1, 3, 10, 30, 100};
    uint32_t before = 32769;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct run run;
        run_begin(&run, &plant, limits[i]);
        run_seconds(&run, &plant, 3);
        assert_true(percent_over(&run, &plant, 2) <= limits[i] || run.steer.weight == 32768);
        assert_true(run.steer.weight < before);
        before = run.steer.weight;
    }
    assert_int_equal(before, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_light),  cmocka_unit_test(test_heavy),
            cmocka_unit_test(test_floor),  cmocka_unit_test(test_short),
            cmocka_unit_test(test_burst),  cmocka_unit_test(test_idle),
            cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
