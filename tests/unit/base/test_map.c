/* SPDX-License-Identifier: Apache-2.0 */
/* Maps: every key that was put is found with its last value, compared with a plain table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/map.h"

enum { KEYS = 4096, STEPS = 200000 };

/* The key of a small number; neighbours differ in high bits only, or in low bits only. */
static uint64_t key_of(unsigned i, int spread)
{
    return spread ? (uint64_t)i << 52 : i;
}

static void compare_with_table(int spread)
{
    static int64_t table[KEYS];
    for (unsigned i = 0; i < KEYS; i++)
        table[i] = MAP_NONE;
    struct map map = {0};
    size_t distinct = 0;
    unsigned seed = 3;
    for (unsigned step = 0; step < STEPS; step++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned i = seed >> 20;
        if (seed & 1u << 8) {
            distinct += table[i] == MAP_NONE;
            table[i] = step;
            assert_true(map_put(&map, key_of(i, spread), step));
        } else {
            assert_int_equal(map_find(&map, key_of(i, spread)), table[i]);
        }
    }
    assert_int_equal(map.n, distinct);
    for (unsigned i = 0; i < KEYS; i++)
        assert_int_equal(map_find(&map, key_of(i, spread)), table[i]);
    assert_int_equal(map_find(&map, 0x123456789abcdef1u), MAP_NONE);
    map_done(&map);
    assert_int_equal(map_find(&map, 0), MAP_NONE);
}

static void test_dense_keys(void **state)
{
    (void)state;
    compare_with_table(0);
}

static void test_keys_that_differ_in_high_bits(void **state)
{
    (void)state;
    compare_with_table(1);
}

/* Values up to the largest must not be taken for MAP_NONE, nor key 0 for a free slot. */
static void test_extremes(void **state)
{
    (void)state;
    struct map map = {0};
    assert_int_equal(map_find(&map, 0), MAP_NONE);
    assert_true(map_put(&map, 0, UINT32_MAX));
    assert_true(map_put(&map, UINT64_MAX, 0));
    assert_true(map_find(&map, 0) == (int64_t)UINT32_MAX);
    assert_int_equal(map_find(&map, UINT64_MAX), 0);
    map_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_dense_keys),
            cmocka_unit_test(test_keys_that_differ_in_high_bits),
            cmocka_unit_test(test_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
