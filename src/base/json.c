/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer: commas, nesting and escapes. */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"

enum { JSON_FLUSH_BYTES = 64 << 10 };

void json_init(struct json *json, int (*sink)(void *, const char *, size_t), void *context)
{
    *json = (struct json){.sink = sink, .context = context};
}

static void json_flush(struct json *json)
{
    if (json->err == 0 && json->buffer.n)
        json->err = json->sink(json->context, json->buffer.bytes, json->buffer.n);
    text_clear(&json->buffer);
}

int json_finish(struct json *json)
{
    if (json->indented)
        text_add_char(&json->buffer, '\n');
    json_flush(json);
    int err = json->buffer.failed && json->err == 0 ? ERR_MEMORY : json->err;
    text_done(&json->buffer);
    return err;
}

static void json_line(struct json *json)
{
    if (!json->indented)
        return;
    text_add_char(&json->buffer, '\n');
    for (unsigned i = 0; i < json->depth; i++)
        text_add(&json->buffer, "  ");
}

/* What stands before any value or key: a comma where one is due. */
static void json_lead(struct json *json)
{
    if (json->buffer.n >= JSON_FLUSH_BYTES)
        json_flush(json);
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->depth == 0)
        return;
    if (json->has_item[json->depth - 1])
        text_add_char(&json->buffer, ',');
    json->has_item[json->depth - 1] = true;
    json_line(json);
}

static void json_open(struct json *json, char bracket)
{
    json_lead(json);
    text_add_char(&json->buffer, bracket);
    if (json->depth < JSON_DEPTH_MAX)
        json->has_item[json->depth++] = false;
    else
        json->err = -1;
}

static void json_close(struct json *json, char bracket)
{
    bool had = json->depth && json->has_item[--json->depth];
    if (had)
        json_line(json);
    text_add_char(&json->buffer, bracket);
}

void json_object_begin(struct json *json)
{
    json_open(json, '{');
}

void json_object_end(struct json *json)
{
    json_close(json, '}');
}

void json_array_begin(struct json *json)
{
    json_open(json, '[');
}

void json_array_end(struct json *json)
{
    json_close(json, ']');
}

static bool json_plain(const struct json *json, uint32_t code)
{
    if (code < 0x20 || code == '"' || code == '\\' || (code >= 0x7f && code < 0xa0))
        return false;
    return !json->for_html ||
           (code != '<' && code != '>' && code != '&' && code != 0x2028 && code != 0x2029);
}

static void json_escaped(struct json *json, const char *bytes, size_t n)
{
    struct text *out = &json->buffer;
    text_add_char(out, '"');
    for (size_t at = 0; at < n;) {
        uint32_t code = text_next_code(bytes, n, &at, NULL);
        if (json_plain(json, code))
            text_add_code(out, code);
        else if (code == '"' || code == '\\')
            text_printf(out, "\\%c", (int)code);
        else if (code == '\n')
            text_add(out, "\\n");
        else
            text_printf(out, "\\u%04x", code);
    }
    text_add_char(out, '"');
}

void json_key(struct json *json, const char *key)
{
    json_lead(json);
    json_escaped(json, key, strlen(key));
    text_add(&json->buffer, json->indented ? ": " : ":");
    json->after_key = true;
}

void json_string_n(struct json *json, const char *bytes, size_t n)
{
    json_lead(json);
    json_escaped(json, bytes, n);
}

void json_string(struct json *json, const char *string)
{
    json_string_n(json, string, strlen(string));
}

void json_u64(struct json *json, uint64_t value)
{
    json_lead(json);
    text_printf(&json->buffer, "%llu", (unsigned long long)value);
}

void json_i64(struct json *json, int64_t value)
{
    json_lead(json);
    text_printf(&json->buffer, "%lld", (long long)value);
}

void json_double(struct json *json, double value, int digits)
{
    json_lead(json);
    if (isfinite(value))
        text_printf(&json->buffer, "%.*g", digits, value);
    else
        text_add(&json->buffer, "null");
}

void json_bool(struct json *json, bool value)
{
    json_lead(json);
    text_add(&json->buffer, value ? "true" : "false");
}

void json_null(struct json *json)
{
    json_lead(json);
    text_add(&json->buffer, "null");
}

void json_key_u64(struct json *json, const char *key, uint64_t value)
{
    json_key(json, key);
    json_u64(json, value);
}

void json_key_string(struct json *json, const char *key, const char *value)
{
    json_key(json, key);
    json_string(json, value);
}

void json_key_double(struct json *json, const char *key, double value, int digits)
{
    json_key(json, key);
    json_double(json, value, digits);
}

void json_key_bool(struct json *json, const char *key, bool value)
{
    json_key(json, key);
    json_bool(json, value);
}
