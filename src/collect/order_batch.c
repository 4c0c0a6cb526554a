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
    BATCH_REALLOC_SLOTS = 3,
};

/* The key of a lane without a record: above all limits. */
#define BATCH_NEVER UINT64_MAX

/* What was gathered: events, whose they are, and how many slots each takes. */
struct batch_events {
    unsigned n, realloc_n;
    struct feed_event at[FEED_BATCH_MAX];
    uint8_t lane[FEED_BATCH_MAX];
    uint8_t slots[FEED_BATCH_MAX];
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

/* The site of a birth's record. False: its stack is not known, or it stands for many. */
static inline bool batch_birth(const struct image *image, const struct intake_slot *slot,
                               uint32_t *ret_node)
{
    uint64_t id = slot->c & ((1ull << WIRE_STACK_BITS) - 1);
    *ret_node = id ? stacks_node(&image->stacks, id) : MODEL_NONE;
    return *ret_node != MODEL_NONE && slot->c >> WIRE_STACK_BITS <= 1;
}

/*
 * Whether the two halves of a realloc are one event: they lie behind each other, and no record of
 * another lane is due before the second one.
 */
static bool batch_is_realloc(const struct intake_slot *slot, const struct intake_slot *end,
                             uint64_t until)
{
    const struct intake_slot *second = slot + 1;
    return end - slot >= BATCH_REALLOC_SLOTS && (second->head & 0xff) == WIRE_REALLOC_END &&
           second->head >> WIRE_KIND_BITS <= until && second[1].head == WIRE_CONTINUED &&
           second->a && slot->a && second[1].a == slot->a;
}

/* The record as an event of a batch. Returns the slots that it takes; 0: it is none. */
static inline __attribute__((always_inline)) unsigned batch_event(
        struct ticks ticks, const struct image *image, const struct intake_slot *slot,
        const struct intake_slot *end, uint64_t until, struct feed_event *ret_event)
{
    unsigned kind = slot->head & 0xff, slots = 1;
    uint64_t old_address = 0;
    uint32_t node = MODEL_NONE;
    if (kind == WIRE_ALLOC) {
        if (!batch_birth(image, slot, &node))
            return 0;
    } else if (kind == WIRE_FREE) {
        if (slot->b) /* it is of a sampled heap */
            return 0;
    } else {
        if (kind != WIRE_REALLOC_BEGIN || !batch_is_realloc(slot, end, until) ||
            !batch_birth(image, slot + 1, &node))
            return 0;
        old_address = slot->a;
        slots = BATCH_REALLOC_SLOTS;
        slot++;
    }
    ret_event->address = slot->a;
    ret_event->old_address = old_address;
    ret_event->size_bytes = slot->b;
    ret_event->at_ns = ticks_to_ns(&ticks, slot->head >> WIRE_KIND_BITS);
    ret_event->node = node;
    return slots;
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
    const struct ticks ticks = order->images->ticks;
    unsigned at = events->n, slots = 1;
    const uint32_t thread = lane->lane->thread;
    uint64_t key = lane->key;
    while (key <= until && at < FEED_BATCH_MAX) {
        slots = batch_event(ticks, batch->image, slot, end, until, &events->at[at]);
        if (!slots)
            break;
        events->at[at].thread = thread;
        events->slots[at++] = (uint8_t)slots;
        events->realloc_n += slots == BATCH_REALLOC_SLOTS;
        slot += slots;
        __builtin_prefetch(slot + BATCH_AHEAD);
        if (slot == end)
            break;
        uint64_t stamp = slot->head >> WIRE_KIND_BITS;
        key = stamp > key ? stamp : key;
    }
    memset(&events->lane[events->n], (int)(lane - batch->lanes), at - events->n);
    events->n = at;
    lane->key = key;
    lane->at += (unsigned)(slot - first);
    lane->fed += (unsigned)(slot - first);
    if (slot == end)
        batch_next_run(lane);
    return slots != 0;
}

static void batch_gather(const struct order *order, struct order_batch *batch,
                         struct batch_events *events)
{
    events->n = events->realloc_n = 0;
    for (bool goes_on = true; goes_on && events->n < FEED_BATCH_MAX;) {
        uint64_t until;
        struct order_batch_lane *lane = &batch->lanes[batch_least(batch, &until)];
        goes_on = lane->key <= until && batch_take(order, batch, lane, until, events);
    }
}

/* Whether an address is live that is to be born, or is not that is to die. */
static bool batch_must_wait(const struct order *order, uint32_t process,
                            const struct feed_event *event)
{
    uint64_t dying = event->node == MODEL_NONE ? event->address : event->old_address;
    if (dying && !feed_is_live(order->model, process, dying))
        return true;
    return dying != event->address && feed_is_live(order->model, process, event->address);
}

/*
 * An event that its batch stopped at, or that is not worth a batch. False: it must wait for what
 * another lane does with its address.
 */
static bool batch_single(struct order *order, const struct order_batch *batch,
                         const struct feed_event *event)
{
    const struct feed_context context = {
            .process = batch->image->process, .thread = event->thread, .at_ns = event->at_ns};
    if (batch->image->lane_n > 2 && batch_must_wait(order, context.process, event))
        return false;
    if (event->node == MODEL_NONE) {
        order_fed(order, feed_free(order->model, &context, event->address));
        return true;
    }
    if (event->old_address) {
        struct feed_pending block = {0};
        order_fed(order, feed_realloc_begin(order->model, &context, event->old_address, &block));
        order_fed(order, feed_realloc_end(order->model, &context, &block, event->address,
                                          event->size_bytes, event->node, 1));
        return true;
    }
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
    ret_batch->record_n = fed + events.realloc_n;
    for (unsigned i = fed; i < events.n; i++) {
        ret_batch->lanes[events.lane[i]].fed -= events.slots[i];
        ret_batch->record_n -= events.slots[i] == BATCH_REALLOC_SLOTS;
    }
    return fed;
}
