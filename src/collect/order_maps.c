/* SPDX-License-Identifier: Apache-2.0 */
/* From a record of a mapping to the model and, when every event is kept, to the journal. */
#include "collect/order_maps.h"

#include "collect/order_loss.h"
#include "collect/order_wait.h"

bool order_maps_map(struct order *order, struct order_lane *lane, const struct image *image,
                    const struct feed_context *context, const struct intake_slot *slot,
                    uint32_t node)
{
    uint64_t how = slot->c >> WIRE_STACK_BITS;
    uint64_t deadline = order_wait_deadline(order, lane);
    if (lane->key < deadline && image->lane_n > 2 &&
        feed_is_mapped(order->model, context->process, slot->a, slot->b)) {
        lane->key = deadline;
        return false;
    }
    order_fed(order, feed_map(order->model, context, slot->a, slot->b, node,
                              how == WIRE_MAP_NEW ? FEED_MAPPED : FEED_RESIZED));
    journal_heap(order->journal, EVENTS_MAP, context,
                 &(struct events_event){.address = slot->a,
                                        .size_bytes = slot->b,
                                        .node = node,
                                        .weight = (uint32_t)how});
    return true;
}

void order_maps_unmap(struct order *order, const struct feed_context *context,
                      const struct intake_slot *slot)
{
    order_fed(order, feed_unmap(order->model, context, slot->a, slot->b));
    journal_heap(order->journal, EVENTS_UNMAP, context,
                 &(struct events_event){.address = slot->a, .size_bytes = slot->b});
}
