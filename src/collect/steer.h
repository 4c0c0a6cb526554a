/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control law of the percent budget: from what recording costs to the weight that it allows.
 *
 * A session begins as it was asked to, for as many events as cost no more than its own start. From
 * there on it stands at a high weight, and the weight falls as measurements show that there is
 * room: each look takes what the events of that time cost, at an upper bound, from what was
 * measured; what is left is the base, which no weight lowers. Limit less base, and less what was
 * overspent so far (to be earned back within a second), is what events may cost. A weight that is
 * too low is raised at once; one that is too high falls by a quarter at most with each look, and
 * only where it pays. The bound is high on purpose: what events cost less is found in the base
 * at the next look, so that the weight comes near its goal from above and does not swing.
 *
 * Pure arithmetic on sums, so that tests can run it against a model of a program.
 */
#ifndef MEMSCOPE_COLLECT_STEER_H
#define MEMSCOPE_COLLECT_STEER_H

#include <stdbool.h>
#include <stdint.h>

/* Sums since the session began. */
struct steer_sum {
    uint64_t program_ns; /* processor time of the program, without its hooks */
    uint64_t own_ns;     /* processor time of hooks and recorder */
    uint64_t hook_n;     /* calls of hooks */
    uint64_t event_n;    /* of them recorded */
};

struct steer {
    double percent;         /* the limit */
    uint32_t weight;        /* that it asks for; 1 = nothing */
    bool begun;             /* past the beginning */
    struct steer_sum start; /* as that ended */
    struct steer_sum last;  /* as of the last judgement */
    double base;            /* part of the program's time that goes into what is no event */
};

/* percent: what may be added to the program's processor time. */
void steer_init(struct steer *steer, double percent);

/* The weight behind the beginning. */
uint32_t steer_first(double percent);

/* The beginning is over: from here on the limit is kept. Steer_look begins with many events. */
void steer_begin(struct steer *steer, const struct steer_sum *now);

/* False: a look would tell nothing, so few events as there were. */
bool steer_wants(const struct steer *steer, uint64_t event_n);

/*
 * Looks at the sums, with the weight that stands (1 = every allocation). True: the weight that it
 * asks for has changed.
 */
bool steer_look(struct steer *steer, const struct steer_sum *now, uint32_t weight);

/* In per cent of the program's time: what was spent that no weight lowers, start included. */
double steer_floor(const struct steer *steer, const struct steer_sum *now);

#endif
