/* SPDX-License-Identifier: Apache-2.0 */
/* Sites, functions and findings of small programs whose figures are known by construction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/analysis.h"
#include "analyze/session.h"
#include "story.h"

static struct analysis *analyse(const struct story *story)
{
    struct analysis *analysis = NULL;
    struct diag diag = {""};
    assert_int_equal(analysis_new(story->model, &analysis, &diag), 0);
    return analysis;
}

static const struct function *function_named(const struct analysis *analysis, const char *name)
{
    for (size_t i = 0; i < analysis->functions.n; i++) {
        if (strcmp(analysis->names.bytes + analysis->functions.at[i].short_name, name) == 0)
            return &analysis->functions.at[i];
    }
    fail_msg("no function %s", name);
    return NULL;
}

static const struct finding *finding_of(const struct analysis *analysis, const char *id)
{
    for (size_t i = 0; i < analysis->findings.n; i++) {
        if (strcmp(analysis->findings.at[i].id, id) == 0)
            return &analysis->findings.at[i];
    }
    fail_msg("no finding %s", id);
    abort();
}

static void sites_are_named_after_the_users_code(void **state)
{
    static const struct {
        const char *stack, *name;
    } cases[] = {
            {"main;load;malloc", "load"},
            {"main;load;std::vector<int>::push_back(int&&);operator new(unsigned long)", "load"},
            {"app::run;alloc::vec::Vec<T>::push;alloc::raw_vec::RawVec<T>::grow;__rust_alloc",
             "app::run"},
            {"main;xstrdup;xmalloc;malloc", "main"},
            {"operator new(unsigned long);malloc", "malloc"},
            {"main", "main"},
            {"main;load;?1;?2;palloc;malloc", "load"},
            {"main;load;?3;?4;?5;?6;palloc;malloc", NULL},
    };
    struct story story;
    story_begin(&story);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        story_alloc(&story, story_stack(&story, cases[i].stack), 1000 + i);
    story_time_ms(&story, 1);
    story_end(&story);
    struct analysis *analysis = analyse(&story);
    assert_int_equal(analysis->sites.n, sizeof cases / sizeof cases[0]);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text name = {0};
        for (size_t k = 0; k < analysis->sites.n; k++) {
            if (analysis->sites.at[k].figures.size_max == 1000 + i)
                analysis_add_name(&name, analysis, analysis->sites.at[k].function);
        }
        if (cases[i].name)
            assert_string_equal(text_string(&name), cases[i].name);
        else
            assert_int_equal(strncmp(text_string(&name), "app+0x", 6), 0);
        text_done(&name);
    }
    analysis_free(analysis);
    story_done(&story);
}

static void totals_count_recursion_once(void **state)
{
    struct story story;
    story_begin(&story);
    uint32_t deep = story_stack(&story, "main;walk;walk;walk;malloc");
    uint32_t flat = story_stack(&story, "main;walk;malloc");
    for (int i = 0; i < 7; i++)
        story_alloc(&story, deep, 10);
    for (int i = 0; i < 3; i++)
        story_alloc(&story, flat, 100);
    story_time_ms(&story, 1);
    story_end(&story);
    struct analysis *analysis = analyse(&story);
    const struct function *walk = function_named(analysis, "walk");
    assert_int_equal(walk->total.alloc_n, 10);
    assert_int_equal(walk->total.alloc_bytes, 370);
    assert_int_equal(walk->self.alloc_n, 10);
    assert_int_equal(walk->site_n, 2);
    assert_int_equal(function_named(analysis, "main")->total.alloc_n, 10);
    assert_int_equal(function_named(analysis, "main")->self.alloc_n, 0);
    assert_int_equal(function_named(analysis, "malloc")->total.peak_bytes, 370);
    uint32_t top[2];
    assert_int_equal(analysis_top(analysis, FUNCTION_PEAK, 2, top), 1);
    analysis_free(analysis);
    story_done(&story);
}

/* What lived when a process replaced its image is no leak. */
static void exec_leaks_nothing(void **state)
{
    struct story story;
    story_begin(&story);
    uint32_t node = story_stack(&story, "main;fill;malloc");
    story_alloc(&story, node, 500);
    story_time_ms(&story, 1);
    feed_process_end(story.model, story.at.process, PROCESS_EXECED, 0, story.at.at_ns);
    struct model_process next = {.pid = 4711, .parent = 0, .is_exec = 1, .start_ns = 1000000};
    story.at.process = feed_process_begin(story.model, &next);
    story_alloc(&story, node, 70);
    story_time_ms(&story, 2);
    story_end(&story);
    struct analysis *analysis = analyse(&story);
    assert_int_equal(analysis->figures.live_bytes, 570);
    assert_int_equal(analysis->figures.leak_bytes, 70);
    assert_int_equal(analysis->leaks.n, 1);
    assert_int_equal(analysis->leaks.at[0].bytes, 70);
    struct session session = session_of(story.model);
    assert_true(session.last != session.root);
    assert_int_equal(session.last->end, PROCESS_EXITED);
    analysis_free(analysis);
    story_done(&story);
}

static void a_quiet_program_has_no_findings(void **state)
{
    struct story story;
    story_begin(&story);
    for (int i = 0; i < 40; i++) {
        char stack[64];
        (void)!snprintf(stack, sizeof stack, "main;part_%d;malloc", i);
        uint64_t kept = story_alloc(&story, story_stack(&story, stack), 100000);
        story_time_ms(&story, i + 1);
        story_free(&story, kept);
    }
    story_end(&story);
    struct analysis *analysis = analyse(&story);
    assert_int_equal(analysis->findings.n, 0);
    analysis_free(analysis);
    story_done(&story);
}

static void a_dominant_site_is_found(void **state)
{
    struct story story;
    story_begin(&story);
    uint64_t large = story_alloc(&story, story_stack(&story, "main;cache;malloc"), 6 << 20);
    story_alloc(&story, story_stack(&story, "main;rest;malloc"), 2 << 20);
    story_time_ms(&story, 2);
    story_free(&story, large);
    story_time_ms(&story, 4);
    story_end(&story);
    struct analysis *analysis = analyse(&story);
    const struct finding *finding = finding_of(analysis, "dominant-peak");
    assert_true(finding->value > 0.7499 && finding->value < 0.7501);
    assert_string_equal(text_string(&finding->title), "cache holds 75 % of the peak: 6.0 MiB");
    analysis_free(analysis);
    story_done(&story);
}

static void memory_of_ended_tasks_is_found(void **state)
{
    struct story story;
    story_begin(&story);
    uint32_t node = story_stack(&story, "main;poll;malloc");
    for (int i = 0; i < 3; i++) {
        struct model_task task = {.process = 0, .group = MODEL_NONE, .created_ns = 1};
        story.at.task = feed_task_begin(story.model, &task);
        story_alloc(&story, node, 1 << 20);
        story_alloc(&story, node, 1 << 10);
        if (i < 2)
            feed_task_end(story.model, story.at.task, story.at.at_ns + 1000);
    }
    story.at.task = 0;
    story_time_ms(&story, 5);
    story_end(&story);
    struct analysis *analysis = analyse(&story);
    const struct finding *finding = finding_of(analysis, "task-retains");
    assert_int_equal((uint64_t)finding->value, 2 * ((1 << 20) + (1 << 10)));
    assert_string_equal(text_string(&finding->title), "2 ended tasks still hold 2.0 MiB");
    analysis_free(analysis);
    story_done(&story);
}

static void lost_events_come_first(void **state)
{
    struct story story;
    story_begin(&story);
    uint64_t block = story_alloc(&story, story_stack(&story, "main;cache;malloc"), 6 << 20);
    story_time_ms(&story, 2);
    story_free(&story, block);
    story.model->loss.event_n = 12;
    story_end(&story);
    struct analysis *analysis = analyse(&story);
    assert_true(analysis->findings.n >= 2);
    assert_string_equal(analysis->findings.at[0].id, "events-lost");
    assert_int_equal(analysis->findings.at[0].severity, FINDING_HIGH);
    analysis_free(analysis);
    story_done(&story);
}

static void times_are_readable(void **state)
{
    static const struct {
        uint64_t ns;
        const char *shown;
    } cases[] = {{0, "0 s"},
                 {1500, "1.5 µs"},
                 {999000, "999 µs"},
                 {1234567, "1.23 ms"},
                 {412000000, "412 ms"},
                 {12400000000, "12.40 s"},
                 {200000000000, "3 min 20 s"},
                 {18120000000000, "5 h 2 min"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text = {0};
        session_add_time(&text, cases[i].ns);
        assert_string_equal(text_string(&text), cases[i].shown);
        text_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(sites_are_named_after_the_users_code),
            cmocka_unit_test(totals_count_recursion_once),
            cmocka_unit_test(exec_leaks_nothing),
            cmocka_unit_test(a_quiet_program_has_no_findings),
            cmocka_unit_test(a_dominant_site_is_found),
            cmocka_unit_test(memory_of_ended_tasks_is_found),
            cmocka_unit_test(lost_events_come_first),
            cmocka_unit_test(times_are_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
