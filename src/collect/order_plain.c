/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nearly all records of nearly all programs come this way. It must do what the long way does with
 * the same records, and leave everything else to it.
 */
#include "collect/order_plain.h"

#include "heap/feed_batch.h"

enum {
    PLAIN_PREFETCH = 12,
    PLAIN_BATCH_LEAST = 8, /* fewer are fed one by one */
    PLAIN_SINGLE_MOST = 16,
};

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

/* The record as an event of a batch. False: it is none, or says more. */
static inline bool plain_event(const struct order *order, const struct image *image,
                               const struct intake_slot *slot, struct feed_event *ret_event)
{
    unsigned kind;
    ret_event->node = MODEL_NONE;
    if (!plain_is_plain(slot, &kind))
        return false;
    if (kind == WIRE_ALLOC) {
        uint64_t id = slot->c & ((1ull << WIRE_STACK_BITS) - 1);
        ret_event->node = id ? stacks_node(&image->stacks, id) : MODEL_NONE;
        if (ret_event->node == MODEL_NONE || slot->c >> WIRE_STACK_BITS > 1)
            return false;
    }
    ret_event->address = slot->a;
    ret_event->size_bytes = slot->b;
    ret_event->at_ns = ticks_to_ns(&order->images->ticks, slot->head >> WIRE_KIND_BITS);
    return true;
}

/* Makes events of the run's next records, up to the limit. */
static unsigned plain_events(const struct order *order, const struct order_lane *lane,
                             const struct image *image, uint64_t limit,
                             struct feed_event *ret_events)
{
    const struct intake_run *run = lane->runs.first;
    bool far = feed_is_far(order->model, image->process);
    unsigned n = 0, most = run->n - run->at < FEED_BATCH_MAX ? run->n - run->at : FEED_BATCH_MAX;
    if (lane->stamp > limit)
        return 0;
    for (const struct intake_slot *slot = &run->slots[run->at];
         n < most && slot->head >> WIRE_KIND_BITS <= limit; slot++, n++) {
        if (!plain_event(order, image, slot, &ret_events[n]))
            break;
        if (far)
            feed_prefetch(order->model, image->process, slot->a);
    }
    return n;
}

/* Feeds an event that its batch stopped at. */
static bool plain_single(struct order *order, struct image *image, const struct intake_slot *slot,
                         const struct feed_context *context)
{
    if ((slot->head & 0xff) != WIRE_FREE)
        return plain_alloc(order, image, slot, context);
    feed_free(order->model, context, slot->a);
    return true;
}

/* Feeds records in batches where they are enough for one. Returns how many were fed. */
static unsigned plain_batch(struct order *order, const struct order_lane *lane, struct image *image,
                            uint64_t limit)
{
    struct feed_event events[FEED_BATCH_MAX];
    struct feed_context context = {.process = image->process, .thread = lane->thread};
    const struct intake_run *run = lane->runs.first;
    if (run->n - run->at < PLAIN_BATCH_LEAST || lane->task.slot || image->tasks.slots.n)
        return 0;
    /* Stamps rise: where another lane comes in between soon, there is no batch. */
    if (run->slots[run->at + PLAIN_BATCH_LEAST - 1].head >> WIRE_KIND_BITS > limit)
        return 0;
    unsigned n = plain_events(order, lane, image, limit, events), fed = 0;
    if (n < PLAIN_BATCH_LEAST)
        return 0;
    while (fed < n) {
        fed += feed_batch(order->model, image->process, lane->thread, &events[fed], n - fed);
        if (fed == n)
            break;
        context.at_ns = events[fed].at_ns;
        if (!plain_single(order, image, &run->slots[run->at + fed], &context))
            break;
        fed++;
    }
    return fed;
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
    if (!plain_is_open(order, lane, image))
        return 0;
    unsigned fed = plain_batch(order, lane, image, limit), kind;
    plain_note(order, lane, fed);
    if (fed)
        return fed;
    struct intake_run *run = lane->runs.first;
    struct feed_context context = {.process = image->process, .thread = lane->thread};
    for (unsigned at = run->at; at < run->n && fed < PLAIN_SINGLE_MOST; at++, fed++) {
        const struct intake_slot *slot = &run->slots[at];
        uint64_t stamp = slot->head >> WIRE_KIND_BITS;
        if (!plain_is_plain(slot, &kind) || stamp > limit || lane->stamp > limit)
            break;
        if (at + PLAIN_PREFETCH < run->n)
            feed_prefetch(order->model, image->process, slot[PLAIN_PREFETCH].a);
        context.at_ns = ticks_to_ns(&order->images->ticks, stamp);
        context.task = tasks_of(&image->tasks, &lane->task, context.at_ns);
        if (kind == WIRE_FREE)
            tasks_freed(&image->tasks, slot->a, context.at_ns);
        if (!plain_single(order, image, slot, &context))
            break;
    }
    plain_note(order, lane, fed);
    return fed;
}
