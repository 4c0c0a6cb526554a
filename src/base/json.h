/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streaming JSON writer: values go to a sink as they come, nothing is kept but the nesting.
 *
 * Strings may hold any bytes: invalid UTF-8 becomes U+FFFD, controls become \u00XX. With
 * `for_html` set, '<', '>', '&', U+2028 and U+2029 are escaped too, so that the result may stand
 * inside a <script> element.
 */
#ifndef MEMSCOPE_BASE_JSON_H
#define MEMSCOPE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { JSON_DEPTH_MAX = 64 };

struct json {
    /* Takes n bytes; a negative result is sticky in `err`. */
    int (*sink)(void *context, const char *bytes, size_t n);
    void *context;
    bool for_html;
    bool indented; /* one item a line, two spaces a level */
    int err;
    unsigned depth;
    bool has_item[JSON_DEPTH_MAX];
    bool after_key;
    struct text buffer;
};

void json_init(struct json *json, int (*sink)(void *, const char *, size_t), void *context);

/* Flushes what is buffered; returns 0, the sink's first error or ERR_MEMORY. The writer is done
 * with. */
int json_finish(struct json *json);

void json_object_begin(struct json *json);
void json_object_end(struct json *json);
void json_array_begin(struct json *json);
void json_array_end(struct json *json);
/* A key that we name: plain ASCII. */
void json_key(struct json *json, const char *key);
void json_string(struct json *json, const char *string);
void json_string_n(struct json *json, const char *bytes, size_t n);
void json_u64(struct json *json, uint64_t value);
void json_i64(struct json *json, int64_t value);
/* Shortest of up to `digits` significant digits; NaN and infinities become null. */
void json_double(struct json *json, double value, int digits);
void json_bool(struct json *json, bool value);
void json_null(struct json *json);

/* key and value in one. */
void json_key_u64(struct json *json, const char *key, uint64_t value);
void json_key_string(struct json *json, const char *key, const char *value);
void json_key_double(struct json *json, const char *key, double value, int digits);
void json_key_bool(struct json *json, const char *key, bool value);

#endif
