/* SPDX-License-Identifier: Apache-2.0 */
/* What processes have counted, fed to the model at the moment at which it was read. */
#ifndef MEMSCOPE_COLLECT_TALLY_H
#define MEMSCOPE_COLLECT_TALLY_H

#include "collect/counts.h"
#include "collect/images.h"
#include "collect/intake.h"
#include "collect/order.h"

struct tally {
    struct order *order;
    struct images *images;
    struct counts_list waiting; /* by stamp */
    struct counts_sum *last;    /* by process slot: what was fed of it */
    struct counts_sum ended;    /* of processes that have ended */
    uint64_t fed_stamp;         /* of the newest that was fed */
};

/* What it is given outlives it. ERR_MEMORY: nothing is left to be done. */
int tally_init(struct tally *tally, struct order *order, struct images *images);
void tally_done(struct tally *tally);

/* Takes the counts of a batch. */
void tally_take(struct tally *tally, struct intake_batch *batch);

/* Feeds events and counts, each at its time, up to watermark. */
void tally_feed(struct tally *tally, uint64_t watermark);

/* The process of the slot ends: what still waits of it is fed. */
void tally_end(struct tally *tally, uint32_t slot);

/* Whether the model has counts that were read at stamp or later, or no newer ones are known. */
bool tally_is_fed(const struct tally *tally, uint64_t stamp);

/* Of all processes so far. */
struct counts_sum tally_sum(const struct tally *tally);

#endif
