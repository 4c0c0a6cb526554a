/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that run at the same time come in turns, every few records or every single one: what is
 * to be fed at once is gathered from all their lanes, in the order in which the long way would
 * come to it.
 *
 * The first levels of the heap hold the lanes whose turn it can be; all others come after the
 * least of the level below them. A lane whose records are not plain, or not of the same image,
 * ends the batch when its turn comes.
 */
#include "collect/order_batch.h"

#include <string.h>

#include "collect/order_loss.h"
#include "collect/order_plain.h"
#include "heap/feed_batch.h"

enum {
    BATCH_LEAST = 4, /* fewer are fed one by one */
    BATCH_AHEAD = 8, /* records that are asked for before their turn */
};

/* The key of a lane without a record: above all limits. */
#define BATCH_NEVER UINT64_MAX

/* What was gathered: events, and whose they are. */
struct batch_events {
    unsigned n;
    struct feed_event at[FEED_BATCH_MAX];
    uint8_t lane[FEED_BATCH_MAX];
};

static uint64_t batch_key(const struct order *order, size_t i)
{
    return order->lanes.at[order->heap.at[i]]->key;
}

static void batch_limit(struct order_batch *batch, uint64_t key)
{
    if (key < batch->limit)
        batch->limit = key;
}

/* False: not even the first lane's records are plain ones. */
static bool batch_begin(const struct order *order, uint64_t watermark, struct order_batch *batch)
{
    batch->image = NULL;
    batch->limit = watermark < BATCH_NEVER ? watermark : BATCH_NEVER - 1;
    batch->lane_n = 0;
    for (size_t i = 0; i < order->heap.n && i < ORDER_BATCH_LANES; i++) {
        struct order_lane *lane = order->lanes.at[order->heap.at[i]];
        struct image *image = images_get(order->images, lane->slot);
        bool is_open = order_plain_is_open(order, lane, image) && !lane->task.slot &&
                       !image->tasks.slots.n;
        if (i == 0) {
            if (!is_open)
                return false;
            batch->image = image;
        } else if (!is_open || image != batch->image || lane->key > batch->limit) {
            batch_limit(batch, lane->key);
            continue;
        }
        batch->lanes[batch->lane_n++] = (struct order_batch_lane){.lane = lane,
                                                                  .run = lane->runs.first,
                                                                  .at = lane->runs.first->at,
                                                                  .key = lane->key};
    }
    for (size_t i = ORDER_BATCH_LANES; i < order->heap.n && i <= 2 * ORDER_BATCH_LANES; i++)
        batch_limit(batch, batch_key(order, i));
    return true;
}

/* The record as an event of a batch. False: it is none, or says more. */
static inline bool batch_event(const struct order *order, const struct image *image,
                               const struct intake_slot *slot, struct feed_event *ret_event)
{
    unsigned kind;
    ret_event->node = MODEL_NONE;
    if (!order_plain_has(slot, &kind))
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

/* The lane's next run is at hand, if there is one. */
static void batch_next_run(struct order_batch_lane *lane)
{
    lane->run = lane->run->next;
    if (!lane->run) {
        lane->key = BATCH_NEVER;
        return;
    }
    lane->at = lane->run->at;
    uint64_t stamp = lane->run->slots[lane->at].head >> WIRE_KIND_BITS;
    if (stamp > lane->key)
        lane->key = stamp;
}

/* The lane whose turn it is, and until when. */
static inline unsigned batch_least(const struct order_batch *batch, uint64_t *ret_until)
{
    uint64_t least = batch->lanes[0].key, until = batch->limit;
    unsigned at = 0;
    for (unsigned i = 1; i < batch->lane_n; i++) {
        uint64_t key = batch->lanes[i].key, greater = key > least ? key : least;
        at = key < least ? i : at;
        least = key < least ? key : least;
        until = greater < until ? greater : until;
    }
    *ret_until = until;
    return at;
}

/*
 * Takes the lane's records up to a stamp, as far as they lie in its run at hand. Stamps rise along
 * a lane. Returns false where it comes to one that is not plain.
 */
static bool batch_take(const struct order *order, const struct order_batch *batch,
                       struct order_batch_lane *lane, uint64_t until, struct batch_events *events)
{
    const struct intake_slot *first = &lane->run->slots[lane->at], *slot = first;
    const struct intake_slot *end = &lane->run->slots[lane->run->n];
    struct feed_event *event = &events->at[events->n];
    const struct feed_event *last = &events->at[FEED_BATCH_MAX];
    uint64_t key = lane->key;
    uint32_t thread = lane->lane->thread;
    bool plain = true;
    while (key <= until && event < last) {
        plain = batch_event(order, batch->image, slot, event);
        if (!plain)
            break;
        event->thread = thread;
        event++;
        slot++;
        __builtin_prefetch(slot + BATCH_AHEAD);
        if (slot == end)
            break;
        uint64_t stamp = slot->head >> WIRE_KIND_BITS;
        key = stamp > key ? stamp : key;
    }
    unsigned n = (unsigned)(slot - first);
    memset(&events->lane[events->n], (int)(lane - batch->lanes), n);
    events->n += n;
    lane->key = key;
    lane->at += n;
    lane->fed += n;
    if (slot == end)
        batch_next_run(lane);
    return plain;
}

static void batch_gather(const struct order *order, struct order_batch *batch,
                         struct batch_events *events)
{
    events->n = 0;
    for (bool goes_on = true; goes_on && events->n < FEED_BATCH_MAX;) {
        uint64_t until;
        struct order_batch_lane *lane = &batch->lanes[batch_least(batch, &until)];
        goes_on = lane->key <= until && batch_take(order, batch, lane, until, events);
    }
    if (!feed_is_far(order->model, batch->image->process))
        return;
    for (unsigned i = 0; i < events->n; i++)
        feed_prefetch(order->model, batch->image->process, events->at[i].address);
}

/*
 * An event that its batch stopped at, or that is not worth a batch. False: it must wait for the
 * free of the block that had its address.
 */
static bool batch_single(struct order *order, const struct order_batch *batch,
                         const struct feed_event *event)
{
    const struct feed_context context = {
            .process = batch->image->process, .thread = event->thread, .at_ns = event->at_ns};
    if (event->node == MODEL_NONE) {
        order_fed(order, feed_free(order->model, &context, event->address));
        return true;
    }
    if (batch->image->lane_n > 2 && feed_is_live(order->model, context.process, event->address))
        return false;
    order_fed(order, feed_alloc(order->model, &context, event->address, event->size_bytes,
                                event->node, 1));
    return true;
}

static unsigned batch_feed(struct order *order, const struct order_batch *batch,
                           const struct batch_events *events)
{
    unsigned fed = 0;
    while (fed < events->n) {
        if (events->n - fed >= BATCH_LEAST)
            fed += feed_batch(order->model, batch->image->process, &events->at[fed],
                              events->n - fed);
        if (fed < events->n && !batch_single(order, batch, &events->at[fed]))
            break;
        fed += fed < events->n;
    }
    return fed;
}

unsigned order_batch(struct order *order, uint64_t watermark, struct order_batch *ret_batch)
{
    struct batch_events events;
    if (!batch_begin(order, watermark, ret_batch))
        return 0;
    batch_gather(order, ret_batch, &events);
    unsigned fed = batch_feed(order, ret_batch, &events);
    for (unsigned i = fed; i < events.n; i++)
        ret_batch->lanes[events.lane[i]].fed--;
    return fed;
}
