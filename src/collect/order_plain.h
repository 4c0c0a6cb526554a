/* SPDX-License-Identifier: Apache-2.0 */
/* The short way of the merge: one thread's allocations and frees, one behind the other. */
#ifndef MEMSCOPE_COLLECT_ORDER_PLAIN_H
#define MEMSCOPE_COLLECT_ORDER_PLAIN_H

#include "collect/order.h"

/*
 * Feeds records of the lane's first run while they are of one slot and need nothing but their own
 * lane: the lane is one thread's, and nobody keeps a journal. What it stops at, be it the end of
 * the run, is left to the long way. Returns how many were fed; the lane's key is then stale.
 */
unsigned order_plain(struct order *order, struct order_lane *lane, struct image *image,
                     uint64_t limit);

#endif
