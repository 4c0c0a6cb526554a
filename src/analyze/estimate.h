/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How sure sampled figures are: 95 % intervals.
 *
 * A figure is a sum over samples, each with its weight w (docs/sampling.md). The interval holds all
 * true values T for which the estimate lies within 1.96 standard deviations of T, with a variance
 * that grows as T does: unlike estimate +- 1.96 deviations it keeps its word with few samples.
 */
#ifndef MEMSCOPE_ANALYZE_ESTIMATE_H
#define MEMSCOPE_ANALYZE_ESTIMATE_H

#include "analyze/figures.h"

enum estimate_kind {
    ESTIMATE_ALLOC_N,
    ESTIMATE_ALLOC_BYTES,
    ESTIMATE_PEAK_N,
    ESTIMATE_PEAK_BYTES,
    ESTIMATE_LIVE_N,
    ESTIMATE_LIVE_BYTES,
    ESTIMATE_LEAK_N,
    ESTIMATE_LEAK_BYTES,
    ESTIMATE_KINDS,
};

struct estimate {
    double value;
    double low, high; /* equal: the figure is exact */
    bool few;         /* it rests on fewer than ESTIMATE_FEW samples that stand for others */
};

enum { ESTIMATE_FEW = 10 }; /* samples: with fewer an output says so */

struct estimate estimate_of(const struct figures *figures, enum estimate_kind kind);

/* How many samples stand for others, on the whole; infinite where every block was recorded. */
double estimate_samples(const struct figures *figures);

/* True when those are fewer than ESTIMATE_FEW. */
bool estimate_is_few(const struct figures *figures);

/* What part of a whole a figure is: at most 1, also where an estimate is above the exact whole. */
double estimate_share(uint64_t part, uint64_t whole);

/* The share of the allocations (of their bytes) of the session that were recorded; 1 = all. */
double estimate_rate_n(const struct model *model, const struct figures *all);
double estimate_rate_bytes(const struct model *model, const struct figures *all);

#endif
