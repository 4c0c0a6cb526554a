/* SPDX-License-Identifier: Apache-2.0 */
/* A data section of the report page: columns, each with its codec (web/CONTRACT.md, section 4). */
#ifndef MEMSCOPE_EXPORT_SECTION_H
#define MEMSCOPE_EXPORT_SECTION_H

#include "base/json.h"
#include "base/text.h"
#include "export/export.h"

enum section_codec {
    CODEC_UNSIGNED = 'u', /* LEB128 */
    CODEC_DELTA = 'd',    /* differences, zig-zag, LEB128 */
    CODEC_STRINGS = 's',
    CODEC_DOUBLE = 'f',
};

struct section_column {
    const char *name;
    enum section_codec codec;
    size_t n; /* values */
    uint64_t last;
    struct text bytes;
};

enum { SECTION_COLUMNS_MAX = 64 };

struct section {
    const char *element; /* id in the page: "ms-s1" */
    struct section_column columns[SECTION_COLUMNS_MAX];
    size_t n;
};

/* A new column of the section; names and their number are our own, so there is always room. */
struct section_column *section_column(struct section *section, const char *name,
                                      enum section_codec codec);

void section_add(struct section_column *column, uint64_t value);
void section_add_string(struct section_column *column, const char *string);
void section_add_double(struct section_column *column, double value);

/* Writes {"el", "cols"} for the manifest. */
void section_describe(const struct section *section, struct json *json);

/* Writes the <script> element: base64 of a gzip member of all columns. */
int section_write(const struct section *section, struct file_out *out, struct diag *diag);

bool section_failed(const struct section *section);
void section_done(struct section *section);

#endif
