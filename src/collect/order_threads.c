/* SPDX-License-Identifier: Apache-2.0 */
/* Threads come and go, and the kernel gives their numbers to others. */
#include "collect/order_threads.h"
#include "collect/image_threads.h"

static void order_retire_lane(struct order *order, struct order_lane *lane, uint64_t at_ns)
{
    struct wire_lane *at = segment_page(order->images->segment, lane->page);
    /* Release: pairs with the drain, which then closes the lane. */
    atomic_store_explicit(&at->retired, 1, memory_order_release);
    lane->retired = true;
    if (lane->thread < order->model->threads.n && !order->model->threads.at[lane->thread].end_ns)
        order->model->threads.at[lane->thread].end_ns = at_ns;
}

/*
 * Another lane of a tid: the kernel has given the number to a new thread, and the lane of the older
 * one is over. Which that is the stamps tell: a thread that is gone has written nothing since the
 * new one began.
 */
void order_open_thread(struct order *order, struct image *image, struct order_lane *lane,
                       const struct intake_news *news)
{
    uint64_t at_ns = ticks_to_ns(&order->images->ticks, news->start_stamp);
    for (size_t i = 0; i < order->lanes.n; i++) {
        struct order_lane *other = order->lanes.at[i];
        if (!other || other == lane || other->slot != lane->slot || other->tid != lane->tid ||
            other->kind != WIRE_LANE_OWN || other->retired)
            continue;
        if (other->stamp > news->start_stamp) {
            order_retire_lane(order, lane, at_ns);
            continue;
        }
        order_retire_lane(order, other, at_ns);
        image_thread_forget(image, lane->tid);
    }
    lane->thread = image_thread(order->images, image, news->tid, at_ns);
}

uint32_t order_thread_of(struct order *order, struct image *image, const struct order_lane *lane,
                         uint32_t tid, uint64_t stamp)
{
    /* Lanes are opened and retired as they are seen, before what is older is fed: one that has got
     * events since is of the same thread, whose first ones went through the common lane. */
    for (size_t i = 0; image_thread_known(image, tid) == MODEL_NONE && i < order->lanes.n; i++) {
        const struct order_lane *own = order->lanes.at[i];
        if (own && own->kind == WIRE_LANE_OWN && own->slot == lane->slot && own->tid == tid &&
            own->stamp >= stamp && own->thread != MODEL_NONE)
            return own->thread;
    }
    return image_thread(order->images, image, tid, ticks_to_ns(&order->images->ticks, stamp));
}

void order_retire(struct order *order, uint64_t at_ns)
{
    enum { LOOKS = 64 };
    for (unsigned i = 0; i < LOOKS && i < order->lanes.n; i++) {
        order->looked_at = (order->looked_at + 1) % order->lanes.n;
        struct order_lane *lane = order->lanes.at[order->looked_at];
        if (!lane || lane->kind != WIRE_LANE_OWN || lane->retired || lane->closing)
            continue;
        struct image *image = images_get(order->images, lane->slot);
        if (image && !image->gone && !image_thread_lives(order->images, image, lane->tid)) {
            order_retire_lane(order, lane, at_ns);
            image_thread_forget(image, lane->tid);
        }
    }
}
