/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: what the guide shows must parse, what is wrong must be refused in a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/help.h"
#include "cli/settings.h"

enum { WORDS_MAX = 32 };

/* A command line split at blanks; its words live as long as it does. */
struct line {
    char bytes[512];
    char *words[WORDS_MAX + 1];
    int n;
};

static void line_split(struct line *line, const char *text)
{
    line->n = 0;
    strncpy(line->bytes, text, sizeof line->bytes - 1);
    line->bytes[sizeof line->bytes - 1] = 0;
    char *state = NULL;
    for (char *word = strtok_r(line->bytes, " ", &state); word && line->n < WORDS_MAX;
         word = strtok_r(NULL, " ", &state))
        line->words[line->n++] = word;
    line->words[line->n] = NULL;
}

/* Parses "verb options ..."; the verb must exist. */
static int parse(struct line *line, const char *text, struct settings *settings, struct diag *diag)
{
    line_split(line, text);
    const struct verb *verb = verb_find(line->words[0]);
    assert_non_null(verb);
    diag->text[0] = 0;
    return settings_parse(settings, verb, line->n, line->words, diag);
}

static void guide_lines_parse(void **state)
{
    static const struct {
        const char *text, *program;
    } lines[] = {
            {"analyze --mode auto your_program", "your_program"},
            {"run --track-async cargo run --bin your_async_app", "cargo"},
            {"analyze --mode auto cargo run --bin my_app", "cargo"},
            {"analyze --strategy async --export html tokio_app", "tokio_app"},
            {"analyze --sample-rate 1.0 --export json intensive_app", "intensive_app"},
            {"analyze --strategy thread-local parallel_app --jobs 4", "parallel_app"},
            {"run --track-async --detailed-tracking cargo run --bin async_server", "cargo"},
            {"run --performance-monitoring --max-overhead 32 cargo test", "cargo"},
            {"run --track-async --detailed-tracking --performance-monitoring my_program",
             "my_program"},
            {"analyze --sample-rate 0.8 regular_app", "regular_app"},
            {"analyze --sample-rate 0.2 production_app", "production_app"},
            {"run --max-overhead 16 memory_constrained_app", "memory_constrained_app"},
            {"run --max-overhead 128 analysis_target_app", "analysis_target_app"},
            {"analyze --mode unified my_program", "my_program"},
            {"run --sample-rate 0.5 --strategy thread-local x", "x"},
            {"run --strategy async --track-async x", "x"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct line line;
        struct settings settings;
        struct diag diag;
        assert_int_equal(parse(&line, lines[i].text, &settings, &diag), 0);
        assert_string_equal(settings.words[0], lines[i].program);
        settings_done(&settings);
    }
}

static void options_end_at_the_program(void **state)
{
    struct line line;
    struct settings settings;
    struct diag diag;
    assert_int_equal(parse(&line, "run -q prog -e json --mode bogus", &settings, &diag), 0);
    assert_int_equal(settings.word_n, 5);
    assert_string_equal(settings.words[4], "bogus");
    assert_int_equal(settings.exports.n, 0);
    settings_done(&settings);
    assert_int_equal(parse(&line, "run -- -prog --help", &settings, &diag), 0);
    assert_string_equal(settings.words[0], "-prog");
    assert_false(settings.given[OPTION_HELP]);
    settings_done(&settings);
}

static void verbs_on_files_take_options_anywhere(void **state)
{
    struct line line;
    struct settings settings;
    struct diag diag;
    assert_int_equal(parse(&line, "report a.mscope -e json -o out.json", &settings, &diag), 0);
    assert_int_equal(settings.word_n, 1);
    assert_string_equal(settings.words[0], "a.mscope");
    assert_string_equal(settings.exports.at[0], "json");
    assert_string_equal(settings.outputs.at[0], "out.json");
    settings_done(&settings);
}

static void values_are_read(void **state)
{
    struct line line;
    struct settings settings;
    struct diag diag;
    assert_int_equal(parse(&line,
                           "run --mode legacy --sample-rate .25 --max-overhead 1.5 "
                           "--recorder-memory 300 --max-overhead-percent 5 --include a --include b "
                           "--summary json --color never --svg-panel hotspots p",
                           &settings, &diag),
                     0);
    assert_int_equal(settings.mode, RUN_MODE_LEGACY);
    assert_true(settings.sample_rate == 0.25);
    assert_int_equal(settings.max_overhead_bytes, 1500000);
    assert_int_equal(settings.recorder_memory_bytes, 300000000);
    assert_true(settings.max_overhead_percent == 5.0);
    assert_int_equal(settings.includes.n, 2);
    assert_string_equal(settings.includes.at[1], "b");
    assert_int_equal(settings.summary, SUMMARY_JSON);
    assert_int_equal(settings.color, COLOR_NEVER);
    assert_int_equal(settings.svg_panel, 3);
    settings_done(&settings);
}

static void strategies_and_summaries_have_their_order(void **state)
{
    static const char *const strategies[] = {"auto", "single-thread", "thread-local", "async",
                                             "hybrid"};
    for (int i = 0; i < 5; i++)
        assert_int_equal(option_value_index(option_row_of(OPTION_STRATEGY)->values, strategies[i]),
                         i);
    assert_int_equal(option_value_index(option_row_of(OPTION_MODE)->values, "legacy"),
                     RUN_MODE_LEGACY);
    assert_int_equal(option_value_index(option_row_of(OPTION_SUMMARY)->values, "full"),
                     SUMMARY_FULL);
    assert_int_equal(option_value_index("a|b", ""), -1);
    assert_int_equal(option_value_index("a|bc", "b"), -1);
}

static void defaults_differ_by_verb(void **state)
{
    struct line line;
    struct settings settings;
    struct diag diag;
    assert_int_equal(parse(&line, "run p", &settings, &diag), 0);
    assert_int_equal(settings.summary, SUMMARY_SHORT);
    assert_true(settings.sample_rate == 1.0);
    settings_done(&settings);
    assert_int_equal(parse(&line, "analyze p", &settings, &diag), 0);
    assert_int_equal(settings.summary, SUMMARY_FULL);
    settings_done(&settings);
}

static void run_and_analyze_take_the_same(void **state)
{
    const struct option_row *row;
    for (size_t i = 0; (row = option_row_at(i)); i++) {
        bool in_run = row->verbs & VERB_BIT(VERB_RUN);
        bool in_analyze = row->verbs & VERB_BIT(VERB_ANALYZE);
        assert_int_equal(in_run, in_analyze);
    }
}

static void wrong_lines_are_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *text, *says;
    } lines[] = {
            {"run --expotr json p", "did you mean --export?"},
            {"run --strategy thraed-local p", "did you mean 'thread-local'?"},
            {"run --strategy bogus p",
             "it takes auto, single-thread, thread-local, async or hybrid"},
            {"run -e htlm p", "did you mean 'html'?"},
            {"run -Z p", "no option -Z"},
            {"run --sample-rate 1.5 p", "from 0 to 1, not '1.5'"},
            {"run --sample-rate nan p", "not 'nan'"},
            {"run --sample-rate 0x1p-1 p", "not '0x1p-1'"},
            {"run --sample-rate 0.5x p", "not '0.5x'"},
            {"run --max-overhead -3 p", "not '-3'"},
            {"run --max-overhead 0 p", "from 1 to"},
            {"run --mode", "--mode needs a value"},
            {"run -o", "--output needs a value"},
            {"run --wait=3 p", "--wait takes no value"},
            {"run --mode legacy --strategy async p", "--mode legacy has no strategies"},
            {"run --no-follow --include x p", "exclude each other"},
            {"run -q --progress p", "exclude each other"},
            {"run", "needs a program"},
            {"report", "needs an argument"},
            {"compare a", "needs two arguments"},
            {"report a b", "does not take 'b'"},
            {"report a --track-async", "no option --track-async"},
            {"info a -Z", "no option -Z"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct line line;
        struct settings settings;
        struct diag diag;
        assert_int_equal(parse(&line, lines[i].text, &settings, &diag), ERR_USAGE);
        if (!strstr(diag.text, lines[i].says))
            fail_msg("'%s' says '%s', not '%s'", lines[i].text, diag.text, lines[i].says);
    }
}

static void legacy_with_auto_is_no_contradiction(void **state)
{
    struct line line;
    struct settings settings;
    struct diag diag;
    assert_int_equal(parse(&line, "run --mode legacy --strategy auto p", &settings, &diag), 0);
    settings_done(&settings);
}

static void what_is_not_there_yet_is_one_warning(void **state)
{
    struct line line;
    struct settings settings;
    struct diag diag;
    struct text text = {0};
    assert_int_equal(parse(&line, "run -e json --sample-rate 1.0 p", &settings, &diag), 0);
    settings_add_later(&settings, &text);
    assert_string_equal(text_string(&text), "");
    settings_done(&settings);
    text_done(&text);
}

/* Every option and every verb is in the help, and no line is wider than a terminal. */
static void help_names_everything(void **state)
{
    struct text text = {0};
    for (int i = 0; i < VERB_N; i++) {
        const struct verb *verb = verb_at((enum verb_id)i);
        text_clear(&text);
        help_add_verb(&text, verb);
        const struct option_row *row;
        for (size_t r = 0; (row = option_row_at(r)); r++) {
            char name[64];
            (void)!snprintf(name, sizeof name, "--%s", row->name);
            bool takes = row->verbs & VERB_BIT(verb->id);
            const char *at = strstr(text_string(&text), name);
            if (takes)
                assert_non_null(at);
        }
        for (const char *at = text_string(&text); *at;) {
            size_t n = strcspn(at, "\n");
            assert_true(n <= 80);
            at += n + (at[n] == '\n');
        }
    }
    text_clear(&text);
    help_add_overview(&text);
    for (int i = 0; i < VERB_N; i++) {
        const struct verb *verb = verb_at((enum verb_id)i);
        if (verb->group)
            assert_non_null(strstr(text_string(&text), verb->name));
    }
    assert_null(strstr(text_string(&text), "collect"));
    text_done(&text);
}

static void verbs_are_found_and_guessed(void **state)
{
    assert_int_equal(verb_find("diff")->id, VERB_COMPARE);
    assert_null(verb_find("frobnicate"));
    assert_string_equal(verb_guess("anlayze")->name, "analyze");
    assert_string_equal(verb_guess("rnu")->name, "run");
    assert_null(verb_guess("./server"));
    for (int i = 0; i < VERB_N; i++)
        assert_int_equal(verb_at((enum verb_id)i)->id, i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(guide_lines_parse),
            cmocka_unit_test(options_end_at_the_program),
            cmocka_unit_test(verbs_on_files_take_options_anywhere),
            cmocka_unit_test(values_are_read),
            cmocka_unit_test(strategies_and_summaries_have_their_order),
            cmocka_unit_test(defaults_differ_by_verb),
            cmocka_unit_test(run_and_analyze_take_the_same),
            cmocka_unit_test(wrong_lines_are_refused_with_a_sentence),
            cmocka_unit_test(legacy_with_auto_is_no_contradiction),
            cmocka_unit_test(what_is_not_there_yet_is_one_warning),
            cmocka_unit_test(help_names_everything),
            cmocka_unit_test(verbs_are_found_and_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
