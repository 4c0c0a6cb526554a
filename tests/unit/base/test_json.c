/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: exact texts for nesting and escapes, doubles that come back, a sink that fails. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static int sink_into_text(void *context, const char *bytes, size_t n)
{
    text_add_n(context, bytes, n);
    return 0;
}

static void test_nesting(void **state)
{
    (void)state;
    struct text out = {0};
    struct json json;
    json_init(&json, sink_into_text, &out);
    json_object_begin(&json);
    json_key_u64(&json, "n", UINT64_MAX);
    json_key(&json, "list");
    json_array_begin(&json);
    json_i64(&json, INT64_MIN);
    json_array_begin(&json);
    json_array_end(&json);
    json_object_begin(&json);
    json_object_end(&json);
    json_null(&json);
    json_array_end(&json);
    json_key_bool(&json, "yes", true);
    json_key_string(&json, "s", "t");
    json_object_end(&json);
    assert_int_equal(json_finish(&json), 0);
    assert_string_equal(text_string(&out), "{\"n\":18446744073709551615,\"list\":"
                                           "[-9223372036854775808,[],{},null],\"yes\":true,"
                                           "\"s\":\"t\"}");
    text_done(&out);
}

static void test_indented(void **state)
{
    (void)state;
    struct text out = {0};
    struct json json;
    json_init(&json, sink_into_text, &out);
    json.indented = true;
    json_object_begin(&json);
    json_key(&json, "a");
    json_array_begin(&json);
    json_u64(&json, 1);
    json_u64(&json, 2);
    json_array_end(&json);
    json_key(&json, "b");
    json_array_begin(&json);
    json_array_end(&json);
    json_object_end(&json);
    assert_int_equal(json_finish(&json), 0);
    assert_string_equal(text_string(&out), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": []\n}\n");
    text_done(&out);
}

static void assert_string_as(const char *bytes, size_t n, bool for_html, const char *wanted)
{
    struct text out = {0};
    struct json json;
    json_init(&json, sink_into_text, &out);
    json.for_html = for_html;
    json_string_n(&json, bytes, n);
    assert_int_equal(json_finish(&json), 0);
    assert_string_equal(text_string(&out), wanted);
    text_done(&out);
}

static void test_strings(void **state)
{
    (void)state;
    assert_string_as("a\"\\\n\t\0z", 7, false, "\"a\\\"\\\\\\n\\u0009\\u0000z\"");
    assert_string_as("\xff\xed\xa0\x80", 1, false, "\"\xef\xbf\xbd\"");
    assert_string_as("</script>&", 10, false, "\"</script>&\"");
    assert_string_as("</script>&", 10, true, "\"\\u003c/script\\u003e\\u0026\"");
    assert_string_as("\xe2\x80\xa8", 3, true, "\"\\u2028\"");
}

static void test_doubles_come_back(void **state)
{
    (void)state;
    static const double values[] = {0,    -0.0, 1,   0.1,   1e-300, 1.7976931348623157e308,
                                    -2.5, 1e21, 123, 5e-324};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct text out = {0};
        struct json json;
        json_init(&json, sink_into_text, &out);
        json_double(&json, values[i], 17);
        assert_int_equal(json_finish(&json), 0);
        double back = strtod(text_string(&out), NULL);
        assert_memory_equal(&back, &values[i], sizeof back);
        text_done(&out);
    }
}

static void test_no_number_is_null(void **state)
{
    (void)state;
    struct text out = {0};
    struct json json;
    json_init(&json, sink_into_text, &out);
    json_array_begin(&json);
    json_double(&json, (double)NAN, 6);
    json_double(&json, (double)INFINITY, 6);
    json_double(&json, 0.1 + 0.2, 6);
    json_array_end(&json);
    assert_int_equal(json_finish(&json), 0);
    assert_string_equal(text_string(&out), "[null,null,0.3]");
    text_done(&out);
}

/* Far more than the writer's buffer; compared with the same text made by snprintf. */
static void test_output_goes_on_past_the_buffer(void **state)
{
    (void)state;
    struct text out = {0}, wanted = {0};
    struct json json;
    json_init(&json, sink_into_text, &out);
    json_array_begin(&json);
    text_add(&wanted, "[");
    for (unsigned i = 0; i < 60000; i++) {
        json_u64(&json, i);
        text_printf(&wanted, i ? ",%u" : "%u", i);
    }
    json_array_end(&json);
    text_add(&wanted, "]");
    assert_int_equal(json_finish(&json), 0);
    assert_int_equal(out.n, wanted.n);
    assert_memory_equal(out.bytes, wanted.bytes, wanted.n);
    text_done(&out);
    text_done(&wanted);
}

static int sink_that_fails(void *context, const char *bytes, size_t n)
{
    (void)bytes;
    (void)n;
    ++*(int *)context;
    return -3;
}

static void test_a_failed_sink_is_not_called_again(void **state)
{
    (void)state;
    int calls = 0;
    struct json json;
    json_init(&json, sink_that_fails, &calls);
    json_array_begin(&json);
    for (unsigned i = 0; i < 60000; i++)
        json_u64(&json, i);
    json_array_end(&json);
    assert_int_equal(json_finish(&json), -3);
    assert_int_equal(calls, 1);
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    struct text out = {0};
    struct json json;
    json_init(&json, sink_into_text, &out);
    for (int i = 0; i < JSON_DEPTH_MAX + 1; i++)
        json_array_begin(&json);
    for (int i = 0; i < JSON_DEPTH_MAX + 1; i++)
        json_array_end(&json);
    assert_true(json_finish(&json) < 0);
    text_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_nesting),
            cmocka_unit_test(test_indented),
            cmocka_unit_test(test_strings),
            cmocka_unit_test(test_doubles_come_back),
            cmocka_unit_test(test_no_number_is_null),
            cmocka_unit_test(test_output_goes_on_past_the_buffer),
            cmocka_unit_test(test_a_failed_sink_is_not_called_again),
            cmocka_unit_test(test_depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
