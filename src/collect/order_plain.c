/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nearly all records of nearly all programs come this way. It must do what the long way does with
 * the same records, and leave everything else to it.
 */
#include "collect/order_plain.h"

enum { PLAIN_PREFETCH = 12 };

static bool plain_is_open(const struct order *order, const struct order_lane *lane,
                          const struct image *image)
{
    return image && lane->kind == WIRE_LANE_OWN && lane->thread != MODEL_NONE && !lane->delayed &&
           !order->journal->writer;
}

/* False: it must wait for the free of the block that had its address. */
static inline bool plain_alloc(struct order *order, struct image *image,
                               const struct intake_slot *slot, const struct feed_context *context)
{
    if (image->lane_n > 2 && feed_is_live(order->model, context->process, slot->a))
        return false;
    uint64_t id = slot->c & ((1ull << WIRE_STACK_BITS) - 1);
    uint32_t node = stacks_node(&image->stacks, id);
    if (id == 0 || node == MODEL_NONE) {
        order->model->loss.unknown_stack_n++;
        node = 0;
    }
    feed_alloc(order->model, context, slot->a, slot->b, node,
               (uint32_t)(slot->c >> WIRE_STACK_BITS));
    return true;
}

/* A free that says more than its address is one of a sampled heap. */
static inline bool plain_is_plain(const struct intake_slot *slot, unsigned *ret_kind)
{
    *ret_kind = slot->head & 0xff;
    return *ret_kind == WIRE_ALLOC || (*ret_kind == WIRE_FREE && !slot->b);
}

unsigned order_plain(struct order *order, struct order_lane *lane, struct image *image,
                     uint64_t limit)
{
    if (!plain_is_open(order, lane, image))
        return 0;
    struct intake_run *run = lane->runs.first;
    struct feed_context context = {.process = image->process, .thread = lane->thread};
    uint64_t highest = lane->stamp;
    unsigned at = run->at, kind;
    for (; at < run->n && plain_is_plain(&run->slots[at], &kind); at++) {
        const struct intake_slot *slot = &run->slots[at];
        uint64_t stamp = slot->head >> WIRE_KIND_BITS;
        if (stamp > limit || highest > limit)
            break;
        if (at + PLAIN_PREFETCH < run->n)
            feed_prefetch(order->model, image->process, slot[PLAIN_PREFETCH].a);
        context.at_ns = ticks_to_ns(&order->images->ticks, stamp);
        context.task = tasks_of(&image->tasks, &lane->task, context.at_ns);
        if (kind == WIRE_FREE) {
            tasks_freed(&image->tasks, slot->a, context.at_ns);
            feed_free(order->model, &context, slot->a);
        } else if (!plain_alloc(order, image, slot, &context)) {
            break;
        }
        highest = stamp > highest ? stamp : highest;
    }
    unsigned fed = at - run->at;
    run->at = at;
    lane->stamp = highest;
    order->event_n += fed;
    if (fed && highest > order->end_stamp)
        order->end_stamp = highest;
    return fed;
}
