/* SPDX-License-Identifier: Apache-2.0 */
/* Few lanes wait at a time, so that a list of them is enough. */
#include "collect/order_wait.h"

#include "collect/order_heap.h"

bool order_wait_begin(struct order *order, struct order_lane *lane, const struct image *image,
                      uint64_t address, bool awaits_live)
{
    uint64_t deadline = order_wait_deadline(order, lane);
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

/* The lane's last records are still in its run at hand. */
static bool wait_has_freed(const struct order_lane *lane, uint64_t address, uint64_t since)
{
    const struct intake_run *run = lane->runs.first;
    for (unsigned i = run ? run->at : 0; i-- > 0;) {
        const struct intake_slot *slot = &run->slots[i];
        unsigned kind = slot->head & 0xff & ~(unsigned)WIRE_BY_OTHERS;
        if (slot->head == WIRE_CONTINUED || kind == WIRE_PAD)
            continue;
        if (slot->head >> WIRE_KIND_BITS < since)
            return false;
        if (slot->a == address && (kind == WIRE_FREE || kind == WIRE_REALLOC_BEGIN))
            return true;
    }
    return false;
}

bool order_wait_was_vain(const struct order *order, const struct order_lane *lane, uint64_t address)
{
    uint64_t since = lane->due > order->repair_ticks ? lane->due - order->repair_ticks : 0;
    bool in_vain = lane->key >= order_wait_deadline(order, lane), has_freed = false;
    in_vain = in_vain && lane->kind == WIRE_LANE_OWN;
    for (size_t i = 0; in_vain && i < order->lanes.n && !has_freed; i++) {
        const struct order_lane *other = order->lanes.at[i];
        has_freed = other && other != lane && other->slot == lane->slot &&
                    wait_has_freed(other, address, since);
    }
    return has_freed;
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
