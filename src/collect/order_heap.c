/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap of indices of lanes. */
#include "collect/order_heap.h"

uint64_t order_heap_key(const struct order *order, size_t i)
{
    return order->lanes.at[order->heap.at[i]]->key;
}

void order_heap_swap(struct order *order, size_t a, size_t b)
{
    uint32_t index = order->heap.at[a];
    order->heap.at[a] = order->heap.at[b];
    order->heap.at[b] = index;
}

void order_heap_sink(struct order *order, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < order->heap.n; child++) {
            if (order_heap_key(order, child) < order_heap_key(order, least))
                least = child;
        }
        if (least == i)
            return;
        order_heap_swap(order, i, least);
        i = least;
    }
}

void order_heap_rise(struct order *order, size_t i)
{
    while (i && order_heap_key(order, i) < order_heap_key(order, (i - 1) / 2)) {
        order_heap_swap(order, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
}

size_t order_heap_place(const struct order *order, const struct order_lane *lane)
{
    size_t i = order->heap.n;
    while (i-- > 0 && order->heap.at[i] != lane->index)
        ;
    return i;
}
