/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The variances of a cell as sampled blocks come and go. Private to heap/.
 *
 * In whole numbers, so that what a block adds is taken away again to the bit. Sizes of sampled
 * blocks are bounded where weights are above 1 (wire/rate.h), so that sums fit.
 */
#ifndef MEMSCOPE_HEAP_SPREAD_H
#define MEMSCOPE_HEAP_SPREAD_H

#include "heap/model.h"

enum { SPREAD_UNIT_BITS = 8 }; /* of squares of bytes: 16 bytes squared */

/* weight * (weight - 1) * size * size in units, rounded up: an interval is never too narrow. */
static inline uint64_t spread_of_bytes(uint64_t size_bytes, uint32_t weight)
{
    unsigned __int128 square = (unsigned __int128)size_bytes * size_bytes;
    unsigned __int128 whole = square * ((uint64_t)weight * (weight - 1));
    return (uint64_t)((whole + (1u << SPREAD_UNIT_BITS) - 1) >> SPREAD_UNIT_BITS);
}

static inline void spread_born(struct model_spread *spread, uint64_t size_bytes, uint32_t weight)
{
    uint64_t n = (uint64_t)weight * (weight - 1), bytes = spread_of_bytes(size_bytes, weight);
    spread->alloc_n += n;
    spread->alloc_bytes += bytes;
    spread->live_n += n;
    spread->live_bytes += bytes;
    spread->excess_bytes += size_bytes * (weight - 1);
}

static inline void spread_died(struct model_spread *spread, uint64_t size_bytes, uint32_t weight)
{
    spread->live_n -= (uint64_t)weight * (weight - 1);
    spread->live_bytes -= spread_of_bytes(size_bytes, weight);
}

/* What was live is the share of a peak that has passed. */
static inline void spread_save(struct model_spread *spread)
{
    spread->peak_n = spread->live_n;
    spread->peak_bytes = spread->live_bytes;
}

static inline void spread_add(struct model_spread *into, const struct model_spread *more)
{
    into->alloc_n += more->alloc_n;
    into->alloc_bytes += more->alloc_bytes;
    into->live_n += more->live_n;
    into->live_bytes += more->live_bytes;
    into->peak_n += more->peak_n;
    into->peak_bytes += more->peak_bytes;
    into->excess_bytes += more->excess_bytes;
}

#endif
