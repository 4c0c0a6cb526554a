/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The repair of early stamps: a record whose address is not yet, or still, live waits for the
 * record of another lane that makes it so, and then comes right behind that (order.h).
 */
#ifndef MEMSCOPE_COLLECT_ORDER_WAIT_H
#define MEMSCOPE_COLLECT_ORDER_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/order.h"

/* The key up to which the record at hand may wait. */
static inline uint64_t order_wait_deadline(const struct order *order, const struct order_lane *lane)
{
    return lane->due + order->repair_ticks;
}

/*
 * Whether the record at hand has to wait until its address is live, or is no more: its lane's key
 * is raised then. In a process with one lane nobody else can make it so.
 */
bool order_wait_begin(struct order *order, struct order_lane *lane, const struct image *image,
                      uint64_t address, bool awaits_live);

/*
 * Whether an address that was waited for in vain was freed by another lane shortly before: by a
 * record that comes later in truth, and whose stamp is earlier still.
 */
bool order_wait_was_vain(const struct order *order, const struct order_lane *lane,
                         uint64_t address);

/* A lane that waits does so no more. */
void order_wait_end(struct order *order, struct order_lane *lane);

/*
 * By the record at hand of a lane, whose turn it is, an address is live now, or is no more: of the
 * records that wait for that the oldest comes next. The lane keeps its place, its key is not
 * greater.
 */
void order_wait_wake(struct order *order, const struct order_lane *by, uint64_t address,
                     bool is_live);

#endif
