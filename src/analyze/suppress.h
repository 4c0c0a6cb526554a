/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaks that the user does not want to hear of: files as LeakSanitizer reads them, `leak:PATTERN`
 * a line. A pattern names a function, a source file or an object file of any frame, in full or by
 * a part; `*` stands for anything, `^` and `$` for the beginning and the end.
 */
#ifndef MEMSCOPE_ANALYZE_SUPPRESS_H
#define MEMSCOPE_ANALYZE_SUPPRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/vec.h"

struct suppress_rule {
    char *pattern;
    uint64_t n, bytes; /* blocks that were never freed and are not spoken of */
};

/* Zeroed = none. */
struct suppress {
    VEC(struct suppress_rule) rules;
};

/* Adds the rules of a text. ERR_FORMAT: a line is none; the diag says which. */
int suppress_parse(struct suppress *suppress, const char *text, const char *name,
                   struct diag *diag);
int suppress_read(struct suppress *suppress, const char *path, struct diag *diag);
void suppress_done(struct suppress *suppress);

bool suppress_matches(const char *pattern, const char *name);

struct analysis;

/* Takes the leaks of the sites that a rule names out of all figures, and counts them. */
void suppress_apply(struct suppress *suppress, struct analysis *analysis);

#endif
