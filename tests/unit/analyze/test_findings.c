/* SPDX-License-Identifier: Apache-2.0 */
/* Each kind of finding on a program that has nothing else, and on one that just lacks it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/analysis.h"
#include "analyze/estimate.h"
#include "analyze/mappings.h"
#include "story.h"

enum { MIB = 1 << 20 };

static struct story story;
static struct analysis *analysis;

static int begin(void **state)
{
    story_begin(&story);
    return 0;
}

static int end(void **state)
{
    analysis_free(analysis);
    analysis = NULL;
    story_done(&story);
    return 0;
}

static void analyse(void)
{
    struct diag diag = {""};
    story_end(&story);
    assert_int_equal(analysis_new(story.model, &analysis, &diag), 0);
}

/* NULL: there is none. */
static const struct finding *finding_of(const char *id)
{
    for (size_t i = 0; i < analysis->findings.n; i++) {
        if (strcmp(analysis->findings.at[i].id, id) == 0)
            return &analysis->findings.at[i];
    }
    return NULL;
}

static const struct finding *the_finding(const char *id)
{
    const struct finding *finding = finding_of(id);
    if (finding)
        return finding;
    fail_msg("no finding %s", id);
    abort();
}

static void assert_finding(const char *id, enum finding_severity severity, const char *title)
{
    const struct finding *finding = the_finding(id);
    assert_int_equal(finding->severity, severity);
    assert_string_equal(text_string(&finding->title), title);
    assert_true(text_string(&finding->text)[0] != 0);
}

static void a_level_that_rises_to_the_end_grows(void **state)
{
    uint32_t node = story_stack(&story, "main;audit;malloc");
    for (int ms = 0; ms < 10000; ms += 10) {
        story_time_ms(&story, ms);
        story_alloc(&story, node, 2048);
    }
    analyse();
    const struct finding *finding = the_finding("steady-growth");
    assert_true(finding->value > 0.95 * 204800 && finding->value < 1.05 * 204800);
    assert_true(finding->confidence > 0.95);
    assert_string_equal(finding->link.view, "leaks");
}

static void a_level_that_is_reached_does_not_grow(void **state)
{
    uint32_t node = story_stack(&story, "main;table;malloc");
    for (int ms = 0; ms < 10000; ms += 10) {
        story_time_ms(&story, ms);
        if (ms < 3000)
            story_alloc(&story, node, 4096);
    }
    analyse();
    assert_null(finding_of("steady-growth"));
}

static void churn_of(int rounds, uint64_t bytes)
{
    uint32_t one = story_stack(&story, "main;render;malloc");
    uint32_t other = story_stack(&story, "main;rest;malloc");
    for (int i = 0; i < rounds; i++) {
        story_time_ms(&story, i);
        uint64_t page = story_alloc(&story, one, 3 * bytes);
        uint64_t rest = story_alloc(&story, other, bytes);
        story_free(&story, page);
        story_free(&story, rest);
    }
    analyse();
}

static void one_function_that_makes_most_bytes_churns(void **state)
{
    churn_of(1000, 32 << 10);
    assert_finding("churn", FINDING_MEDIUM, "75 % of all bytes churn through render");
}

static void little_churn_is_nothing(void **state)
{
    churn_of(1000, 4 << 10);
    assert_null(finding_of("churn"));
}

static void temporaries_of(int kept_n)
{
    uint32_t brief = story_stack(&story, "main;format;malloc");
    uint32_t kept = story_stack(&story, "main;list;malloc");
    for (int i = 0; i < 2000; i++)
        story_free(&story, story_alloc(&story, brief, 64));
    for (int i = 0; i < kept_n; i++)
        story_alloc(&story, kept, 16);
    story_time_ms(&story, 1);
    analyse();
}

static void blocks_freed_at_once_are_temporary(void **state)
{
    temporaries_of(2000);
    assert_finding("temporary", FINDING_LOW,
                   "50 % of the blocks are freed before the next allocation, most from format");
}

static void a_quarter_of_temporaries_is_nothing(void **state)
{
    temporaries_of(6000);
    assert_null(finding_of("temporary"));
}

static void crossing_of(int per_ten)
{
    uint32_t node = story_stack(&story, "main;produce;malloc");
    uint32_t first = story.at.thread;
    struct model_thread next = {.process = story.at.process, .tid = 4712};
    uint32_t second = feed_thread_begin(story.model, &next);
    for (int i = 0; i < 20000; i++) {
        story.at.thread = first;
        uint64_t block = story_alloc(&story, node, 256);
        story.at.thread = i % 10 < per_ten ? second : first;
        story_free(&story, block);
    }
    story.at.thread = first;
    story_time_ms(&story, 1);
    analyse();
}

static void blocks_that_another_thread_frees_cross(void **state)
{
    crossing_of(9);
    assert_finding("cross-thread-free", FINDING_LOW,
                   "90 % of the blocks of produce are freed by another thread");
}

static void some_crossing_is_nothing(void **state)
{
    crossing_of(7);
    assert_null(finding_of("cross-thread-free"));
}

static void growing_buffers_of(int buffers)
{
    uint32_t node = story_stack(&story, "main;append;realloc");
    for (int i = 0; i < buffers; i++) {
        uint64_t address = story_alloc(&story, node, 64);
        for (uint64_t bytes = 128; bytes <= 8192; bytes *= 2) {
            struct feed_pending pending = {0};
            assert_true(feed_realloc_begin(story.model, &story.at, address, &pending) >= 0);
            address = story.next_address += 16;
            story.next_address += 16;
            assert_true(feed_realloc_end(story.model, &story.at, &pending, address, bytes, node,
                                         1) >= 0);
        }
        story_free(&story, address);
    }
    story_time_ms(&story, 1);
    analyse();
}

static void buffers_that_grow_by_realloc_are_found(void **state)
{
    growing_buffers_of(2000);
    assert_finding("realloc-growth", FINDING_LOW, "append grows its buffers by 14 000 reallocs");
}

static void few_reallocs_are_nothing(void **state)
{
    growing_buffers_of(100);
    assert_null(finding_of("realloc-growth"));
}

/* A heap of 5 MiB under a resident memory of the parts given. */
static void resident_of(uint64_t mapped, uint64_t held, uint64_t files)
{
    struct model_resident *resident = &story.model->processes.at[story.at.process].resident;
    story_alloc(&story, story_stack(&story, "main;a;malloc"), 5 * MIB);
    *resident = (struct model_resident){.live_bytes = 5 * MIB,
                                        .heap_bytes = 5 * MIB + held,
                                        .mapped_bytes = mapped,
                                        .file_bytes = files};
    story_time_ms(&story, 1);
    feed_rss(story.model, story.at.at_ns, 5 * MIB + mapped + held + files);
    story_time_ms(&story, 2);
    analyse();
}

static void memory_that_the_program_maps_is_named(void **state)
{
    uint32_t node = story_stack(&story, "main;arena_new");
    feed_map(story.model, &story.at, 1 << 30, 60 * MIB, node, FEED_MAPPED);
    resident_of(60 * MIB, 4 * MIB, 6 * MIB);
    assert_finding("rss-above-heap", FINDING_MEDIUM,
                   "resident memory is far above the live heap: 60.0 MiB of 75.0 MiB are mapped by "
                   "the program itself");
    const struct finding *finding = the_finding("rss-above-heap");
    assert_non_null(strstr(text_string(&finding->text), "arena_new: 60.0 MiB"));
    assert_true(finding->value > 14.9 && finding->value < 15.1);
    assert_string_equal(finding->link.view, "run");
}

static void memory_that_malloc_holds_is_named(void **state)
{
    resident_of(MIB, 30 * MIB, 4 * MIB);
    assert_finding("rss-above-heap", FINDING_MEDIUM,
                   "resident memory is far above the live heap: 30.0 MiB of 40.0 MiB are held free "
                   "by malloc");
}

static void files_of_a_program_are_worth_a_note_only(void **state)
{
    resident_of(0, MIB, 100 * MIB);
    assert_int_equal(the_finding("rss-above-heap")->severity, FINDING_LOW);
}

static void a_small_program_has_no_finding_of_its_code(void **state)
{
    resident_of(MIB, MIB, 6 * MIB);
    assert_null(finding_of("rss-above-heap"));
}

/* What there is exactly one of, or two. */
static void single_things_of(uint32_t tasks)
{
    uint32_t node = story_stack(&story, "main;load;malloc");
    for (uint32_t i = 0; i < tasks; i++) {
        struct model_task task = {
                .process = story.at.process, .group = MODEL_NONE, .runtime_id = i + 1};
        story.at.task = feed_task_begin(story.model, &task);
        story_alloc(&story, node, 2 * MIB / tasks);
        feed_task_end(story.model, story.at.task, story.at.at_ns + 1000);
    }
    story.at.task = 0;
    story.model->loss.event_n = tasks;
    story_time_ms(&story, 1);
    analyse();
}

static void one_is_no_plural(void **state)
{
    single_things_of(1);
    assert_finding("task-retains", FINDING_HIGH, "1 ended task still holds 2.0 MiB");
    assert_non_null(strstr(text_string(&the_finding("task-retains")->text), "The task is gone"));
    assert_finding(
            "events-lost", FINDING_HIGH,
            "recording was incomplete: 1 event lost, off for 0.0 s; the figures are too low");
    assert_non_null(strstr(text_string(&the_finding("dominant-peak")->text),
                           ": 1 block was live at that moment."));
}

static void two_are_a_plural(void **state)
{
    single_things_of(2);
    assert_finding("task-retains", FINDING_HIGH, "2 ended tasks still hold 2.0 MiB");
    assert_non_null(strstr(text_string(&the_finding("task-retains")->text), "The tasks are gone"));
    assert_non_null(strstr(text_string(&the_finding("events-lost")->title), " 2 events lost"));
    assert_non_null(strstr(text_string(&the_finding("dominant-peak")->text),
                           ": 2 blocks were live at that moment."));
}

static void stacks_that_map_under_one_name_are_one_place(void **state)
{
    static const char *const stacks[] = {"main;a;grow", "main;b;grow", "main;once"};
    struct mappings_place places[4];
    size_t total;
    for (uint64_t i = 0; i < 3; i++)
        feed_map(story.model, &story.at, (i + 1) << 30, (i + 1) << 20,
                 story_stack(&story, stacks[i]), FEED_MAPPED);
    feed_unmap(story.model, &story.at, 1ull << 30, 1 << 20);
    story_time_ms(&story, 1);
    analyse();
    assert_int_equal(mappings_places(story.model, 4, places, &total), 2);
    assert_int_equal(total, 2);
    uint32_t grow = places[0].stack_n == 2 ? 0 : 1;
    assert_int_equal(places[grow].stack_n, 2);
    assert_int_equal(places[grow].n, 2);
    assert_int_equal(places[grow].peak_bytes, 3 << 20);
    assert_int_equal(places[grow].live_bytes, 2 << 20);
    assert_int_equal(places[!grow].stack_n, 1);
    assert_int_equal(mappings_places(story.model, 1, places, &total), 1);
    assert_int_equal(total, 2);
    assert_int_equal(places[0].peak_bytes, 3 << 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* An estimate may be above the whole that is exact. */
static void a_share_is_at_most_one(void **state)
{
    assert_true(estimate_share(1, 4) == 0.25);
    assert_true(estimate_share(5, 4) == 1);
    assert_true(estimate_share(5, 0) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_share_is_at_most_one),
            TEST(a_level_that_rises_to_the_end_grows),
            TEST(a_level_that_is_reached_does_not_grow),
            TEST(one_function_that_makes_most_bytes_churns),
            TEST(little_churn_is_nothing),
            TEST(blocks_freed_at_once_are_temporary),
            TEST(a_quarter_of_temporaries_is_nothing),
            TEST(blocks_that_another_thread_frees_cross),
            TEST(some_crossing_is_nothing),
            TEST(buffers_that_grow_by_realloc_are_found),
            TEST(few_reallocs_are_nothing),
            TEST(memory_that_the_program_maps_is_named),
            TEST(memory_that_malloc_holds_is_named),
            TEST(files_of_a_program_are_worth_a_note_only),
            TEST(a_small_program_has_no_finding_of_its_code),
            TEST(one_is_no_plural),
            TEST(two_are_a_plural),
            TEST(stacks_that_map_under_one_name_are_one_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
