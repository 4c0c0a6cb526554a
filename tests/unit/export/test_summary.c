/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal summary against golden texts, at the widths that people have.
 *
 * With MEMSCOPE_GOLDEN=write the texts are written anew, to be read before they are committed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "export/columns.h"
#include "export/summary.h"
#include "sample.h"

static const struct summary_file files[] = {
        {"Report", "memscope-order-server-4711.html", 9700000},
        {"Recording", "memscope-order-server-4711.mscope", 512000},
};

static void render(struct text *text, void (*sample)(struct story *),
                   const struct summary_style *style)
{
    struct story story;
    struct analysis *analysis = NULL;
    struct diag diag = {""};
    struct summary_files shown = {.at = files, .n = 2, .recording = files[1].name};
    sample(&story);
    assert_int_equal(analysis_new(story.model, &analysis, &diag), 0);
    summary_add(text, analysis, style, &shown);
    assert_false(text->failed);
    analysis_free(analysis);
    story_done(&story);
}

static void hold_to_golden(const char *name, const struct text *text)
{
    char path[512];
    (void)!snprintf(path, sizeof path, "%s/%s.txt", GOLDEN_FOLDER, name);
    const char *mode = getenv("MEMSCOPE_GOLDEN");
    if (mode && strcmp(mode, "write") == 0) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(text->bytes, 1, text->n, file), text->n);
        assert_int_equal(fclose(file), 0);
        return;
    }
    char *golden = NULL;
    size_t n = 0;
    struct diag diag = {""};
    assert_int_equal(file_read_all(path, 1 << 20, &golden, &n, &diag), 0);
    assert_string_equal(text_string(text), golden);
    free(golden);
}

/* The widest line; lines that name files are as long as the names. */
static size_t widest(const struct text *text)
{
    size_t most = 0;
    for (const char *at = text_string(text); *at;) {
        size_t n = strcspn(at, "\n"), width = columns_width(at, n);
        if (!memmem(at, n, "memscope-order-server", 21))
            most = width > most ? width : most;
        at += n + (at[n] == '\n');
    }
    return most;
}

static size_t lines(const struct text *text)
{
    size_t n = 0;
    for (const char *at = text_string(text); *at; at++)
        n += *at == '\n';
    return n;
}

static void widths_have_their_golden_text(void **state)
{
    static const unsigned widths[] = {60, 80, 120};
    for (size_t i = 0; i < 3; i++) {
        struct summary_style style = {.columns = widths[i], .utf8 = true};
        struct text text = {0};
        char name[32];
        render(&text, sample_server, &style);
        (void)!snprintf(name, sizeof name, "summary-%u", widths[i]);
        hold_to_golden(name, &text);
        assert_true(widest(&text) <= widths[i]);
        assert_true(lines(&text) <= 25);
        text_done(&text);
    }
}

static void the_full_one_fits_its_width(void **state)
{
    static const unsigned widths[] = {60, 69, 70, 80, 120};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        struct summary_style style = {.columns = widths[i], .full = true};
        struct text text = {0};
        render(&text, sample_server, &style);
        assert_true(widest(&text) <= widths[i]);
        text_done(&text);
    }
}

static void the_full_one_has_its_golden_text(void **state)
{
    struct summary_style style = {.columns = 80, .utf8 = true, .full = true};
    struct text text = {0};
    render(&text, sample_server, &style);
    hold_to_golden("summary-full", &text);
    assert_true(widest(&text) <= 80);
    text_done(&text);
}

static void without_utf8_it_is_ascii(void **state)
{
    struct summary_style style = {.columns = 80};
    struct text text = {0};
    render(&text, sample_server, &style);
    for (size_t i = 0; i < text.n; i++)
        assert_in_range((unsigned char)text.bytes[i], '\n', '~');
    hold_to_golden("summary-ascii", &text);
    assert_true(widest(&text) <= 80);
    text_done(&text);
}

/* Colours only add sequences: without them the text is the same. */
static void colours_change_nothing_else(void **state)
{
    struct summary_style style = {.columns = 80, .utf8 = true};
    struct text plain = {0}, coloured = {0}, stripped = {0};
    render(&plain, sample_server, &style);
    style.color = true;
    render(&coloured, sample_server, &style);
    assert_null(memchr(plain.bytes, '\033', plain.n));
    assert_non_null(memchr(coloured.bytes, '\033', coloured.n));
    for (const char *at = text_string(&coloured); *at; at++) {
        if (*at == '\033')
            at = strchr(at, 'm');
        else
            text_add_char(&stripped, *at);
    }
    assert_string_equal(text_string(&plain), text_string(&stripped));
    text_done(&plain);
    text_done(&coloured);
    text_done(&stripped);
}

/* Nothing that a program calls itself reaches the terminal as a control. */
static void hostile_names_are_harmless(void **state)
{
    for (int full = 0; full < 2; full++) {
        struct summary_style style = {.columns = 80, .utf8 = true, .full = full};
        struct text text = {0};
        render(&text, sample_hostile, &style);
        for (size_t at = 0; at < text.n;) {
            bool valid = false;
            uint32_t code = text_next_code(text.bytes, text.n, &at, &valid);
            assert_true(valid);
            assert_true(code == '\n' || !text_code_unsafe(code));
        }
        assert_true(widest(&text) <= 80);
        text_done(&text);
    }
}

static void an_empty_run_says_so(void **state)
{
    struct summary_style style = {.columns = 80, .utf8 = true};
    struct text text = {0};
    render(&text, sample_empty, &style);
    hold_to_golden("summary-empty", &text);
    assert_non_null(strstr(text_string(&text), "nothing to do here"));
    text_done(&text);
}

static void names_fit_their_columns(void **state)
{
    static const struct {
        const char *name;
        size_t width;
        const char *shown;
    } cases[] = {
            {"short", 8, "short   "},      {"exactly8", 8, "exactly8"},
            {"0123456789", 5, "01…89"},    {"0123456789", 2, "0…"},
            {"0123456789", 1, "…"},        {"ab", 0, ""},
            {"日本語日本語", 7, "日…語 "}, {"e\xcc\x81", 3, "e\xcc\x81  "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text = {0};
        columns_add_left(&text, cases[i].name, cases[i].width);
        assert_int_equal(columns_width(text_string(&text), text.n), cases[i].width);
        text_done(&text);
    }
}

static void counts_are_readable(void **state)
{
    static const struct {
        uint64_t n;
        const char *shown;
    } cases[] = {{0, "0"},          {999, "999"},          {1204, "1 204"},
                 {99999, "99 999"}, {300900, "300.9 k"},   {11200000, "11.2 M"},
                 {999960, "1.0 M"}, {3100000000, "3.1 G"}, {UINT64_MAX, "18.4 E"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text = {0};
        columns_add_count(&text, cases[i].n);
        assert_string_equal(text_string(&text), cases[i].shown);
        text_done(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(widths_have_their_golden_text),
            cmocka_unit_test(the_full_one_fits_its_width),
            cmocka_unit_test(the_full_one_has_its_golden_text),
            cmocka_unit_test(without_utf8_it_is_ascii),
            cmocka_unit_test(colours_change_nothing_else),
            cmocka_unit_test(hostile_names_are_harmless),
            cmocka_unit_test(an_empty_run_says_so),
            cmocka_unit_test(names_fit_their_columns),
            cmocka_unit_test(counts_are_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
