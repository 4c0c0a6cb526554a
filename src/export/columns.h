/* SPDX-License-Identifier: Apache-2.0 */
/* Text in columns: widths as a terminal counts them, shortened names, and the way to ASCII. */
#ifndef MEMSCOPE_EXPORT_COLUMNS_H
#define MEMSCOPE_EXPORT_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* Columns that valid UTF-8 takes: wide characters two, combining ones none. */
size_t columns_width(const char *bytes, size_t n);

/* Appends a name in exactly `width` columns: padded, or shortened in the middle by '…'. */
void columns_add_left(struct text *text, const char *name, size_t width);
/* As columns_add_left, without padding behind. */
void columns_add_short(struct text *text, const char *name, size_t width);
/* Right-aligned; never shortened. */
void columns_add_right(struct text *text, const char *value, size_t width);

/* Appends n blanks. */
void columns_add_blanks(struct text *text, size_t n);

/* Appends a count: "1 204", from 100 000 on "300.9 k", "11.2 M", "3.1 G". */
void columns_add_count(struct text *text, uint64_t n);

/* Appends a line of `width` bars for values 0 … most, each the highest of its share. */
void columns_add_bars(struct text *text, const uint64_t *values, size_t n, size_t width);

/* Appends UTF-8 as ASCII, one column for one column. */
void columns_add_ascii(struct text *text, const char *bytes, size_t n);

#endif
