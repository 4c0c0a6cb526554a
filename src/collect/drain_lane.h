/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one lane: its pages that are not read to the end, and the open records in them. */
#ifndef MEMSCOPE_COLLECT_DRAIN_LANE_H
#define MEMSCOPE_COLLECT_DRAIN_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "collect/intake.h"
#include "collect/segment.h"

/* A ring page with slots that were not taken yet. */
struct drain_page {
    uint64_t ring_page;
    uint32_t page; /* in the segment; 0 = nobody has installed one */
    bool given_up; /* no longer in the lane's directory */
    unsigned left; /* slots not taken */
    uint64_t taken[WIRE_PAGE_SLOTS / 64];
};

struct drain_lane {
    struct wire_lane *at;
    uint32_t page; /* of the lane's header */
    uint32_t number;
    uint32_t process_slot;
    uint32_t kind;
    bool gone;             /* its process is, as of the beginning of the round */
    bool retired;          /* its thread is, as of then */
    bool open;             /* slots below target were not taken */
    uint64_t target;       /* place to read to in this round */
    uint64_t begun_to;     /* ring pages below it are in `pages`, or done with */
    uint64_t installed_to; /* ring pages from it on were never seen installed */
    uint64_t abandoned_n;
    uint64_t late_n;              /* records in pages that were given up */
    VEC(struct drain_page) pages; /* oldest first */
};

/* What the lanes of a drain share. */
struct drain_reader {
    struct segment *segment;
    struct intake *intake;
    struct intake_batch batch;
    uint32_t room_given; /* pages given back since writers were told */
    uint32_t held_n;     /* pages given up and not given back */
    uint32_t runs_most;  /* in use at once: what waits, and more than two rounds can take */
    uint64_t taken_n;    /* slots since the round began */
};

/* The lane's head as of now becomes what is to be read. */
void drain_lane_aim(struct drain_lane *lane);

/* Takes what is committed below the target. Returns 0, or 1: there was no run for more. */
int drain_lane_read(struct drain_reader *reader, struct drain_lane *lane);

/* Gives back every page of a lane that nobody writes to any more, and the lane's own. */
void drain_lane_close(struct drain_reader *reader, struct drain_lane *lane);

void drain_lane_done(struct drain_lane *lane);

#endif
