/* SPDX-License-Identifier: Apache-2.0 */
/* Random event streams of process trees, for the feed and whatever is compared with it. */
#ifndef MEMSCOPE_TEST_SCENARIO_H
#define MEMSCOPE_TEST_SCENARIO_H

#include "heap/model.h"
#include "recording/events.h"

struct scenario_shape {
    uint64_t seed;
    unsigned events;
    unsigned nodes;
    unsigned processes, threads, tasks; /* most of them */
    unsigned addresses;                 /* per process, so that they are used again */
    uint64_t step_ns;                   /* mean time between events */
    bool weighted;
    bool bursts; /* a thread does much in a row, mostly with what it just allocated */
};

struct scenario {
    struct model *tables; /* processes, threads, tasks, nodes as they are begun */
    VEC(struct events_event) events;
};

void scenario_make(struct scenario *ret_scenario, const struct scenario_shape *shape);
void scenario_done(struct scenario *scenario);

/* Gives a model the nodes that the events refer to. */
void scenario_tables_copy(const struct scenario *scenario, struct model *model);

/* A fresh model that was fed all events; slices and rows: its limits, 0 = as they are. */
struct model *scenario_feed(const struct scenario *scenario, size_t slices, size_t rows);

/* What was fed in batches: events, and how many of them were reallocs. */
struct scenario_batched {
    size_t n, realloc_n;
};

/* The same, where events behind each other are fed together as far as that goes. */
struct model *scenario_feed_batched(const struct scenario *scenario, size_t slices, size_t rows,
                                    struct scenario_batched *ret_batched);

/* The same without settling and with the model as it is; false: the feed ran out of memory. */
bool scenario_feed_some(const struct scenario *scenario, struct model *model, size_t from,
                        size_t to);

#endif
