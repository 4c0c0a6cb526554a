/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors: items survive growth, the maximum holds, a refused push changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/vec.h"

static void test_items_survive_growth(void **state)
{
    (void)state;
    VEC(uint64_t) xs = {0};
    for (uint64_t i = 0; i < 100000; i++)
        assert_true(VEC_PUSH(&xs, SIZE_MAX, i * i));
    uint64_t i = 0;
    VEC_EACH (uint64_t, x, &xs) {
        assert_true(*x == i * i);
        i++;
    }
    assert_int_equal(i, 100000);
    vec_done(&xs);
    assert_int_equal(xs.n, 0);
    assert_true(VEC_PUSH(&xs, 1, 5));
    vec_done(&xs);
}

static void test_maximum(void **state)
{
    (void)state;
    VEC(int) xs = {0};
    for (int i = 0; i < 37; i++)
        assert_true(VEC_PUSH(&xs, 37, i));
    assert_false(VEC_PUSH(&xs, 37, 37));
    assert_int_equal(xs.n, 37);
    assert_true(xs.capacity <= 37);
    assert_int_equal(xs.at[36], 36);
    assert_false(vec_reserve(&xs, sizeof(int), SIZE_MAX, SIZE_MAX));
    assert_false(vec_reserve(&xs, sizeof(int), SIZE_MAX / sizeof(int), SIZE_MAX));
    assert_int_equal(xs.at[36], 36);
    vec_done(&xs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_items_survive_growth),
            cmocka_unit_test(test_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
