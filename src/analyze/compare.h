/* SPDX-License-Identifier: Apache-2.0 */
/* Two runs side by side: totals and functions, matched by name, not by line. */
#ifndef MEMSCOPE_ANALYZE_COMPARE_H
#define MEMSCOPE_ANALYZE_COMPARE_H

#include "analyze/analysis.h"

struct compare_row {
    uint32_t before, after; /* a function of each analysis; MODEL_NONE: not there */
    struct figures was, is; /* own figures of all functions of that name */
};

struct comparison {
    const struct analysis *before, *after;
    VEC(struct compare_row) rows; /* by the change at the peak, the greatest first */
};

int compare_build(struct comparison *ret_comparison, const struct analysis *before,
                  const struct analysis *after, struct diag *diag);
void compare_done(struct comparison *comparison);

/* The name of a row's function. */
void compare_add_name(struct text *text, const struct comparison *comparison,
                      const struct compare_row *row);

#endif
