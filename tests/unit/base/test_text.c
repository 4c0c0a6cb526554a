/* SPDX-License-Identifier: Apache-2.0 */
/* Text: UTF-8 against the C library's iconv as oracle, hostile names, and numbers for people. */
#include <iconv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

/* The length of the one valid sequence that bytes begin with, by iconv; 0 = none. */
static size_t oracle_length(iconv_t oracle, const char *bytes, size_t n, uint32_t *ret_code)
{
    for (size_t length = 1; length <= 4 && length <= n; length++) {
        char in_bytes[4], out_bytes[8];
        memcpy(in_bytes, bytes, length);
        char *in = in_bytes, *out = out_bytes;
        size_t in_left = length, out_left = sizeof out_bytes;
        iconv(oracle, NULL, NULL, NULL, NULL);
        if (iconv(oracle, &in, &in_left, &out, &out_left) != (size_t)-1 && out_left == 4) {
            memcpy(ret_code, out_bytes, 4);
            return length;
        }
    }
    return 0;
}

static void test_utf8_as_iconv(void **state)
{
    (void)state;
    static const unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
                                          0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0,
                                          0xe1, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff};
    enum { EDGES = sizeof edges };
    iconv_t oracle = iconv_open("UTF-32LE", "UTF-8");
    assert_true(oracle != (iconv_t)-1);
    for (unsigned i = 0; i < EDGES * EDGES * EDGES * EDGES; i++) {
        char bytes[4] = {(char)edges[i % EDGES], (char)edges[i / EDGES % EDGES],
                         (char)edges[i / EDGES / EDGES % EDGES],
                         (char)edges[i / EDGES / EDGES / EDGES]};
        uint32_t wanted = 0xfffd;
        size_t length = oracle_length(oracle, bytes, sizeof bytes, &wanted);
        size_t at = 0;
        bool valid;
        assert_int_equal(text_next_code(bytes, sizeof bytes, &at, &valid), wanted);
        assert_int_equal(valid, length > 0);
        assert_int_equal(at, length ? length : 1);
    }
    iconv_close(oracle);
}

static void test_every_code_comes_back(void **state)
{
    (void)state;
    struct text text = {0};
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        if (code >= 0xd800 && code < 0xe000)
            continue;
        text_clear(&text);
        text_add_code(&text, code);
        size_t at = 0;
        bool valid;
        assert_int_equal(text_next_code(text.bytes, text.n, &at, &valid), code);
        assert_true(valid && at == text.n);
    }
    text_done(&text);
}

static void assert_shown(const char *bytes, size_t n, const char *wanted)
{
    struct text text = {0};
    text_add_shown(&text, bytes, n);
    assert_string_equal(text_string(&text), wanted);
    text_done(&text);
}

static void test_hostile_names_are_harmless(void **state)
{
    (void)state;
    assert_shown("\033[2Jx", 5, "\\x1b[2Jx");
    assert_shown("a\0b\r\n", 5, "a\\x00b\\x0d\\x0a");
    assert_shown("\xc2\x9b"
                 "31m",
                 5, "\\x9b31m"); /* the 8-bit CSI */
    assert_shown("\xe2\x80\xae"
                 "exe",
                 6, "\\u{202e}exe");                         /* right-to-left override */
    assert_shown("\xff\xc3", 2, "\xef\xbf\xbd\xef\xbf\xbd"); /* invalid, cut short */
    assert_shown("na\xc3\xafve", 6, "na\xc3\xafve");
    assert_shown("", 0, "");
}

static void assert_iec(uint64_t bytes, const char *wanted)
{
    struct text text = {0};
    text_add_bytes_iec(&text, bytes);
    assert_string_equal(text_string(&text), wanted);
    text_done(&text);
}

static void test_bytes_for_people(void **state)
{
    (void)state;
    assert_iec(0, "0 B");
    assert_iec(1023, "1023 B");
    assert_iec(1024, "1.0 KiB");
    assert_iec(432642458, "412.6 MiB");
    assert_iec(1048575, "1.0 MiB"); /* never "1024.0 KiB" */
    assert_iec((uint64_t)1 << 40, "1.0 TiB");
    assert_iec(UINT64_MAX, "16.0 EiB");
}

static void test_grouped(void **state)
{
    (void)state;
    static const struct {
        uint64_t n;
        const char *wanted;
    } cases[] = {{0, "0"},
                 {999, "999"},
                 {1000, "1 000"},
                 {18412770, "18 412 770"},
                 {UINT64_MAX, "18 446 744 073 709 551 615"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text text = {0};
        text_add_grouped(&text, cases[i].n);
        assert_string_equal(text_string(&text), cases[i].wanted);
        text_done(&text);
    }
}

static void test_growth(void **state)
{
    (void)state;
    struct text text = {0};
    assert_string_equal(text_string(&text), "");
    for (int i = 0; i < 10000; i++)
        text_printf(&text, "%d,", i % 10);
    assert_int_equal(text.n, 20000);
    for (int i = 0; i < 10000; i++)
        assert_true(text.bytes[2 * i] == '0' + i % 10 && text.bytes[2 * i + 1] == ',');
    assert_int_equal(text.bytes[text.n], 0);
    text_add_n(&text, "x", (size_t)1 << 31); /* over the maximum: refused before it is read */
    assert_true(text.failed);
    assert_int_equal(text.n, 20000);
    text_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_utf8_as_iconv),
            cmocka_unit_test(test_every_code_comes_back),
            cmocka_unit_test(test_hostile_names_are_harmless),
            cmocka_unit_test(test_bytes_for_people),
            cmocka_unit_test(test_grouped),
            cmocka_unit_test(test_growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
