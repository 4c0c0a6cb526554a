/* SPDX-License-Identifier: Apache-2.0 */
/* The short way of the merge: one thread's allocations and frees, one behind the other. */
#ifndef MEMSCOPE_COLLECT_ORDER_PLAIN_H
#define MEMSCOPE_COLLECT_ORDER_PLAIN_H

#include "collect/order.h"

/* Whether the lane's records need nothing but their own lane: it is one thread's, and nobody keeps
 * a journal. */
static inline bool order_plain_is_open(const struct order *order, const struct order_lane *lane,
                                       const struct image *image)
{
    return image && lane->kind == WIRE_LANE_OWN && lane->thread != MODEL_NONE && !lane->waiting &&
           !order->journal->writer;
}

/* Whether a record is a plain one. A free that says more than its address is one of a sampled
 * heap. */
static inline bool order_plain_has(const struct intake_slot *slot, unsigned *ret_kind)
{
    *ret_kind = slot->head & 0xff;
    return *ret_kind == WIRE_ALLOC || (*ret_kind == WIRE_FREE && !slot->b);
}

/*
 * Feeds plain records of the lane's first run one by one. What it stops at, be it the end of the
 * run, is left to the long way. Returns how many were fed; the lane's key is then stale.
 */
unsigned order_plain(struct order *order, struct order_lane *lane, struct image *image,
                     uint64_t limit);

#endif
