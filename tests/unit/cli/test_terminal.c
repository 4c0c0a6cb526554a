/* SPDX-License-Identifier: Apache-2.0 */
/* When colours are used: the option, then the variables in their order, then the stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/program_guess.h"
#include "cli/terminal.h"

static void wishes_have_their_order(void **state)
{
    static const struct {
        enum settings_color when;
        struct terminal_wishes wishes; /* NO_COLOR, CLICOLOR_FORCE, FORCE_COLOR, TERM */
        bool is_tty, color;
    } cases[] = {
            {COLOR_AUTO, {NULL, NULL, NULL, "xterm"}, true, true},
            {COLOR_AUTO, {NULL, NULL, NULL, "xterm"}, false, false},
            {COLOR_AUTO, {NULL, NULL, NULL, "dumb"}, true, false},
            {COLOR_AUTO, {NULL, NULL, NULL, NULL}, true, false},
            {COLOR_AUTO, {"1", NULL, NULL, "xterm"}, true, false},
            {COLOR_AUTO, {"", NULL, NULL, "xterm"}, true, true},
            {COLOR_AUTO, {"1", "1", NULL, "xterm"}, true, false},
            {COLOR_AUTO, {NULL, "1", NULL, "dumb"}, false, true},
            {COLOR_AUTO, {NULL, "0", NULL, "xterm"}, false, false},
            {COLOR_AUTO, {NULL, NULL, "1", "dumb"}, false, true},
            {COLOR_AUTO, {NULL, NULL, "", "xterm"}, false, false},
            {COLOR_ALWAYS, {"1", NULL, NULL, "dumb"}, false, true},
            {COLOR_NEVER, {NULL, "1", "1", "xterm"}, true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(terminal_wants_color(cases[i].when, &cases[i].wishes, cases[i].is_tty),
                         cases[i].color);
}

static void a_pipe_takes_the_width_from_the_environment(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    setenv("COLUMNS", "97", 1);
    assert_int_equal(terminal_of(ends[1], COLOR_AUTO).columns, 97);
    setenv("COLUMNS", "wide", 1);
    assert_int_equal(terminal_of(ends[1], COLOR_AUTO).columns, 80);
    setenv("COLUMNS", "0", 1);
    assert_int_equal(terminal_of(ends[1], COLOR_AUTO).columns, 80);
    unsetenv("COLUMNS");
    setenv("LC_ALL", "C", 1);
    assert_false(terminal_of(ends[1], COLOR_AUTO).utf8);
    setenv("LC_ALL", "C.UTF-8", 1);
    assert_true(terminal_of(ends[1], COLOR_AUTO).utf8);
    assert_false(terminal_of(ends[1], COLOR_AUTO).is_tty);
    close(ends[0]);
    close(ends[1]);
}

static void programs_nearby_are_offered(void **state)
{
    char folder[] = "/tmp/memscope-test-guess-XXXXXX", path[128], asked[128];
    struct text text = {0};
    assert_non_null(mkdtemp(folder));
    (void)!snprintf(path, sizeof path, "%s/server", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    (void)!snprintf(asked, sizeof asked, "%s/sevrer", folder);
    program_add_guess(&text, asked);
    assert_string_equal(text_string(&text), ""); /* it cannot be executed */
    assert_int_equal(chmod(path, 0700), 0);
    program_add_guess(&text, asked);
    assert_string_equal(text_string(&text), path);
    text_clear(&text);
    setenv("PATH", folder, 1);
    program_add_guess(&text, "srver");
    assert_string_equal(text_string(&text), "server");
    text_clear(&text);
    program_add_guess(&text, "nothing_like_it");
    assert_string_equal(text_string(&text), "");
    text_done(&text);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(wishes_have_their_order),
            cmocka_unit_test(a_pipe_takes_the_width_from_the_environment),
            cmocka_unit_test(programs_nearby_are_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
