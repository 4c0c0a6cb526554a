/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns as LeakSanitizer's documentation has them; files, right and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/suppress.h"

static void patterns_match_as_documented(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
            {"foo", "foo", true},
            {"foo", "a_foo_b", true},
            {"foo", "fo", false},
            {"^foo", "foobar", true},
            {"^foo", "a_foo", false},
            {"foo$", "a_foo", true},
            {"foo$", "foob", false},
            {"^foo$", "foo", true},
            {"^foo$", "foofoo", false},
            {"foo$", "foofoo", true},
            {"f*o", "xfabco", true},
            {"^f*o$", "fabcoo", true},
            {"^f*o$", "fabcx", false},
            {"a*b*c", "1a2b3c4", true},
            {"a*b*c", "acb", false},
            {"*", "anything", true},
            {"*", "", false},
            {"libssl.so", "/usr/lib/libssl.so.3", true},
            {"std::vector<*>::push_back", "std::vector<int>::push_back(int&&)", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (suppress_matches(cases[i].pattern, cases[i].name) != cases[i].matches)
            fail_msg("%s on %s", cases[i].pattern, cases[i].name);
    }
}

static void a_file_has_rules_comments_and_blanks(void **state)
{
    struct suppress rules = {.rules = {.n = 0}};
    struct diag diag = {""};
    assert_int_equal(
            suppress_parse(&rules, "# why\n\nleak:one\r\n  leak:two *  \nleak:3", "x", &diag), 0);
    assert_int_equal(rules.rules.n, 3);
    assert_string_equal(rules.rules.at[0].pattern, "one");
    assert_string_equal(rules.rules.at[1].pattern, "two *");
    assert_string_equal(rules.rules.at[2].pattern, "3");
    suppress_done(&rules);
}

static void a_wrong_line_is_named(void **state)
{
    static const char *const wrong[] = {"leak:ok\nrace:foo\n", "leak:ok\nleak:\n", "leak:ok\nfoo"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct suppress rules = {.rules = {.n = 0}};
        struct diag diag = {""};
        assert_true(suppress_parse(&rules, wrong[i], "file.supp", &diag) < 0);
        assert_non_null(strstr(diag.text, "file.supp:2:"));
        suppress_done(&rules);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(patterns_match_as_documented),
            cmocka_unit_test(a_file_has_rules_comments_and_blanks),
            cmocka_unit_test(a_wrong_line_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
