/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics: the deepest cause stays, long ones are cut, the result is handed through. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"

static void test_first_sentence_stays(void **state)
{
    (void)state;
    struct diag diag = {0};
    assert_int_equal(diag_set(&diag, ERR_IO, "cannot read %s", "a.mscope"), ERR_IO);
    assert_int_equal(diag_set(&diag, ERR_FORMAT, "no recording"), ERR_FORMAT);
    assert_int_equal(diag_set_errno(&diag, ERR_LIMIT, ENOENT, "other"), ERR_LIMIT);
    assert_string_equal(diag.text, "cannot read a.mscope");
    assert_int_equal(diag_set(NULL, ERR_MEMORY, "nobody listens"), ERR_MEMORY);
}

static void test_errno_is_said_in_words(void **state)
{
    (void)state;
    struct diag diag = {0};
    diag_set_errno(&diag, ERR_IO, ENOSPC, "cannot write %s", "out.json");
    assert_string_equal(diag.text, "cannot write out.json: No space left on device");
    struct diag odd = {0};
    diag_set_errno(&odd, ERR_IO, 99999, "cannot");
    assert_string_equal(odd.text, "cannot: unknown error");
}

static void test_long_sentences_are_cut(void **state)
{
    (void)state;
    char name[2000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    struct diag diag = {0};
    diag_set_errno(&diag, ERR_IO, ENOENT, "%s", name);
    assert_int_equal(strlen(diag.text), sizeof diag.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_first_sentence_stays),
            cmocka_unit_test(test_errno_is_said_in_words),
            cmocka_unit_test(test_long_sentences_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
