/* SPDX-License-Identifier: Apache-2.0 */
/* Text building, UTF-8 and the two number formats that people read. */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MOST_BYTES = 1 << 30 };

static bool text_room(struct text *text, size_t more)
{
    if (text->failed || more > TEXT_MOST_BYTES - text->n - 1) {
        text->failed = true;
        return false;
    }
    if (text->n + more + 1 <= text->capacity)
        return true;
    size_t capacity = text->capacity * 2 + more + 64;
    char *bytes = realloc(text->bytes, capacity);
    if (!bytes) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void text_add_n(struct text *text, const char *bytes, size_t n)
{
    if (n == 0 || !text_room(text, n))
        return;
    memcpy(text->bytes + text->n, bytes, n);
    text->n += n;
    text->bytes[text->n] = 0;
}

void text_add(struct text *text, const char *string)
{
    text_add_n(text, string, strlen(string));
}

void text_add_char(struct text *text, char c)
{
    text_add_n(text, &c, 1);
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n > 0 && text_room(text, (size_t)n)) {
        vsnprintf(text->bytes + text->n, (size_t)n + 1, format, again);
        text->n += (size_t)n;
    }
    va_end(again);
}

void text_clear(struct text *text)
{
    text->n = 0;
    if (text->bytes)
        text->bytes[0] = 0;
}

void text_done(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}

const char *text_string(const struct text *text)
{
    return text->bytes ? text->bytes : "";
}

/* The length of the sequence that lead starts, 0 if it starts none. */
static int text_sequence_bytes(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead < 0xe0)
        return 2;
    if (lead >= 0xe0 && lead < 0xf0)
        return 3;
    return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

uint32_t text_next_code(const char *bytes, size_t n, size_t *at, bool *ret_valid)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *from = (const unsigned char *)bytes + *at;
    int length = text_sequence_bytes(from[0]);
    bool valid = length > 0 && (size_t)length <= n - *at;
    uint32_t code = !valid ? 0 : length == 1 ? from[0] : from[0] & (0x7fu >> length);
    for (int i = 1; valid && i < length; i++) {
        valid = (from[i] & 0xc0) == 0x80;
        code = code << 6 | (from[i] & 0x3fu);
    }
    if (valid && (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)))
        valid = false;
    *at += valid ? (size_t)length : 1;
    if (ret_valid)
        *ret_valid = valid;
    return valid ? code : 0xfffd;
}

void text_add_code(struct text *text, uint32_t code)
{
    char out[4];
    size_t n = 0;
    if (code < 0x80) {
        out[n++] = (char)code;
    } else if (code < 0x800) {
        out[n++] = (char)(0xc0 | code >> 6);
        out[n++] = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        out[n++] = (char)(0xe0 | code >> 12);
        out[n++] = (char)(0x80 | (code >> 6 & 0x3f));
        out[n++] = (char)(0x80 | (code & 0x3f));
    } else {
        out[n++] = (char)(0xf0 | code >> 18);
        out[n++] = (char)(0x80 | (code >> 12 & 0x3f));
        out[n++] = (char)(0x80 | (code >> 6 & 0x3f));
        out[n++] = (char)(0x80 | (code & 0x3f));
    }
    text_add_n(text, out, n);
}

bool text_code_unsafe(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x200e || code == 0x200f ||
           code == 0x61c || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

void text_add_shown(struct text *text, const char *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        uint32_t code = text_next_code(bytes, n, &at, NULL);
        if (!text_code_unsafe(code))
            text_add_code(text, code);
        else if (code < 0x100)
            text_printf(text, "\\x%02x", code);
        else
            text_printf(text, "\\u{%x}", code);
    }
}

void text_add_bytes_iec(struct text *text, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        text_printf(text, "%llu B", (unsigned long long)bytes);
        return;
    }
    double value = (double)bytes;
    int unit = 0;
    while (value >= 1023.95 && unit < 6) {
        value /= 1024;
        unit++;
    }
    text_printf(text, "%.1f %s", value, units[unit]);
}

void text_add_grouped(struct text *text, uint64_t n)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            text_add_char(text, ' ');
        text_add_char(text, digits[i]);
    }
}

void text_add_counted(struct text *text, uint64_t n, const char *noun)
{
    text_add_grouped(text, n);
    text_printf(text, " %s%s", noun, n == 1 ? "" : "s");
}
