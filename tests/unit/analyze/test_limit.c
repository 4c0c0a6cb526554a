/* SPDX-License-Identifier: Apache-2.0 */
/* Limits: how they are read, and whether runs with known figures hold them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/compare.h"
#include "analyze/limit.h"
#include "story.h"

/* 10 blocks of 100 bytes leak in fill, 5 of 1000 pass through parse, called by run. */
static void tell(struct story *story, int leaks)
{
    story_begin(story);
    uint32_t fill = story_stack(story, "main;run;fill;malloc");
    uint32_t parse = story_stack(story, "main;run;ns::parse<int>(char const*);operator new");
    for (int i = 0; i < leaks; i++)
        story_alloc(story, fill, 100);
    story_time_ms(story, 2);
    for (int i = 0; i < 5; i++)
        story_free(story, story_alloc(story, parse, 1000));
    story_time_ms(story, 4);
    story_end(story);
}

static struct limit_result hold(const struct analysis *analysis, const char *word,
                                const struct limit_baseline *baseline)
{
    struct limit limit;
    struct diag diag = {""};
    assert_int_equal(limit_parse(&limit, word, strlen(word), &diag), 0);
    struct limit_result result = limit_hold(&limit, analysis, baseline);
    limit_done(&limit);
    return result;
}

static void known_figures_are_held(void **state)
{
    static const struct {
        const char *word;
        bool holds, known;
        double value;
    } cases[] = {
            {"leaked==1000", true, true, 1000},
            {"leaked == 1000", true, true, 1000},
            {"leaked!=1000", false, true, 1000},
            {"leaked<1kB", false, true, 1000},
            {"leaked<1KiB", true, true, 1000},
            {"blocks<=10", true, true, 10},
            {"allocations==15", true, true, 15},
            {"allocated<0.006MB", false, true, 6000},
            {"allocated<=0.006MB", true, true, 6000},
            {"peak>=2000", true, true, 2000},
            {"peak>2000", false, true, 2000},
            {"temporary==5", true, true, 5},
            {"allocations@fill==10", true, true, 10},
            {"allocations@run==15", true, true, 15},
            {"allocations@main==15", true, true, 15},
            {"allocations@parse==5", true, true, 5},
            {"allocations@ns::parse==5", true, true, 5},
            {"allocations@ns::parse<int>(char const*)==5", true, true, 5},
            {"allocations@parse<int>==5", true, true, 5},
            {"leaked@parse==0", true, true, 0},
            {"allocations@nobody<1", true, false, 0},
    };
    struct story story;
    struct analysis *analysis = NULL;
    struct diag diag = {""};
    tell(&story, 10);
    assert_int_equal(analysis_new(story.model, &analysis, &diag), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct limit_result result = hold(analysis, cases[i].word, NULL);
        if (result.holds != cases[i].holds || result.is_known != cases[i].known ||
            result.value < cases[i].value || result.value > cases[i].value)
            fail_msg("%s: holds %d, value %f", cases[i].word, result.holds, result.value);
    }
    analysis_free(analysis);
    story_done(&story);
}

static void baselines_take_percentages(void **state)
{
    static const char text[] = "# a comment\n\npeak 1900\nleaked 1000\nallocations@fill 8\n";
    struct story story;
    struct analysis *analysis = NULL;
    struct limit_baseline baseline;
    struct diag diag = {""};
    tell(&story, 10);
    assert_int_equal(analysis_new(story.model, &analysis, &diag), 0);
    assert_int_equal(limit_baseline_read(&baseline, text, sizeof text - 1, &diag), 0);
    assert_true(hold(analysis, "peak<=+6%", &baseline).holds);
    assert_false(hold(analysis, "peak<=+5%", &baseline).holds);
    assert_true(hold(analysis, "peak>+6%", &baseline).holds);
    assert_false(hold(analysis, "peak>+5%", &baseline).holds);
    assert_false(hold(analysis, "leaked>=+0%", &baseline).holds);
    assert_true(hold(analysis, "leaked>-1%", &baseline).holds);
    assert_true(hold(analysis, "leaked<=+0%", &baseline).holds);
    assert_false(hold(analysis, "leaked<=-1%", &baseline).holds);
    assert_true(hold(analysis, "allocations@fill<=+25%", &baseline).holds);
    assert_false(hold(analysis, "blocks<=+5%", &baseline).is_known);
    assert_false(hold(analysis, "peak<=+6%", NULL).holds);
    limit_baseline_done(&baseline);
    analysis_free(analysis);
    story_done(&story);
}

/* What a run writes as its baseline, it holds itself. */
static void a_run_holds_its_own_baseline(void **state)
{
    struct story story;
    struct analysis *analysis = NULL;
    struct limit_baseline baseline;
    struct limit limit;
    struct diag diag = {""};
    struct text text = {0};
    tell(&story, 10);
    assert_int_equal(analysis_new(story.model, &analysis, &diag), 0);
    assert_int_equal(limit_parse(&limit, "peak@fill<1", 11, &diag), 0);
    limit_baseline_add(&text, analysis, &limit, 1);
    assert_int_equal(limit_baseline_read(&baseline, text.bytes, text.n, &diag), 0);
    assert_true(hold(analysis, "peak@fill==+0%", &baseline).holds);
    assert_true(hold(analysis, "allocated==+0%", &baseline).holds);
    limit_done(&limit);
    limit_baseline_done(&baseline);
    text_done(&text);
    analysis_free(analysis);
    story_done(&story);
}

static void nonsense_is_refused(void **state)
{
    static const char *const words[] = {"",        "leaked",     "==3",       "peek<3",
                                        "peak<",   "peak<x",     "peak<3QB",  "peak<-3",
                                        "peak@<3", "rss@main<3", "peak<3MB4", "peak<+3MB",
                                        "peak=3",  "peak<<nan",  "peak<5%"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct limit limit;
        struct diag diag = {""};
        if (limit_parse(&limit, words[i], strlen(words[i]), &diag) != ERR_USAGE || !*diag.text)
            fail_msg("'%s'", words[i]);
    }
    struct limit_baseline baseline;
    struct diag diag = {""};
    assert_int_equal(limit_baseline_read(&baseline, "peak", 4, &diag), ERR_FORMAT);
}

static void lists_are_divided_outside_of_brackets(void **state)
{
    assert_int_equal(limit_length("leaked==0, peak<200MB"), 9);
    assert_int_equal(limit_length("peak@f<int, char>(a, b)<3,x"), 25);
    assert_int_equal(limit_length("peak<3"), 6);
    assert_int_equal(limit_length("leaked@f<9,leaked@f>=8"), 10);
    assert_int_equal(limit_length("peak@f<A, B><9, blocks > 3"), 14);
    assert_int_equal(limit_length("peak@f<A, peak>>=3,blocks<2"), 18);
    assert_int_equal(limit_length("peak@f<peak, leaked>==3"), 23);
}

static void comparisons_match_by_function(void **state)
{
    struct story before, after;
    struct analysis *was = NULL, *is = NULL;
    struct comparison comparison;
    struct diag diag = {""};
    tell(&before, 10);
    tell(&after, 30);
    assert_int_equal(analysis_new(before.model, &was, &diag), 0);
    assert_int_equal(analysis_new(after.model, &is, &diag), 0);
    assert_int_equal(compare_build(&comparison, was, is, &diag), 0);
    assert_int_equal(comparison.rows.n, 2);
    struct text name = {0};
    compare_add_name(&name, &comparison, &comparison.rows.at[0]);
    assert_string_equal(text_string(&name), "fill");
    assert_int_equal(comparison.rows.at[0].was.peak_bytes, 1000);
    assert_int_equal(comparison.rows.at[0].is.peak_bytes, 3000);
    assert_int_equal(comparison.rows.at[1].was.alloc_n, 5);
    assert_int_equal(comparison.rows.at[1].is.alloc_n, 5);
    text_done(&name);
    compare_done(&comparison);
    analysis_free(was);
    analysis_free(is);
    story_done(&before);
    story_done(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(known_figures_are_held),
            cmocka_unit_test(baselines_take_percentages),
            cmocka_unit_test(a_run_holds_its_own_baseline),
            cmocka_unit_test(nonsense_is_refused),
            cmocka_unit_test(lists_are_divided_outside_of_brackets),
            cmocka_unit_test(comparisons_match_by_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
