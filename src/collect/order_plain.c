/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nearly all records of nearly all programs come this way, or in batches (order_batch.c). It must
 * do what the long way does with the same records, and leave everything else to it.
 */
#include "collect/order_plain.h"

#include "collect/order_loss.h"

enum {
    PLAIN_PREFETCH = 12,
    PLAIN_SINGLE_MOST = 16,
};

static void plain_alloc(struct order *order, struct image *image, const struct intake_slot *slot,
                        const struct feed_context *context)
{
    uint64_t id = slot->c & ((1ull << WIRE_STACK_BITS) - 1);
    uint32_t node = stacks_node(&image->stacks, id);
    if (id == 0 || node == MODEL_NONE) {
        order->model->loss.unknown_stack_n++;
        node = 0;
    }
    order_fed(order, feed_alloc(order->model, context, slot->a, slot->b, node,
                                (uint32_t)(slot->c >> WIRE_STACK_BITS)));
}

/* False: it must wait until its address is live, or is no more. */
static bool plain_single(struct order *order, struct image *image, const struct intake_slot *slot,
                         unsigned kind, const struct feed_context *context)
{
    bool awaits_live = kind == WIRE_FREE;
    if (image->lane_n > 2 && feed_is_live(order->model, context->process, slot->a) != awaits_live)
        return false;
    if (kind == WIRE_FREE) {
        tasks_freed(&image->tasks, slot->a, context->at_ns);
        order_fed(order, feed_free(order->model, context, slot->a));
    } else {
        plain_alloc(order, image, slot, context);
    }
    return true;
}

/* `fed` records of the run are in the model. */
static void plain_note(struct order *order, struct order_lane *lane, unsigned fed)
{
    struct intake_run *run = lane->runs.first;
    if (!fed)
        return;
    run->at += fed;
    order->event_n += fed;
    /* Stamps rise along a run. */
    uint64_t stamp = run->slots[run->at - 1].head >> WIRE_KIND_BITS;
    lane->stamp = stamp > lane->stamp ? stamp : lane->stamp;
    if (lane->stamp > order->end_stamp)
        order->end_stamp = lane->stamp;
}

unsigned order_plain(struct order *order, struct order_lane *lane, struct image *image,
                     uint64_t limit)
{
    if (!order_plain_is_open(order, lane, image))
        return 0;
    unsigned fed = 0, kind;
    struct intake_run *run = lane->runs.first;
    struct feed_context context = {.process = image->process, .thread = lane->thread};
    for (unsigned at = run->at; at < run->n && fed < PLAIN_SINGLE_MOST; at++, fed++) {
        const struct intake_slot *slot = &run->slots[at];
        uint64_t stamp = slot->head >> WIRE_KIND_BITS;
        if (!order_plain_has(slot, &kind) || stamp > limit || lane->stamp > limit)
            break;
        if (at + PLAIN_PREFETCH < run->n)
            feed_prefetch(order->model, image->process, slot[PLAIN_PREFETCH].a);
        context.at_ns = ticks_to_ns(&order->images->ticks, stamp);
        context.task = tasks_of(&image->tasks, &lane->task, context.at_ns);
        if (!plain_single(order, image, slot, kind, &context))
            break;
    }
    plain_note(order, lane, fed);
    return fed;
}
