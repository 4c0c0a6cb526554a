/* SPDX-License-Identifier: Apache-2.0 */
/* The merge: a heap of lanes by the stamp of their next record; the least lane runs on until
 * another one is less. */
#include "collect/order.h"

#include <stdlib.h>
#include <string.h>

#include "collect/image_threads.h"
#include "collect/order_batch.h"
#include "collect/order_heap.h"
#include "collect/order_loss.h"
#include "collect/order_maps.h"
#include "collect/order_plain.h"
#include "collect/order_threads.h"
#include "collect/order_wait.h"

enum { ORDER_PREFETCH = 12 };

/* What became of the record at hand. */
enum { ORDER_FED, ORDER_DELAYED };

int order_init(struct order *order, struct model *model, struct images *images,
               struct intake *intake, struct journal *journal)
{
    *order = (struct order){.model = model, .images = images, .intake = intake, .journal = journal};
    order->future_ticks = ticks_from_ns(&images->ticks, ORDER_FUTURE_NS);
    order->repair_ticks = ticks_from_ns(&images->ticks, ORDER_REPAIR_NS);
    return 0;
}

static void order_lane_free(struct order *order, struct order_lane *lane)
{
    if (lane->runs.first)
        intake_run_put(order->intake, lane->runs.first);
    vec_done(&lane->pending);
    free(lane);
}

void order_done(struct order *order)
{
    for (size_t i = 0; i < order->lanes.n; i++) {
        if (order->lanes.at[i])
            order_lane_free(order, order->lanes.at[i]);
    }
    vec_done(&order->lanes);
    vec_done(&order->heap);
    vec_done(&order->closing);
    vec_done(&order->waiting);
    map_done(&order->lane_of);
}

static struct order_lane *order_lane_of(const struct order *order, uint32_t number)
{
    int64_t index = map_find(&order->lane_of, number);
    return index > 0 ? order->lanes.at[index - 1] : NULL;
}

/* Room for another lane wherever lanes are listed, so that nothing of it can fail later. */
static bool order_reserve(struct order *order)
{
    size_t n = order->lanes.n + 1;
    return vec_reserve(&order->lanes, sizeof *order->lanes.at, 1, ORDER_LANES_MAX) &&
           vec_reserve(&order->heap, sizeof *order->heap.at, n - order->heap.n, ORDER_LANES_MAX) &&
           vec_reserve(&order->closing, sizeof *order->closing.at, n - order->closing.n,
                       ORDER_LANES_MAX) &&
           vec_reserve(&order->waiting, sizeof *order->waiting.at, n - order->waiting.n,
                       ORDER_LANES_MAX);
}

/* A lane at the first free index; NULL: no memory. */
static struct order_lane *order_lane_new(struct order *order)
{
    struct order_lane *lane = order_reserve(order) ? calloc(1, sizeof *lane) : NULL;
    uint32_t index = 0;
    while (index < order->lanes.n && order->lanes.at[index])
        index++;
    if (!lane)
        return NULL;
    if (index == order->lanes.n)
        order->lanes.n++;
    order->lanes.at[index] = lane;
    lane->index = index;
    return lane;
}

static void order_open(struct order *order, const struct intake_news *news)
{
    struct image *image = images_get(order->images, news->process_slot);
    struct order_lane *lane = order_lane_new(order);
    if (!lane || !map_put(&order->lane_of, news->lane, lane->index + 1)) {
        /* Whatever comes of it is lost, and is counted as that. */
        if (lane)
            order->lanes.at[lane->index] = NULL;
        free(lane);
        return;
    }
    lane->number = news->lane;
    lane->slot = news->process_slot;
    lane->kind = news->lane_kind;
    lane->stamp = news->start_stamp;
    lane->tid = news->tid;
    lane->page = news->page;
    lane->thread = MODEL_NONE;
    if (image) {
        image->lane_n++;
        if (lane->kind == WIRE_LANE_OWN)
            order_open_thread(order, image, lane, news);
    }
}

/* The stamp that the record at hand is sorted by. */
static void order_set_key(struct order *order, struct order_lane *lane)
{
    uint64_t stamp = runs_stamp(&lane->runs);
    lane->key = stamp > lane->stamp ? stamp : lane->stamp;
    lane->due = lane->key;
    if (lane->waiting)
        order_wait_end(order, lane);
}

/*
 * Another record of a lane is at hand than before. Its key may be greater: padding, which has no
 * stamp, counts with the lane's last until a record lies behind it.
 */
static void order_renew(struct order *order, struct order_lane *lane, bool was_empty)
{
    order_set_key(order, lane);
    if (was_empty)
        order->heap.at[order->heap.n++] = lane->index; /* there is room for every lane */
    size_t i = order_heap_place(order, lane);
    order_heap_rise(order, i);
    order_heap_sink(order, i);
}

static void order_push(struct order *order, struct order_lane *lane, struct intake_run *run)
{
    struct intake_run *spare;
    bool was_empty = !lane->runs.first;
    if (runs_add(&lane->runs, run, order->latest, &spare))
        order_renew(order, lane, was_empty);
    if (spare)
        intake_run_put(order->intake, spare);
}

static void order_queue(struct order *order, struct intake_run *run)
{
    run->next = NULL;
    struct order_lane *lane = order_lane_of(order, run->lane);
    struct image *image = lane ? images_get(order->images, lane->slot) : NULL;
    if (!image) {
        order_lose_run(order, run);
        intake_run_put(order->intake, run);
    } else if (lane->kind == WIRE_LANE_LOG) {
        stacks_read(&image->stacks, run);
        intake_run_put(order->intake, run);
    } else {
        order_push(order, lane, run);
    }
}

void order_take(struct order *order, struct intake_batch *batch)
{
    order->latest = segment_now(order->images->segment) + order->future_ticks;
    for (size_t i = 0; i < batch->opened_n; i++)
        order_open(order, &batch->opened[i]);
    while (batch->first) {
        struct intake_run *run = batch->first;
        batch->first = run->next;
        order_queue(order, run);
    }
    batch->last = NULL;
}

/* A record at hand with what it needs to be understood. */
struct order_record {
    const struct intake_slot *slot;
    unsigned slots; /* with its continuation */
    unsigned kind;
    uint32_t tid; /* of the writer in a common lane, else 0 */
    struct image *image;
    struct feed_context context;
};

static struct order_pending *order_pending_of(struct order_lane *lane, uint32_t tid, uint64_t old)
{
    for (size_t i = lane->pending.n; i-- > 0;) {
        struct order_pending *pending = &lane->pending.at[i];
        if (pending->old == old && pending->tid == tid)
            return pending;
    }
    return NULL;
}

static void order_pending_remove(struct order_lane *lane, struct order_pending *pending)
{
    struct order_pending *last = &lane->pending.at[--lane->pending.n];
    memmove(pending, pending + 1, (size_t)(last - pending) * sizeof *pending);
}

/*
 * Takes the first half of a realloc out of where it waits. A thread that got its lane between the
 * halves has begun in the common one. False: it is not known.
 */
static bool order_pending_take(struct order *order, struct order_lane *lane,
                               const struct order_record *record, uint64_t old,
                               struct order_pending *ret_pending)
{
    struct order_lane *from = lane;
    struct order_pending *pending = order_pending_of(lane, record->tid, old);
    for (size_t i = 0; !pending && lane->kind == WIRE_LANE_OWN && i < order->lanes.n; i++) {
        from = order->lanes.at[i];
        if (from && from->kind == WIRE_LANE_COMMON && from->slot == lane->slot)
            pending = order_pending_of(from, lane->tid, old);
    }
    if (!pending)
        return false;
    *ret_pending = *pending;
    order_pending_remove(from, pending);
    return true;
}

static void order_realloc_cancel(struct order *order, const struct order_record *record,
                                 struct order_pending *pending)
{
    if (pending->overtaken)
        return;
    journal_heap(order->journal, EVENTS_REALLOC_CANCEL, &record->context,
                 &(struct events_event){.old_address = pending->old});
    order_fed(order, feed_realloc_cancel(order->model, &record->context, &pending->block));
}

static int order_realloc_begin(struct order *order, struct order_lane *lane,
                               const struct order_record *record)
{
    if (order_wait_begin(order, lane, record->image, record->slot->a, true))
        return ORDER_DELAYED;
    size_t most = lane->kind == WIRE_LANE_OWN ? ORDER_PENDING_MAX : ORDER_PENDING_SHARED_MAX;
    if (lane->pending.n == most) {
        /* Frames of hooks that were jumped out of: their blocks live on. */
        order_realloc_cancel(order, record, &lane->pending.at[0]);
        order_pending_remove(lane, &lane->pending.at[0]);
    }
    uint64_t address = record->slot->a;
    struct order_pending pending = {.tid = record->tid, .old = address};
    if (order_wait_was_vain(order, lane, address)) {
        pending.overtaken = true;
    } else {
        order_fed(order,
                  feed_realloc_begin(order->model, &record->context, address, &pending.block));
        journal_heap(order->journal, EVENTS_REALLOC_BEGIN, &record->context,
                     &(struct events_event){.address = address});
    }
    if (!VEC_PUSH(&lane->pending, most, pending))
        order_realloc_cancel(order, record, &pending);
    else
        order_wait_wake(order, lane, address, false);
    return ORDER_FED;
}

static void order_free(struct order *order, const struct order_lane *lane,
                       const struct order_record *record, uint64_t address)
{
    if (record->kind == WIRE_FREE && record->slot->b)
        feed_not_temporary(order->model, record->context.thread);
    order_fed(order, feed_free(order->model, &record->context, address));
    journal_heap(order->journal, EVENTS_FREE, &record->context,
                 &(struct events_event){.address = address});
    order_wait_wake(order, lane, address, false);
}

static void order_realloc_end(struct order *order, struct order_lane *lane,
                              const struct order_record *record, uint32_t node, uint32_t weight)
{
    uint64_t old = record->slots > 1 ? record->slot[1].a : 0;
    struct order_pending pending = {0};
    /* old 0: a block that was sampled takes the place of one that was not. */
    bool matched = old && order_pending_take(order, lane, record, old, &pending);
    if (!matched && old)
        order->model->loss.unmatched_realloc_n++;
    order_fed(order, feed_realloc_end(order->model, &record->context, &pending.block,
                                      record->slot->a, record->slot->b, node, weight));
    journal_heap(order->journal, EVENTS_REALLOC_END, &record->context,
                 &(struct events_event){.old_address = matched && !pending.overtaken ? old : 0,
                                        .address = record->slot->a,
                                        .size_bytes = record->slot->b,
                                        .node = node,
                                        .weight = weight});
    if (pending.overtaken && old == record->slot->a)
        order_free(order, lane, record, old);
    else
        order_wait_wake(order, lane, record->slot->a, true);
}

static int order_alloc(struct order *order, struct order_lane *lane,
                       const struct order_record *record)
{
    if (order_wait_begin(order, lane, record->image, record->slot->a, false))
        return ORDER_DELAYED;
    uint64_t id = record->slot->c & ((1ull << WIRE_STACK_BITS) - 1);
    uint32_t node = stacks_node(&record->image->stacks, id);
    if (id == 0 || node == MODEL_NONE) {
        order->model->loss.unknown_stack_n++;
        node = 0;
    }
    if (record->kind == WIRE_MAP)
        return order_maps_map(order, lane, record->image, &record->context, record->slot, node)
                       ? ORDER_FED
                       : ORDER_DELAYED;
    uint32_t weight = (uint32_t)(record->slot->c >> WIRE_STACK_BITS);
    if (weight == 0)
        weight = 1;
    if (record->kind == WIRE_ALLOC) {
        order_fed(order, feed_alloc(order->model, &record->context, record->slot->a,
                                    record->slot->b, node, weight));
        journal_heap(order->journal, EVENTS_ALLOC, &record->context,
                     &(struct events_event){.address = record->slot->a,
                                            .size_bytes = record->slot->b,
                                            .node = node,
                                            .weight = weight});
        order_wait_wake(order, lane, record->slot->a, true);
        return ORDER_FED;
    }
    order_realloc_end(order, lane, record, node, weight);
    return ORDER_FED;
}

/* realloc(p, 0): the old block was freed and nothing came of it. */
static void order_realloc_freed(struct order *order, struct order_lane *lane,
                                const struct order_record *record)
{
    uint64_t old = record->slots > 1 ? record->slot[1].a : 0;
    struct order_pending pending;
    if (!order_pending_take(order, lane, record, old, &pending))
        return;
    order_realloc_cancel(order, record, &pending);
    order_free(order, lane, record, old);
}

static int order_event(struct order *order, struct order_lane *lane,
                       const struct order_record *record)
{
    const struct intake_slot *slot = record->slot;
    struct order_pending pending;
    switch (record->kind) {
    case WIRE_ALLOC:
    case WIRE_MAP:
        return order_alloc(order, lane, record);
    case WIRE_FREE:
        if (order_wait_begin(order, lane, record->image, slot->a, true))
            return ORDER_DELAYED;
        tasks_freed(&record->image->tasks, slot->a, record->context.at_ns);
        order_free(order, lane, record, slot->a);
        return ORDER_FED;
    case WIRE_UNMAP:
        order_maps_unmap(order, &record->context, slot);
        return ORDER_FED;
    case WIRE_REALLOC_BEGIN:
        return order_realloc_begin(order, lane, record);
    case WIRE_REALLOC_END:
        if (slot->a)
            return order_alloc(order, lane, record);
        order_realloc_freed(order, lane, record);
        return ORDER_FED;
    case WIRE_REALLOC_CANCEL:
        if (order_pending_take(order, lane, record, slot->a, &pending))
            order_realloc_cancel(order, record, &pending);
        return ORDER_FED;
    case WIRE_TASK_SWITCH:
    case WIRE_TASK_TYPE:
    case WIRE_TASK_END:
    case WIRE_TASK_NAME:
    case WIRE_TASK_POLLS:
    case WIRE_MARK:
        tasks_read(&record->image->tasks, slot, record->slots, record->kind, record->context.at_ns,
                   &lane->task);
        return ORDER_FED;
    default:
        return ORDER_FED;
    }
}

/* Reads the record at hand. False: it is padding, or makes no sense. */
static bool order_read(struct order *order, struct order_lane *lane,
                       struct order_record *ret_record)
{
    const struct intake_run *run = lane->runs.first;
    struct order_record record = {.slot = &run->slots[run->at]};
    uint64_t head = record.slot->head;
    record.slots = run_record_slots(run, run->at);
    unsigned kind = head & 0xff;
    ret_record->slots = record.slots;
    if (kind == WIRE_PAD || kind == WIRE_CONTINUED)
        return false;
    record.kind = kind & ~(unsigned)WIRE_BY_OTHERS;
    record.image = images_get(order->images, lane->slot);
    if (!record.image)
        return false;
    record.context = (struct feed_context){
            .process = record.image->process,
            .thread = lane->thread,
            .at_ns = ticks_to_ns(&order->images->ticks, head >> WIRE_KIND_BITS),
    };
    if (kind & WIRE_BY_OTHERS) {
        if (record.slots < 2)
            return false;
        record.tid = (uint32_t)record.slot[record.slots - 1].a;
        record.context.thread =
                order_thread_of(order, record.image, lane, record.tid, head >> WIRE_KIND_BITS);
        const struct intake_slot *writer = &record.slot[record.slots - 1];
        record.context.task =
                tasks_by_key(&record.image->tasks, writer->b, writer->c, record.context.at_ns);
        record.slots--;
    } else {
        record.context.task = tasks_of(&record.image->tasks, &lane->task, record.context.at_ns);
    }
    *ret_record = record;
    if (record.context.thread != MODEL_NONE)
        return true;
    order_lose(order, record.kind); /* there was no memory for its thread */
    return false;
}

static void order_prefetch(const struct order *order, const struct order_lane *lane,
                           const struct image *image)
{
    const struct intake_run *run = lane->runs.first;
    unsigned ahead = run->at + ORDER_PREFETCH;
    if (image && ahead < run->n)
        feed_prefetch(order->model, image->process, run->slots[ahead].a);
}

/* Moves behind `slots` slots. False: the lane has nothing more. */
static bool order_advance(struct order *order, struct order_lane *lane, unsigned slots)
{
    struct intake_run *run = lane->runs.first;
    run->at += slots;
    if (run->at >= run->n)
        intake_run_put(order->intake, runs_take(&lane->runs));
    if (!lane->runs.first)
        return false;
    order_set_key(order, lane);
    return true;
}

/*
 * Feeds records of a lane while their keys are at most limit, up to one that had to go the long
 * way: behind it a batch may begin. False: the lane has no more.
 */
static bool order_run(struct order *order, struct order_lane *lane, uint64_t limit)
{
    while (lane->key <= limit) {
        struct order_record record = {0};
        unsigned extra = 0;
        if (!order->waiting.n &&
            order_plain(order, lane, images_get(order->images, lane->slot), limit)) {
            if (!order_advance(order, lane, 0))
                return false;
            continue;
        }
        if (order_read(order, lane, &record)) {
            order_prefetch(order, lane, record.image);
            if (order_event(order, lane, &record) == ORDER_DELAYED)
                continue;
            order->event_n++;
            order->end_stamp = lane->key > order->end_stamp ? lane->key : order->end_stamp;
            extra = record.tid ? 1 : 0;
        }
        /* If it has waited, those behind it do not wait as well: it may have been in vain. */
        lane->stamp = lane->due;
        return order_advance(order, lane, record.slots + extra);
    }
    return true;
}

/* Takes slots whose records were fed out of the lane's queue. */
static void order_consume(struct order *order, struct order_lane *lane, unsigned fed)
{
    while (fed && lane->runs.first) {
        struct intake_run *run = lane->runs.first;
        unsigned n = fed < run->n - run->at ? fed : run->n - run->at;
        run->at += n;
        fed -= n;
        /* Stamps rise along a lane; a realloc's last slot has none, that before it has. */
        const struct intake_slot *slot = &run->slots[run->at - 1];
        slot -= slot->head == WIRE_CONTINUED;
        uint64_t stamp = slot->head >> WIRE_KIND_BITS;
        lane->stamp = stamp > lane->stamp ? stamp : lane->stamp;
        if (run->at == run->n)
            intake_run_put(order->intake, runs_take(&lane->runs));
    }
}

/*
 * Feeds a batch, and puts in order what it changed: the lanes of the heap's first levels, from the
 * last of them on, so that what lies below an entry always is in order. False: it was empty, or a
 * record waits, which the short ways do not look at.
 */
static bool order_feed_batch(struct order *order, uint64_t watermark)
{
    struct order_batch batch;
    if (order->waiting.n || !order_batch(order, watermark, &batch))
        return false;
    order->event_n += batch.record_n;
    for (unsigned i = 0; i < batch.lane_n; i++) {
        struct order_lane *lane = batch.lanes[i].lane;
        if (!batch.lanes[i].fed)
            continue;
        order_consume(order, lane, batch.lanes[i].fed);
        order->end_stamp = lane->stamp > order->end_stamp ? lane->stamp : order->end_stamp;
        if (lane->runs.first)
            order_set_key(order, lane);
    }
    size_t i = order->heap.n < ORDER_BATCH_LANES ? order->heap.n : ORDER_BATCH_LANES;
    while (i-- > 0) {
        if (!order->lanes.at[order->heap.at[i]]->runs.first)
            order_heap_swap(order, i, --order->heap.n);
        if (i < order->heap.n)
            order_heap_sink(order, i);
    }
    return true;
}

void order_feed(struct order *order, uint64_t watermark)
{
    while (order->heap.n && order_heap_key(order, 0) <= watermark) {
        if (order_feed_batch(order, watermark))
            continue;
        struct order_lane *lane = order->lanes.at[order->heap.at[0]];
        uint64_t limit = watermark;
        for (size_t child = 1; child <= 2 && child < order->heap.n; child++) {
            if (order_heap_key(order, child) < limit)
                limit = order_heap_key(order, child);
        }
        if (!order_run(order, lane, limit)) {
            order_heap_swap(order, 0, order->heap.n - 1);
            order->heap.n--;
        }
        order_heap_sink(order, 0);
    }
}

void order_note_closed(struct order *order, const struct intake_batch *batch)
{
    for (size_t i = 0; i < batch->closed_n; i++) {
        const struct intake_news *news = &batch->closed[i];
        struct order_lane *lane = order_lane_of(order, news->lane);
        order->model->loss.abandoned_record_n += news->abandoned_n;
        order->model->loss.late_record_n += news->late_n;
        order->model->loss.event_n += news->lost_n;
        if (!lane)
            continue;
        lane->closing = true;
        order->closing.at[order->closing.n++] = news->lane; /* there is room for every lane */
    }
}

void order_close(struct order *order)
{
    size_t kept = 0;
    for (size_t i = 0; i < order->closing.n; i++) {
        uint32_t number = order->closing.at[i];
        struct order_lane *lane = order_lane_of(order, number);
        if (!lane)
            continue;
        if (lane->runs.first) {
            order->closing.at[kept++] = number;
            continue;
        }
        struct image *image = images_get(order->images, lane->slot);
        if (image && image->lane_n)
            image->lane_n--;
        uint32_t index = lane->index;
        order_lane_free(order, lane);
        order->lanes.at[index] = NULL;
        map_put(&order->lane_of, number, 0);
    }
    order->closing.n = kept;
}
