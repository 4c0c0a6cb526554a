/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What recording costs, measured by itself, beside what the program used.
 *
 * Time in hooks is that of one hook in WIRE_RATE_TIMING, read by the time stamp counter, times
 * that number, and what stands before and behind the two readings, which is known beforehand, for
 * each call; waits for room are not in it. Processor time of recorder, launcher and program is the
 * kernel's figure. What the library's loading and joining takes is known beforehand, too.
 */
#ifndef MEMSCOPE_COLLECT_OWN_COST_H
#define MEMSCOPE_COLLECT_OWN_COST_H

#include <stdint.h>
#include <time.h>

#include "collect/drain.h"
#include "collect/images.h"
#include "collect/symbols.h"
#include "collect/tally.h"

struct collector_message;

/* Since the session began, in nanoseconds. */
struct own_cost_sum {
    uint64_t hooks_ns;    /* in the program's hooks, and where the library starts */
    uint64_t recorder_ns; /* processor time of this process, its helpers and the launcher */
    uint64_t program_ns;  /* processor time of all recorded processes, hooks included */
    uint64_t hook_n;
};

struct own_cost {
    struct images *images;
    struct tally *tally;
    uint64_t *process_ns; /* by slot */
    int *pid;             /* that it is of; 0 = no process */
    uint64_t ended_ns;
    uint64_t launcher_ns;
    uint64_t fault_n, switch_n;    /* of the command that has ended; 0 = not known */
    const struct symbols *symbols; /* whose helpers live; NULL = none */
};

/* What it is given outlives it. ERR_MEMORY: own_cost_done is due all the same. */
int own_cost_init(struct own_cost *cost, struct images *images, struct tally *tally);
void own_cost_done(struct own_cost *cost);

/* Looks at all processes. */
struct own_cost_sum own_cost_look(struct own_cost *cost);

/* The process of the slot has ended: the last look at it, which may come too late. */
void own_cost_ended(struct own_cost *cost, uint32_t slot);
/* What others know of: the command as it ended (COLLECTOR_ENDED), the launcher so far. */
void own_cost_end(struct own_cost *cost, int pid, const struct collector_message *message);
void own_cost_launcher(struct own_cost *cost, uint64_t cpu_ns);

/* Our own part of it all. */
uint64_t own_cost_ns(const struct own_cost_sum *sum);

/* A clock of processor time, in nanoseconds; 0: it cannot be read. */
uint64_t own_cost_clock(clockid_t clock);

/* Added processor time in per cent of what the program used without it; 0: nothing was used. */
double own_cost_percent(const struct own_cost_sum *since, const struct own_cost_sum *now);

/* What the program and its hooks did, as facts "perf_..." for the summary and the outputs. */
void own_cost_facts(struct own_cost *cost, struct model *model, const struct drain *drain,
                    uint64_t event_n);

#endif
