/* SPDX-License-Identifier: Apache-2.0 */
/* Draws against what the geometric distribution says of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "capture/sample.h"

static uint64_t rate_of(uint32_t weight)
{
    return weight | WIRE_RATE_KEEP;
}

static struct sample_thread thread_of(uint64_t seed, uint32_t weight)
{
    struct sample_thread thread;
    sample_seed(&thread, seed, 1, 2);
    sample_set_rate(&thread, rate_of(weight));
    return thread;
}

/* Each of n allocations is kept with probability 1/weight: the number is binomial. */
static void test_probability(void **state)
{
    (void)state;
    static const uint32_t weights[] = {1, 2, 3, 5, 17, 64, 100, 999, 65535};
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        struct sample_thread thread = thread_of(7 + i, weights[i]);
        double n = 4e6, p = 1.0 / weights[i], kept = 0;
        for (uint64_t k = 0; k < (uint64_t)n; k++) {
            unsigned weight = sample_take(&thread, 48);
            assert_true(weight == 0 || weight == weights[i]);
            kept += weight != 0;
        }
        assert_true(fabs(kept - n * p) <= 4.5 * sqrt(n * p * (1 - p)) + 1e-9);
    }
}

/* The skips themselves: P(skip = k) = p (1 - p)^k, by chi-square over 20 classes. */
static void test_distribution(void **state)
{
    (void)state;
    enum { CLASSES = 20, DRAWS = 1000000 };
    static const uint32_t weights[] = {2, 5, 100};
    for (size_t i = 0; i < 3; i++) {
        struct sample_thread thread = thread_of(99, weights[i]);
        double p = 1.0 / weights[i], seen[CLASSES] = {0}, chi = 0;
        /* Class c holds skips from bound[c] on; the bounds are quantiles. */
        uint32_t bound[CLASSES + 1];
        for (int c = 0; c <= CLASSES; c++)
            bound[c] = (uint32_t)ceil(log(1 - (double)c / CLASSES + 1e-300) / log(1 - p) - 1e-9);
        for (int k = 0; k < DRAWS; k++) {
            sample_draw(&thread, &thread.classes[0]);
            int c = CLASSES - 1;
            while (c && thread.classes[0].skip < bound[c])
                c--;
            seen[c]++;
        }
        int freedom = -1;
        for (int c = 0; c < CLASSES; c++) {
            double wanted = pow(1 - p, bound[c]) - (c + 1 < CLASSES ? pow(1 - p, bound[c + 1]) : 0);
            if (wanted * DRAWS < 5)
                continue;
            chi += (seen[c] - wanted * DRAWS) * (seen[c] - wanted * DRAWS) / (wanted * DRAWS);
            freedom++;
        }
        /* Mean and five deviations of the chi-square distribution. */
        assert_true(chi < freedom + 5 * sqrt(2.0 * freedom) + 5);
    }
}

/* The weight falls as the size grows, and no block of bytes weighs more than a small one. */
static void test_sizes(void **state)
{
    (void)state;
    struct sample_thread thread = thread_of(1, 100);
    uint32_t last = 100;
    for (uint64_t size = 0; size < (1u << 20); size += 1 + size / 7) {
        uint32_t weight = sample_class_of(&thread, size)->weight;
        assert_true(weight <= last && weight >= 1);
        assert_true(size < WIRE_RATE_SMALL_BYTES
                            ? weight == 100
                            : size * weight <= 2 * 100 * WIRE_RATE_SMALL_BYTES || weight == 1);
        last = weight;
    }
    assert_int_equal(sample_class_of(&thread, UINT64_MAX)->weight, 1);
    assert_int_equal(sample_take(&thread, 1u << 30), 1);
}

static void test_totals_only(void **state)
{
    (void)state;
    struct sample_thread thread = thread_of(1, 0);
    for (int i = 0; i < 1000000; i++)
        assert_int_equal(sample_take(&thread, (uint64_t)1 << i % 40), 0);
}

static void test_seeds(void **state)
{
    (void)state;
    struct sample_thread a = thread_of(5, 20), same = thread_of(5, 20), other = thread_of(6, 20);
    unsigned differences = 0;
    for (int i = 0; i < 100000; i++) {
        unsigned taken = sample_take(&a, 32);
        assert_int_equal(sample_take(&same, 32), taken);
        differences += sample_take(&other, 32) != taken;
    }
    assert_true(differences > 8000 && differences < 11000);
}

static void test_shares(void **state)
{
    (void)state;
    assert_int_equal(wire_weight_of_share(0), 0);
    assert_int_equal(wire_weight_of_share(1), 1);
    assert_int_equal(wire_weight_of_share(0.8), 1);
    assert_int_equal(wire_weight_of_share(0.5), 2);
    assert_int_equal(wire_weight_of_share(0.2), 5);
    assert_int_equal(wire_weight_of_share(0.05), 20);
    assert_int_equal(wire_weight_of_share(0.01), 100);
    assert_int_equal(wire_weight_of_share(1e-9), WIRE_WEIGHT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_probability), cmocka_unit_test(test_distribution),
            cmocka_unit_test(test_sizes),       cmocka_unit_test(test_totals_only),
            cmocka_unit_test(test_seeds),       cmocka_unit_test(test_shares),
    };
    sample_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
