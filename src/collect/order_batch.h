/* SPDX-License-Identifier: Apache-2.0 */
/* The short way of the merge for many records at once, of whichever lanes they are. */
#ifndef MEMSCOPE_COLLECT_ORDER_BATCH_H
#define MEMSCOPE_COLLECT_ORDER_BATCH_H

#include "collect/order.h"

/* One lane whose records are gathered. */
struct order_batch_lane {
    struct order_lane *lane;
    const struct intake_run *run; /* of the record at hand; NULL: there is none */
    unsigned at;
    unsigned fed; /* slots */
    uint64_t key; /* of the record at hand */
};

enum { ORDER_BATCH_LANES = 15 }; /* four full levels of the heap */

struct order_batch {
    struct image *image;
    uint64_t limit; /* nothing above it is the batch's */
    unsigned lane_n;
    unsigned record_n; /* that were fed */
    struct order_batch_lane lanes[ORDER_BATCH_LANES];
};

/*
 * Feeds plain records (order_plain.h) and whole reallocs of one image in the order of their keys,
 * up to the watermark, until something else comes. Returns how many events that was; 0: what comes
 * first is something else. The lanes have gone on by `fed` slots each, their queues have not yet.
 */
unsigned order_batch(struct order *order, uint64_t watermark, struct order_batch *ret_batch);

#endif
