/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits that a run is held to: METRIC[@FUNCTION] OPERATOR VALUE.
 *
 * A function's figures are those of all stacks that it stands in. VALUE is a number with an
 * optional unit, or +N% or -N% of a baseline's figure.
 */
#ifndef MEMSCOPE_ANALYZE_LIMIT_H
#define MEMSCOPE_ANALYZE_LIMIT_H

#include "analyze/analysis.h"

enum limit_metric {
    LIMIT_PEAK,
    LIMIT_LEAKED,
    LIMIT_ALLOCATED,
    LIMIT_ALLOCATIONS,
    LIMIT_BLOCKS, /* never freed */
    LIMIT_TEMPORARY,
    LIMIT_RSS,
    LIMIT_METRICS,
};

enum limit_operator { LIMIT_EQ, LIMIT_NE, LIMIT_LE, LIMIT_GE, LIMIT_LT, LIMIT_GT };

struct limit {
    enum limit_metric metric;
    enum limit_operator operator;
    bool is_relative; /* value is a percentage of the baseline */
    double value;
    struct text subject; /* "peak" or "peak@function" */
    struct text word;    /* as it was written */
};

/* One line of a baseline: a subject and its figure. */
struct limit_figure {
    struct text subject;
    double value;
};

struct limit_baseline {
    VEC(struct limit_figure) figures;
};

struct limit_result {
    bool holds;
    bool is_known; /* false: no stack has that function, or the baseline lacks the figure */
    double value, bound;
};

/* Reads one limit. ERR_USAGE with the sentence. */
int limit_parse(struct limit *ret_limit, const char *bytes, size_t n, struct diag *diag);
void limit_done(struct limit *limit);

/*
 * The length of the first limit in a list. A comma divides outside of brackets, and wherever
 * another limit begins behind it: the brackets of a function's name look like operators.
 */
size_t limit_length(const char *list);

/* The figure of a subject in a run; false: no stack has that function. */
bool limit_figure_of(const struct analysis *analysis, const struct limit *limit, double *ret_value);

struct limit_result limit_hold(const struct limit *limit, const struct analysis *analysis,
                               const struct limit_baseline *baseline);

/* Reads "subject value" lines; '#' begins a comment. */
int limit_baseline_read(struct limit_baseline *ret_baseline, const char *bytes, size_t n,
                        struct diag *diag);
void limit_baseline_done(struct limit_baseline *baseline);

/* Appends a baseline: each metric of the run, and the subjects of the limits. */
void limit_baseline_add(struct text *text, const struct analysis *analysis,
                        const struct limit *limits, size_t n);

/* Appends a figure with the unit of the limit's metric. */
void limit_add_value(struct text *text, const struct limit *limit, double value);

const char *limit_operator_name(enum limit_operator operator);

#endif
