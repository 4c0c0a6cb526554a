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

/* What was mapped under one name: of all its stacks, in all processes. */
struct mappings_place {
    uint32_t mapping; /* one of its stacks, the one with the highest peak: names it */
    uint32_t stack_n;
    uint64_t n, live_bytes;
    uint64_t peak_bytes; /* each stack's own highest, added up: at most so much at once */
};

/*
 * Writes at most `most` places with the highest peaks, the highest first; returns how many, and how
 * many there are.
 */
size_t mappings_places(const struct model *model, size_t most, struct mappings_place *ret_places,
                       size_t *ret_total);

/*
 * Writes the indices of at most `most` mappings with the highest peaks, the highest first; returns
 * how many.
 */
size_t mappings_top(const struct model *model, size_t most, uint32_t *ret_mappings);

/* Appends the short name of the function that a mapping is named after. */
void mappings_add_name(struct text *text, const struct model *model, uint32_t mapping);

#endif
