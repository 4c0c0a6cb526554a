/* SPDX-License-Identifier: Apache-2.0 */
/* The lanes that have records, least key first: order.heap holds their indices in order.lanes. */
#ifndef MEMSCOPE_COLLECT_ORDER_HEAP_H
#define MEMSCOPE_COLLECT_ORDER_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "collect/order.h"

/* The key of the lane at a place. */
uint64_t order_heap_key(const struct order *order, size_t i);

void order_heap_swap(struct order *order, size_t a, size_t b);

/* Puts a lane whose key may have become greater, or less, where it belongs. */
void order_heap_sink(struct order *order, size_t i);
void order_heap_rise(struct order *order, size_t i);

/* Where a lane with records is. */
size_t order_heap_place(const struct order *order, const struct order_lane *lane);

#endif
