/* SPDX-License-Identifier: Apache-2.0 */
/* Few lanes wait at a time, so that a list of them is enough. */
#include "collect/order_wait.h"

#include "collect/order_heap.h"

bool order_wait_begin(struct order *order, struct order_lane *lane, const struct image *image,
                      uint64_t address, bool awaits_live)
{
    uint64_t deadline = lane->due + order->repair_ticks;
    if (lane->key >= deadline || image->lane_n <= 2 || !address ||
        feed_is_live(order->model, image->process, address) == awaits_live)
        return false;
    lane->waiting = true;
    lane->awaits_live = awaits_live;
    lane->awaited = address;
    lane->key = deadline;
    order->waiting.at[order->waiting.n++] = lane; /* there is room for every lane */
    return true;
}

void order_wait_end(struct order *order, struct order_lane *lane)
{
    size_t i = 0;
    while (order->waiting.at[i] != lane)
        i++;
    order->waiting.at[i] = order->waiting.at[--order->waiting.n];
    lane->waiting = false;
}

void order_wait_wake(struct order *order, const struct order_lane *by, uint64_t address,
                     bool is_live)
{
    struct order_lane *first = NULL;
    for (size_t i = 0; i < order->waiting.n; i++) {
        struct order_lane *lane = order->waiting.at[i];
        if (lane->slot == by->slot && lane->awaited == address && lane->awaits_live == is_live &&
            (!first || lane->due < first->due))
            first = lane;
    }
    if (!first)
        return;
    order_wait_end(order, first);
    first->key = by->key;
    order_heap_rise(order, order_heap_place(order, first));
    order->model->loss.order_repair_n++;
}
