/* SPDX-License-Identifier: Apache-2.0 */
/* The summary on the terminal: how bad, who, is it leaking, can I trust it, what next. */
#ifndef MEMSCOPE_EXPORT_SUMMARY_H
#define MEMSCOPE_EXPORT_SUMMARY_H

#include <stdbool.h>

#include "analyze/analysis.h"
#include "base/text.h"

struct summary_style {
    unsigned columns; /* of the terminal; 60 … 120 are used */
    bool utf8;        /* false: plain ASCII */
    bool color;
    bool full; /* every section, more rows; else at most 25 lines */
};

/* A file that was written, for the lines at the end. */
struct summary_file {
    const char *label; /* "Report", "Recording" */
    const char *name;
    uint64_t bytes;
};

struct summary_files {
    const struct summary_file *at;
    size_t n;
    const char *recording; /* for the line of next steps; NULL: none */
};

/* Appends the summary, lines of at most `columns` columns. Names are made harmless. */
void summary_add(struct text *text, const struct analysis *analysis,
                 const struct summary_style *style, const struct summary_files *files);

#endif
