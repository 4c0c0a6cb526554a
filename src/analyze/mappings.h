/* SPDX-License-Identifier: Apache-2.0 */
/* What the program mapped itself, by the place that did; apart from the heap. */
#ifndef MEMSCOPE_ANALYZE_MAPPINGS_H
#define MEMSCOPE_ANALYZE_MAPPINGS_H

#include "base/text.h"
#include "heap/model.h"

struct mappings_sums {
    uint64_t n, bytes;   /* calls, and what they mapped in all */
    uint64_t live_bytes; /* at the end */
    uint64_t peak_bytes; /* most at once; of several processes the sum of theirs */
};

struct mappings_sums mappings_sum(const struct model *model);

/*
 * Writes the indices of at most `most` mappings with the highest peaks, the highest first; returns
 * how many.
 */
size_t mappings_top(const struct model *model, size_t most, uint32_t *ret_mappings);

/* Appends the short name of the function that a mapping is named after. */
void mappings_add_name(struct text *text, const struct model *model, uint32_t mapping);

#endif
