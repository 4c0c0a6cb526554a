/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts on programs whose answer is known by construction: none may be called what it is not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/analysis.h"
#include "story.h"

enum { RUN_MS = 10000, HELD_MAX = 4096 };

/* A program under test while it runs. */
struct program {
    uint32_t node;
    uint32_t seed;
    uint64_t held[HELD_MAX];
    size_t held_n;
};

/* A kind of program: `step` is called each millisecond. */
struct kind {
    const char *name;
    void (*step)(struct program *program, struct story *story, int ms);
    enum leak_class is;
    bool may_be_unclear;
    double slope; /* bytes a second; 0 = not checked */
    int run_ms;
};

static uint32_t chance(struct program *program, uint32_t below)
{
    program->seed = program->seed * 1664525 + 1013904223;
    return (program->seed >> 8) % below;
}

static void hold(struct program *program, struct story *story, uint64_t bytes)
{
    assert_true(program->held_n < HELD_MAX);
    program->held[program->held_n++] = story_alloc(story, program->node, bytes);
}

static void drop(struct program *program, struct story *story, size_t i)
{
    story_free(story, program->held[i]);
    program->held[i] = program->held[--program->held_n];
}

static void drop_oldest(struct program *program, struct story *story)
{
    story_free(story, program->held[0]);
    memmove(program->held, program->held + 1, --program->held_n * sizeof program->held[0]);
}

static void drop_all(struct program *program, struct story *story)
{
    while (program->held_n)
        drop(program, story, program->held_n - 1);
}

static void leak_steady(struct program *program, struct story *story, int ms)
{
    story_alloc(story, program->node, 100);
}

static void leak_rare(struct program *program, struct story *story, int ms)
{
    if (ms % 100 == 0)
        story_alloc(story, program->node, 1000);
}

static void leak_jittered(struct program *program, struct story *story, int ms)
{
    if (chance(program, 20) == 0)
        story_alloc(story, program->node, 1 + chance(program, 4000));
}

static void leak_under_churn(struct program *program, struct story *story, int ms)
{
    if (program->held_n < 50 || chance(program, 2))
        hold(program, story, 1 + chance(program, 2000));
    if (program->held_n > 50 && chance(program, 3))
        drop(program, story, chance(program, (uint32_t)program->held_n));
    if (program->held_n > 100)
        drop(program, story, chance(program, (uint32_t)program->held_n));
    if (ms % 10 == 0)
        story_alloc(story, program->node, 500);
}

/* Each request holds 100 blocks for a while and forgets one of them. */
static void leak_one_of_hundred(struct program *program, struct story *story, int ms)
{
    if (ms % 50 == 0) {
        for (int i = 0; i < 100; i++)
            hold(program, story, 64);
    } else if (ms % 50 == 30) {
        program->held_n--; /* forgotten */
        drop_all(program, story);
    }
}

static void leak_late(struct program *program, struct story *story, int ms)
{
    if (ms > 2500 && ms % 5 == 0)
        story_alloc(story, program->node, 700);
}

static void leak_in_large_steps(struct program *program, struct story *story, int ms)
{
    if (ms % 500 == 250)
        story_alloc(story, program->node, 1 << 20);
}

static void leak_accelerating(struct program *program, struct story *story, int ms)
{
    for (int i = 0; i < ms / 2000 + 1; i++)
        story_alloc(story, program->node, 50);
}

static void cache_oldest_out(struct program *program, struct story *story, int ms)
{
    hold(program, story, 256);
    if (program->held_n > 500)
        drop_oldest(program, story);
}

static void cache_random_out(struct program *program, struct story *story, int ms)
{
    hold(program, story, 256);
    if (program->held_n > 500)
        drop(program, story, chance(program, (uint32_t)program->held_n));
}

/* Half of the run long does a block live: young never-freed blocks everywhere in the last half. */
static void cache_of_half_the_run(struct program *program, struct story *story, int ms)
{
    if (ms % 2)
        return;
    hold(program, story, 256);
    if (program->held_n > 2000)
        drop_oldest(program, story);
}

static void cache_of_random_sizes(struct program *program, struct story *story, int ms)
{
    hold(program, story, 1 + chance(program, 4096));
    if (program->held_n > 300)
        drop(program, story, chance(program, (uint32_t)program->held_n));
}

static void cache_cleared_when_full(struct program *program, struct story *story, int ms)
{
    hold(program, story, 100);
    if (program->held_n == 1700)
        drop_all(program, story);
}

/* The tooth is as long as the last half. */
static void sawtooth_of_half_the_run(struct program *program, struct story *story, int ms)
{
    if (ms == RUN_MS / 2)
        drop_all(program, story);
    if (ms % 2 == 0)
        hold(program, story, 100);
}

static void growth_that_stops(struct program *program, struct story *story, int ms)
{
    if (ms < 5000)
        story_alloc(story, program->node, 100);
}

static void growth_that_stops_late(struct program *program, struct story *story, int ms)
{
    if (ms < 8000)
        story_alloc(story, program->node, 100);
}

static void growth_that_saturates(struct program *program, struct story *story, int ms)
{
    if (chance(program, 1000) < (uint32_t)(1000 * exp(-ms / 1000.0)))
        story_alloc(story, program->node, 100);
}

static void init_one_block(struct program *program, struct story *story, int ms)
{
    if (ms == 5)
        story_alloc(story, program->node, 1 << 20);
}

static void init_many_blocks(struct program *program, struct story *story, int ms)
{
    if (ms < 300)
        story_alloc(story, program->node, 333);
}

static void one_block_later(struct program *program, struct story *story, int ms)
{
    if (ms == 6000)
        story_alloc(story, program->node, 1 << 16);
}

static void burst_in_the_middle(struct program *program, struct story *story, int ms)
{
    if (ms >= 6000 && ms < 6200)
        story_alloc(story, program->node, 512);
}

static void burst_beside_churn(struct program *program, struct story *story, int ms)
{
    hold(program, story, 5000);
    if (program->held_n > 20)
        drop_oldest(program, story);
}

static void arena_of_chunks_at_the_start(struct program *program, struct story *story, int ms)
{
    if (ms < 64 && ms % 8 == 0)
        story_alloc(story, program->node, 4 << 20);
}

static void working_set_at_exit(struct program *program, struct story *story, int ms)
{
    if (ms % 20 == 0) {
        drop_all(program, story);
        for (int i = 0; i < 30; i++)
            hold(program, story, 128);
    }
}

static void short_program(struct program *program, struct story *story, int ms)
{
    story_alloc(story, program->node, 64);
}

static const struct kind kinds[] = {
        {"steady leak", leak_steady, LEAK_GROWING, false, 100000, RUN_MS},
        {"rare leak", leak_rare, LEAK_GROWING, false, 10000, RUN_MS},
        {"jittered leak", leak_jittered, LEAK_GROWING, false, 0, RUN_MS},
        {"leak under churn", leak_under_churn, LEAK_GROWING, true, 0, RUN_MS},
        {"one of a hundred", leak_one_of_hundred, LEAK_GROWING, false, 64 * 20, RUN_MS},
        {"leak that begins late", leak_late, LEAK_GROWING, false, 140000, RUN_MS},
        {"leak in large steps", leak_in_large_steps, LEAK_GROWING, false, 2 << 20, RUN_MS},
        {"leak that accelerates", leak_accelerating, LEAK_GROWING, false, 0, RUN_MS},
        {"cache, oldest out", cache_oldest_out, LEAK_PLATEAU, false, 0, RUN_MS},
        {"cache, random out", cache_random_out, LEAK_PLATEAU, false, 0, RUN_MS},
        {"cache of half the run", cache_of_half_the_run, LEAK_PLATEAU, false, 0, RUN_MS},
        {"cache of random sizes", cache_of_random_sizes, LEAK_PLATEAU, false, 0, RUN_MS},
        {"cache cleared when full", cache_cleared_when_full, LEAK_PLATEAU, true, 0, RUN_MS},
        {"sawtooth of half the run", sawtooth_of_half_the_run, LEAK_PLATEAU, true, 0, RUN_MS},
        {"growth that stops", growth_that_stops, LEAK_PLATEAU, false, 0, RUN_MS},
        {"growth that stops late", growth_that_stops_late, LEAK_PLATEAU, true, 0, RUN_MS},
        {"growth that saturates", growth_that_saturates, LEAK_PLATEAU, true, 0, RUN_MS},
        {"one block at the start", init_one_block, LEAK_START_UP, false, 0, RUN_MS},
        {"many blocks at the start", init_many_blocks, LEAK_START_UP, false, 0, RUN_MS},
        {"arena at the start", arena_of_chunks_at_the_start, LEAK_START_UP, false, 0, RUN_MS},
        {"one block later", one_block_later, LEAK_ONE_OFF, false, 0, RUN_MS},
        {"burst in the middle", burst_in_the_middle, LEAK_BURST, false, 0, RUN_MS},
        {"small queue at its limit", burst_beside_churn, LEAK_PLATEAU, false, 0, RUN_MS},
        {"working set at exit", working_set_at_exit, LEAK_PLATEAU, true, 0, RUN_MS},
        {"too short to judge", short_program, LEAK_UNCLEAR, false, 0, 5},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void verdicts_are_right(void **state)
{
    int wrong = 0;
    for (int i = 0; i < KINDS; i++) {
        const struct kind *kind = &kinds[i];
        struct program program = {.seed = 1};
        struct story story;
        struct analysis *analysis = NULL;
        struct diag diag = {""};
        story_begin(&story);
        program.node = story_stack(&story, "main;run;fill;malloc");
        uint32_t other = story_stack(&story, "main;run;other;malloc");
        for (int ms = 0; ms < kind->run_ms; ms++) {
            story_time_ms(&story, ms + 0.5);
            story_free(&story, story_alloc(&story, other, 100));
            kind->step(&program, &story, ms);
        }
        story_time_ms(&story, kind->run_ms);
        story_end(&story);
        assert_int_equal(analysis_new(story.model, &analysis, &diag), 0);
        assert_int_equal(analysis->leaks.n, 1);
        const struct leak_verdict *verdict = &analysis->leaks.at[0].verdict;
        bool right = verdict->class == kind->is ||
                     (kind->may_be_unclear && verdict->class == LEAK_UNCLEAR);
        bool slope = kind->slope == 0 ||
                     fabs(verdict->slope_bytes_per_s - kind->slope) < 0.25 * kind->slope;
        if (!right || !slope)
            print_error("%s: %s, slope %.0f, r2 %.2f\n", kind->name,
                        leak_class_name(verdict->class), verdict->slope_bytes_per_s, verdict->r2);
        wrong += !right || !slope;
        analysis_free(analysis);
        story_done(&story);
    }
    assert_int_equal(wrong, 0);
}

/* The same verdicts whatever the random numbers: no growth where there is none. */
static void random_caches_never_look_like_leaks(void **state)
{
    for (uint32_t seed = 1; seed <= 12; seed++) {
        struct program program = {.seed = seed * 7919};
        struct story story;
        struct analysis *analysis = NULL;
        struct diag diag = {""};
        story_begin(&story);
        program.node = story_stack(&story, "main;fill;malloc");
        for (int ms = 0; ms < 3000; ms++) {
            story_time_ms(&story, ms + 0.5);
            (seed % 2 ? cache_random_out : cache_of_random_sizes)(&program, &story, ms);
        }
        story_end(&story);
        assert_int_equal(analysis_new(story.model, &analysis, &diag), 0);
        if (analysis->leaks.at[0].verdict.class == LEAK_GROWING)
            fail_msg("seed %u", seed);
        analysis_free(analysis);
        story_done(&story);
    }
}

/* What begins is told with some delay: blocks may be older than the process that made them. */
static void a_process_may_be_announced_after_its_blocks(void **state)
{
    struct story story;
    struct analysis *analysis = NULL;
    struct diag diag = {""};
    story_begin(&story);
    uint32_t node = story_stack(&story, "main;fill;malloc");
    story_time_ms(&story, 2.5);
    for (int i = 0; i < 5000; i++)
        story_alloc(&story, node, 48);
    for (int ms = 3; ms < 1000; ms++)
        story_time_ms(&story, ms);
    story_end(&story);
    story.model->processes.at[0].start_ns = 9000000;
    assert_int_equal(analysis_new(story.model, &analysis, &diag), 0);
    assert_int_equal(analysis->leaks.at[0].verdict.class, LEAK_START_UP);
    analysis_free(analysis);
    story_done(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(verdicts_are_right),
            cmocka_unit_test(random_caches_never_look_like_leaks),
            cmocka_unit_test(a_process_may_be_announced_after_its_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
