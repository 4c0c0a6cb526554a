/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How time is cut into slices, and which neighbours merge when there are too many.
 *
 * A run begins with slices of the base width. The longer it gets the wider new slices become, up to
 * 1 s; past the limit the pair is merged that is cheapest for its age: its width against the width
 * wanted at that age (1 s in the last 10 minutes, 1 min in the last day, 1 h in the last days, then
 * a hundredth of the age). So recent time stays fine however long the run was.
 */
#ifndef MEMSCOPE_HEAP_SLICES_H
#define MEMSCOPE_HEAP_SLICES_H

#include "heap/model.h"

enum {
    SLICES_EARLY_MAX = 1024, /* limit of the first 10 minutes */
    SLICES_LEAST = 64,       /* to which the limit falls when rows get too many */
};

/* Width of a slice that begins at now_ns. Over 1 s only where the limit had to fall. */
uint64_t slices_width(uint64_t now_ns, uint64_t base_ns, size_t limit);

/* Most slices that a run of this length keeps, where the limit is max. */
size_t slices_limit(uint64_t now_ns, size_t max);

/* How many are left by a merge: it takes some at a time, because it must rename all rows. */
static inline size_t slices_left(size_t limit)
{
    return limit - limit / 4;
}

/*
 * Merges neighbours of the closed slices (all of them) until `left` are left. renamed has room for
 * each slice and gets its new index.
 */
void slices_merge(struct model *model, uint64_t now_ns, size_t left, uint32_t *renamed);

/* The slice of a time: the last one that begins at or before it. There is at least one slice. */
uint32_t slices_find(const struct model_slice *slices, size_t n, uint64_t at_ns);

#endif
