/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The governor: keeps the rate at what the user wants, and below it where a limit asks for it.
 *
 * Each reason has a weight that it asks for; the highest stands. A reason asks for twice as much
 * while its limit is passed and for half as much once it is well below: never both at one level. A
 * change is one store of the segment's rate word, which hooks obey with their next event; it is
 * noted with its time and reason (marks of kind "rate").
 */
#ifndef MEMSCOPE_COLLECT_GOVERNOR_H
#define MEMSCOPE_COLLECT_GOVERNOR_H

#include "collect/drain.h"
#include "collect/held.h"
#include "collect/images.h"
#include "collect/own_cost.h"
#include "collect/segment.h"
#include "collect/steer.h"
#include "collect/tally.h"
#include "launch/request.h"

struct governor_limit {
    uint32_t weight;     /* that it asks for; 1 = nothing */
    uint64_t changed_ns; /* when it last did */
};

struct governor {
    struct segment *segment;
    struct images *images;
    struct tally *tally;
    struct model *model;
    const struct run_request *request;
    uint64_t number; /* of the last change */
    uint32_t wanted; /* as it was seen last */
    struct governor_limit set, cost;
    struct held memory, recorder; /* the percent budget's, --recorder-memory */
    uint64_t memory_looked_ns, recorder_looked_ns;
    struct own_cost own;
    struct steer steer;
    uint64_t refused_n;              /* samples that found their set full, as of the last look */
    bool private_full, segment_full; /* was noted */
    uint64_t stepped_ns;
};

/* What it is given outlives it. ERR_MEMORY: governor_done is due all the same. */
int governor_init(struct governor *governor, struct segment *segment, struct images *images,
                  struct tally *tally, const struct run_request *request);

void governor_done(struct governor *governor);

/* Looks at all limits; every 10 ms or so, and where the beginning of a limited session is over. */
void governor_step(struct governor *governor, uint64_t event_n, uint64_t now_ns);

/* Before a batch is fed: hooks may have ended the beginning of a limited session in it. */
void governor_heed(struct governor *governor);

/* What recording cost so far, where hooks are timed. */
void governor_facts(struct governor *governor, const struct drain *drain, uint64_t event_n);

#endif
