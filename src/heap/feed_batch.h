/* SPDX-License-Identifier: Apache-2.0 */
/* Many events of one process at once: what feed_alloc and feed_free do with each, but faster. */
#ifndef MEMSCOPE_HEAP_FEED_BATCH_H
#define MEMSCOPE_HEAP_FEED_BATCH_H

#include "heap/feed.h"

enum { FEED_BATCH_MAX = 128 };

/*
 * A block of weight 1 is allocated, freed or reallocated, by a thread that runs no task. The two
 * halves of a realloc are one event where nothing came between them.
 */
struct feed_event {
    uint64_t address;
    uint64_t old_address; /* of the block that is reallocated; 0: none is */
    uint64_t size_bytes;
    uint64_t at_ns;
    uint32_t node; /* MODEL_NONE: a free */
    uint32_t thread;
};

/*
 * Feeds up to FEED_BATCH_MAX events of this process, in true order, of whichever threads. Returns
 * how many were fed: the one behind them is unusual, or fails, and is to be fed by itself.
 */
unsigned feed_batch(struct model *model, uint32_t process, const struct feed_event *events,
                    unsigned n);

#endif
