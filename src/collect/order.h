/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From lanes to one order: merges the runs of all lanes by stamp and feeds the model.
 *
 * Within a lane records count in the order of their reservation (runs.h). Between lanes a free is
 * stamped before the real free and an allocation after the real malloc, so that for one address
 * stamps are in true order, except that each may be early by what the processor executes out of
 * order, and that some count time in steps of 10 ns: an allocation of an address that is still
 * live, and a free of one that is not yet live, wait until another lane has made it so, up to
 * ORDER_REPAIR_NS of stamp time. A record that was open for long comes with a stamp below what
 * was fed already; it counts as of now, and whatever depends on it comes later still
 * (drain_lane.c).
 */
#ifndef MEMSCOPE_COLLECT_ORDER_H
#define MEMSCOPE_COLLECT_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "collect/images.h"
#include "collect/intake.h"
#include "collect/journal.h"
#include "collect/runs.h"
#include "heap/feed.h"

enum {
    ORDER_REPAIR_NS = 1000,
    ORDER_FUTURE_NS = 1000000, /* a stamp so far ahead of the clock is a lie */
    ORDER_PENDING_MAX = 8,     /* reallocs of one thread between their halves: handlers nest */
    ORDER_PENDING_SHARED_MAX = 1 << 16, /* the same of a common lane */
    ORDER_LANES_MAX = 1 << 20,
};

struct order_pending {
    uint32_t tid; /* of the writer, in a common lane */
    uint64_t old;
    struct feed_pending block;
    bool overtaken; /* the free of what became of the block was fed before */
};

struct order_lane {
    uint32_t index; /* in order.lanes */
    uint32_t number;
    uint32_t slot;
    uint32_t kind;
    uint32_t thread; /* of the model; own lanes */
    uint32_t tid;
    uint32_t page; /* of its header in the segment */
    struct tasks_current task;
    bool retired; /* its thread is gone */
    bool closing;
    bool waiting;     /* one of order.waiting */
    bool awaits_live; /* what it waits for: that its address is live, or that it is not */
    uint64_t awaited; /* the address */
    uint64_t due;     /* when the record at hand was to come by its stamp */
    uint64_t key;     /* when it comes: it may wait */
    uint64_t stamp;   /* highest that was fed */
    struct runs runs;
    VEC(struct order_pending) pending;
};

struct order {
    struct model *model;
    struct images *images;
    struct intake *intake; /* takes back empty runs */
    struct journal *journal;
    VEC(struct order_lane *) lanes; /* event lanes */
    VEC(uint32_t) heap;             /* of lanes with records, least key first */
    VEC(uint32_t) closing;          /* numbers of finished lanes */
    VEC(struct order_lane *) waiting;
    size_t looked_at;   /* where the next look for dead threads begins */
    struct map lane_of; /* drain's number -> index + 1; 0 = closed */
    uint64_t repair_ticks, future_ticks;
    uint64_t latest;    /* the highest stamp that can be true */
    uint64_t end_stamp; /* of the last event fed */
    uint64_t event_n;
};

/* What it is given outlives it; returns 0. */
int order_init(struct order *order, struct model *model, struct images *images,
               struct intake *intake, struct journal *journal);
void order_done(struct order *order);

/* Takes a batch: opens lanes, reads logs, queues the runs of events. */
void order_take(struct order *order, struct intake_batch *batch);

/* Feeds everything with a stamp up to watermark. */
void order_feed(struct order *order, uint64_t watermark);

/* Looks at some lanes' threads, and lets the drain close those of threads that are gone. */
void order_retire(struct order *order, uint64_t at_ns);

/* Notes which lanes the batch reports finished. */
void order_note_closed(struct order *order, const struct intake_batch *batch);

/* Closes finished lanes whose records have all been fed. */
void order_close(struct order *order);

#endif
