/* SPDX-License-Identifier: Apache-2.0 */
/* Varints: round trips, the bytes of the specification, and refusal of what is malformed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "recording/codec.h"

static void test_round_trip(void **state)
{
    (void)state;
    struct codec_out out = {0};
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int delta = -1; delta <= 1; delta++) {
            uint64_t value = ((uint64_t)1 << bit) + (uint64_t)(int64_t)delta;
            codec_put_u64(&out, value);
            codec_put_i64(&out, (int64_t)value);
            codec_put_i64(&out, -(int64_t)(value & INT64_MAX));
        }
    }
    assert_false(out.failed);
    struct codec_in in = {.at = out.bytes, .end = out.bytes + out.n};
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int delta = -1; delta <= 1; delta++) {
            uint64_t value = ((uint64_t)1 << bit) + (uint64_t)(int64_t)delta;
            assert_true(codec_get_u64(&in) == value);
            assert_true(codec_get_i64(&in) == (int64_t)value);
            assert_true(codec_get_i64(&in) == -(int64_t)(value & INT64_MAX));
        }
    }
    assert_false(in.failed);
    assert_int_equal(codec_left(&in), 0);
    codec_out_done(&out);
}

static void test_bytes_of_the_specification(void **state)
{
    (void)state;
    static const uint8_t wanted[] = {0x00, 0x7f, 0x80, 0x01, 0xac, 0x02, 0x01, 0x03};
    struct codec_out out = {0};
    codec_put_u64(&out, 0);
    codec_put_u64(&out, 127);
    codec_put_u64(&out, 128);
    codec_put_u64(&out, 300);
    codec_put_i64(&out, -1);
    codec_put_i64(&out, -2);
    assert_int_equal(out.n, sizeof wanted);
    assert_memory_equal(out.bytes, wanted, sizeof wanted);
    codec_out_done(&out);
}

static void assert_refused(const char *bytes, size_t n)
{
    struct codec_in in = {.at = (const uint8_t *)bytes, .end = (const uint8_t *)bytes + n};
    assert_int_equal(codec_get_u64(&in), 0);
    assert_true(in.failed);
    assert_int_equal(codec_left(&in), 0);
}

static void test_malformed(void **state)
{
    (void)state;
    assert_refused("", 0);
    assert_refused("\x80", 1);
    assert_refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
    assert_refused("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11);
}

static void test_count_is_bounded_by_what_is_left(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {3, 0, 0, 0, 0, 0, 0};
    struct codec_in in = {.at = bytes, .end = bytes + sizeof bytes};
    assert_int_equal(codec_get_count(&in, 2), 3);
    in = (struct codec_in){.at = bytes, .end = bytes + sizeof bytes - 1};
    assert_int_equal(codec_get_count(&in, 2), 0);
    assert_true(in.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_round_trip),
            cmocka_unit_test(test_bytes_of_the_specification),
            cmocka_unit_test(test_malformed),
            cmocka_unit_test(test_count_is_bounded_by_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
