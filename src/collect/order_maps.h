/* SPDX-License-Identifier: Apache-2.0 */
/* Records of mappings, as they are fed. */
#ifndef MEMSCOPE_COLLECT_ORDER_MAPS_H
#define MEMSCOPE_COLLECT_ORDER_MAPS_H

#include "collect/order.h"

/* False: the lane was put back, as another thread's munmap of the range may not be fed yet. */
bool order_maps_map(struct order *order, struct order_lane *lane, const struct image *image,
                    const struct feed_context *context, const struct intake_slot *slot,
                    uint32_t node);
void order_maps_unmap(struct order *order, const struct feed_context *context,
                      const struct intake_slot *slot);

#endif
