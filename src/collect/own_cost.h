/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What recording costs, measured by itself, beside what the program used.
 *
 * Time in hooks is that of one hook in WIRE_RATE_TIMING, read by the time stamp counter, times
 * that number; waits for room are in it. The recorder's processor time is the kernel's figure.
 */
#ifndef MEMSCOPE_COLLECT_OWN_COST_H
#define MEMSCOPE_COLLECT_OWN_COST_H

#include "collect/drain.h"
#include "collect/images.h"
#include "collect/tally.h"

/* Since the session began, in nanoseconds. */
struct own_cost_sum {
    uint64_t hooks_ns;    /* in the program's hooks, waits included */
    uint64_t recorder_ns; /* processor time of this process */
    uint64_t program_ns;  /* processor time of all recorded processes, hooks included */
    uint64_t hook_n;
};

struct own_cost {
    struct images *images;
    struct tally *tally;
    uint64_t *process_ns; /* by slot */
    int *pid;             /* that it is of */
    uint64_t ended_ns;
};

int own_cost_init(struct own_cost *cost, struct images *images, struct tally *tally);
void own_cost_done(struct own_cost *cost);

/* Looks at all processes; those that end between two looks lose what they used since. */
struct own_cost_sum own_cost_look(struct own_cost *cost);

/* Added processor time in per cent of what the program used without it; 0: nothing was used. */
double own_cost_percent(const struct own_cost_sum *since, const struct own_cost_sum *now);

/* What the program and its hooks did, as facts "perf_..." for the summary and the outputs. */
void own_cost_facts(struct own_cost *cost, struct model *model, const struct drain *drain,
                    uint64_t event_n);

#endif
