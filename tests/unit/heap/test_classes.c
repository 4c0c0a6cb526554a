/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of sizes and lifetimes: each value lies in the class whose bounds enclose it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "heap/model.h"

/* Values around every power of two and every quarter of it. */
static void each_value(void (*check)(uint64_t value))
{
    for (unsigned bit = 0; bit < 64; bit++) {
        for (uint64_t quarter = 4; quarter < 8; quarter++) {
            uint64_t value = bit >= 2 ? quarter << (bit - 2) : quarter >> (2 - bit);
            check(value - 1);
            check(value);
            check(value + 1);
        }
    }
    check(0);
    check(UINT64_MAX);
}

static void size_check(uint64_t bytes)
{
    unsigned size_class = model_size_class(bytes);
    assert_in_range(size_class, 0, MODEL_SIZE_CLASSES - 1);
    assert_true(bytes >= model_size_class_least(size_class));
    assert_true(size_class == MODEL_SIZE_CLASSES - 1 ||
                bytes < model_size_class_least(size_class + 1) ||
                model_size_class_least(size_class) == model_size_class_least(size_class + 1));
    /* A class is a quarter of a power of two wide, so at most a quarter of its values. */
    if (bytes >= 8 && size_class + 1 < MODEL_SIZE_CLASSES)
        assert_true(model_size_class_least(size_class + 1) - model_size_class_least(size_class) <=
                    bytes / 4);
}

static void life_check(uint64_t ns)
{
    unsigned life_class = model_life_class(ns), cell_class = model_cell_life_class(ns);
    assert_true(ns >= model_life_class_least(life_class));
    assert_true(life_class == MODEL_LIFE_CLASSES - 1 ||
                ns < model_life_class_least(life_class + 1));
    assert_true(ns >= model_cell_life_class_least(cell_class));
    assert_true(cell_class == MODEL_CELL_LIFE_CLASSES - 1 ||
                ns < model_cell_life_class_least(cell_class + 1));
}

static void slice_size_check(uint64_t bytes)
{
    unsigned size_class = model_slice_size_class(bytes);
    if (size_class == 0)
        assert_true(bytes == 0);
    else
        assert_true(bytes >= (uint64_t)1 << (size_class - 1));
    assert_true(size_class == MODEL_SLICE_SIZE_CLASSES - 1 || bytes < (uint64_t)1 << size_class);
}

static void test_sizes(void **state)
{
    (void)state;
    each_value(size_check);
    each_value(slice_size_check);
    assert_int_equal(model_size_class(0), 0);
    assert_int_equal(model_size_class(1), 1);
    for (uint64_t bytes = 0; bytes < 100000; bytes++)
        size_check(bytes);
}

static void test_lifetimes(void **state)
{
    (void)state;
    each_value(life_check);
    for (unsigned i = 1; i < MODEL_LIFE_CLASSES; i++) {
        uint64_t least = (uint64_t)llround(1000 * pow(10, (i - 1) / 4.0));
        assert_true(model_life_class_least(i) == least);
        life_check(least - 1);
        life_check(least);
        assert_int_equal(model_life_class(least), i);
        assert_int_equal(model_life_class(least - 1), i - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_sizes),
            cmocka_unit_test(test_lifetimes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
