/* SPDX-License-Identifier: Apache-2.0 */
/* Levels from MEMSCOPE_LOG and RUST_LOG as they stand in real shells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/guess.h"
#include "cli/log.h"

static void directives_of_others_are_ignored(void **state)
{
    static const struct {
        const char *directives;
        enum run_log_level level;
    } cases[] = {
            {NULL, RUN_LOG_WARN},
            {"", RUN_LOG_WARN},
            {"debug", RUN_LOG_DEBUG},
            {"TRACE", RUN_LOG_TRACE},
            {"info,hyper=warn", RUN_LOG_INFO},
            {"hyper=trace", RUN_LOG_WARN},
            {"hyper=trace,memscope=debug", RUN_LOG_DEBUG},
            {"error,memscope=trace", RUN_LOG_TRACE},
            {"memscope=trace,error", RUN_LOG_TRACE},
            {"memscope=off", RUN_LOG_ERROR},
            {"memscope=nonsense,info", RUN_LOG_INFO},
            {"my_crate", RUN_LOG_WARN},
            {"memscope_other=debug", RUN_LOG_WARN},
            {" debug , x=y", RUN_LOG_DEBUG},
            {",,,", RUN_LOG_WARN},
            {"tower_http[span{field=value}]=debug", RUN_LOG_WARN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(log_level_of(cases[i].directives, RUN_LOG_WARN), cases[i].level);
}

static void our_variable_goes_first(void **state)
{
    setenv("RUST_LOG", "trace", 1);
    setenv("MEMSCOPE_LOG", "error", 1);
    assert_int_equal(log_level_from_environment(), RUN_LOG_ERROR);
    unsetenv("MEMSCOPE_LOG");
    assert_int_equal(log_level_from_environment(), RUN_LOG_TRACE);
    unsetenv("RUST_LOG");
    assert_int_equal(log_level_from_environment(), RUN_LOG_WARN);
}

static void lines_are_whole_and_harmless(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct log log = {.fd = ends[1], .level = RUN_LOG_WARN};
    log_line(&log, RUN_LOG_WARN, "no %s here", "\033[31mred\n");
    log_line(&log, RUN_LOG_INFO, "not printed");
    close(ends[1]);
    char got[128] = "";
    assert_true(read(ends[0], got, sizeof got - 1) > 0);
    assert_string_equal(got, "memscope: no \\x1b[31mred\\x0a here\n");
    close(ends[0]);
}

static void distances_are_the_known_ones(void **state)
{
    assert_int_equal(guess_distance("", ""), 0);
    assert_int_equal(guess_distance("kitten", "sitting"), 3);
    assert_int_equal(guess_distance("ab", "ba"), 1);
    assert_int_equal(guess_distance("flaw", "lawn"), 2);
    assert_int_equal(guess_distance("abc", ""), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(directives_of_others_are_ignored),
            cmocka_unit_test(our_variable_goes_first),
            cmocka_unit_test(lines_are_whole_and_harmless),
            cmocka_unit_test(distances_are_the_known_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
