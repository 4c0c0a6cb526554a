/* SPDX-License-Identifier: Apache-2.0 */
/* Column arithmetic. Widths are ranges of code points, since wcwidth() follows the locale. */
#include "export/columns.h"

#include <string.h>

static unsigned columns_of_code(uint32_t code)
{
    static const struct {
        uint32_t from, to;
        unsigned width;
    } ranges[] = {
            {0x300, 0x36f, 0},   {0x200b, 0x200d, 0},   {0xfe00, 0xfe0f, 0},   {0x1100, 0x115f, 2},
            {0x2e80, 0xa4cf, 2}, {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},   {0xfe30, 0xfe6f, 2},
            {0xff00, 0xff60, 2}, {0x1f300, 0x1faff, 2}, {0x20000, 0x3fffd, 2},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (code >= ranges[i].from && code <= ranges[i].to)
            return ranges[i].width;
    }
    return 1;
}

size_t columns_width(const char *bytes, size_t n)
{
    size_t width = 0;
    for (size_t at = 0; at < n;)
        width += columns_of_code(text_next_code(bytes, n, &at, NULL));
    return width;
}

/* The bytes of the longest beginning that takes at most width columns. */
static size_t columns_head(const char *bytes, size_t n, size_t width)
{
    size_t at = 0, used = 0;
    while (at < n) {
        size_t next = at;
        used += columns_of_code(text_next_code(bytes, n, &next, NULL));
        if (used > width)
            break;
        at = next;
    }
    return at;
}

void columns_add_short(struct text *text, const char *name, size_t width)
{
    size_t n = strlen(name), all = columns_width(name, n);
    if (all <= width) {
        text_add_n(text, name, n);
        return;
    }
    if (width < 2) {
        text_add(text, width ? "…" : "");
        return;
    }
    size_t tail_width = (width - 1) * 2 / 3; /* the end of a path says more than its beginning */
    size_t head = columns_head(name, n, width - 1 - tail_width);
    size_t tail = columns_head(name, n, all - tail_width);
    while (columns_width(name + tail, n - tail) > tail_width)
        tail += columns_head(name + tail, n - tail, 2);
    text_add_n(text, name, head);
    text_add(text, "…");
    text_add_n(text, name + tail, n - tail);
}

void columns_add_blanks(struct text *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        text_add_char(text, ' ');
}

void columns_add_left(struct text *text, const char *name, size_t width)
{
    size_t start = text->n;
    columns_add_short(text, name, width);
    size_t used = text->n > start ? columns_width(text->bytes + start, text->n - start) : 0;
    columns_add_blanks(text, used < width ? width - used : 0);
}

void columns_add_right(struct text *text, const char *value, size_t width)
{
    size_t used = columns_width(value, strlen(value));
    columns_add_blanks(text, used < width ? width - used : 0);
    text_add(text, value);
}

void columns_add_count(struct text *text, uint64_t n)
{
    static const char units[] = "kMGTPE";
    if (n < 100000) {
        text_add_grouped(text, n);
        return;
    }
    double value = (double)n / 1000;
    size_t unit = 0;
    for (; value >= 999.95 && unit < sizeof units - 2; unit++)
        value /= 1000;
    text_printf(text, "%.1f %c", value, units[unit]);
}

void columns_add_bars(struct text *text, const uint64_t *values, size_t n, size_t width)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    uint64_t most = 1;
    for (size_t i = 0; i < n; i++)
        most = values[i] > most ? values[i] : most;
    for (size_t column = 0; n && column < width; column++) {
        size_t from = column * n / width, to = (column + 1) * n / width;
        uint64_t high = 0;
        for (size_t i = from; i < (to > from ? to : from + 1) && i < n; i++)
            high = values[i] > high ? values[i] : high;
        text_add(text, bars[(size_t)((double)high / (double)most * 7.0 + 0.5)]);
    }
}

void columns_add_ascii(struct text *text, const char *bytes, size_t n)
{
    static const struct {
        uint32_t code;
        char ascii;
    } known[] = {
            {0x2026, '~'}, {0xb5, 'u'},   {0xb7, '-'},   {0xb2, '2'},   {0xb1, '~'},
            {0x2581, '.'}, {0x2582, ':'}, {0x2583, '-'}, {0x2584, '='}, {0x2585, '='},
            {0x2586, '+'}, {0x2587, '*'}, {0x2588, '#'}, {0x25b2, '^'}, {0xa0, ' '},
            {0x202f, ' '}, {0x2192, '>'}, {0x2013, '-'},
    };
    for (size_t at = 0; at < n;) {
        uint32_t code = text_next_code(bytes, n, &at, NULL);
        char ascii = code < 0x80 ? (char)code : '?';
        for (size_t i = 0; code >= 0x80 && i < sizeof known / sizeof known[0]; i++)
            ascii = known[i].code == code ? known[i].ascii : ascii;
        for (unsigned i = 0; i < (code < 0x80 ? 1 : columns_of_code(code)); i++)
            text_add_char(text, ascii);
    }
}
