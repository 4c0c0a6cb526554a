/* SPDX-License-Identifier: Apache-2.0 */
/* The threads behind the lanes, for order.c alone. */
#ifndef MEMSCOPE_COLLECT_ORDER_THREADS_H
#define MEMSCOPE_COLLECT_ORDER_THREADS_H

#include "collect/order.h"

/* Finds the thread of a lane that was opened; an older lane of the same tid is retired. */
void order_open_thread(struct order *order, struct image *image, struct order_lane *lane,
                       const struct intake_news *news);

/* The thread of an event in the common lane, by its number at that moment. */
uint32_t order_thread_of(struct order *order, struct image *image, const struct order_lane *lane,
                         uint32_t tid, uint64_t stamp);

#endif
