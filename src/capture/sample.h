/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which allocations are recorded: a thread's skip counters and draws.
 *
 * Each allocation of a class is recorded with probability 1/weight, independently of all others:
 * a counter for each class says how many more are passed over, and is drawn anew, geometrically
 * distributed, with each that is recorded. Weights are whole numbers, so that every estimate is a
 * sum of integers. Class 0 are sizes below WIRE_RATE_SMALL_BYTES, class i those below twice the
 * bound of class i - 1, with half its weight (at least 1): so no block of bytes weighs more than
 * a small one with its weight does, and sums of bytes vary little.
 *
 * Whole numbers only: floating point would change the program's exception flags. The same seed
 * gives the same draws on every machine. Freestanding: tests run the same code over recorded
 * events.
 */
#ifndef MEMSCOPE_CAPTURE_SAMPLE_H
#define MEMSCOPE_CAPTURE_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/rate.h"

enum { SAMPLE_CLASSES = 17 };

struct sample_class {
    uint64_t scale; /* 2^24 / -log2(1 - 1 / weight) */
    uint32_t skip;  /* allocations to pass over; the next one behind them is recorded */
    uint32_t weight;
};

/* Of one thread; all zero = not begun. */
struct sample_thread {
    uint64_t rate;   /* the rate word that the draws are for; 0 = none yet */
    uint64_t random; /* state of the generator */
    bool between;    /* an allocation was passed over since the last one that was recorded */
    struct sample_class classes[SAMPLE_CLASSES];
};

/* Fills the table of logarithms; once in a process, before the first draw. */
void sample_start(void);

/* Begins the draws of a thread from a seed of its own. */
void sample_seed(struct sample_thread *thread, uint64_t seed, uint64_t process, uint64_t lane);

/* Draws anew for another rate. Draws have no memory: nothing is biased by it. */
void sample_set_rate(struct sample_thread *thread, uint64_t rate);

/* Draws how many allocations of the class are passed over. */
void sample_draw(struct sample_thread *thread, struct sample_class *class);

/* A number that is drawn by chance, 64 bits. */
uint64_t sample_random(uint64_t *state);

static inline struct sample_class *sample_class_of(struct sample_thread *thread, uint64_t size)
{
    unsigned bits = 64u - (unsigned)__builtin_clzll(size | (WIRE_RATE_SMALL_BYTES - 1));
    unsigned i = bits - (unsigned)__builtin_ctz(WIRE_RATE_SMALL_BYTES);
    return &thread->classes[i < SAMPLE_CLASSES ? i : SAMPLE_CLASSES - 1];
}

/*
 * True when an allocation of size bytes is passed over; otherwise sample_drawn is to be called.
 * One subtraction, which a signal handler that allocates cannot come between.
 */
static inline bool sample_passes(struct sample_thread *thread, uint64_t size)
{
    bool below;
    __asm__ volatile("subl $1, %0" : "+m"(sample_class_of(thread, size)->skip), "=@ccb"(below));
    return !below;
}

/* Takes back a look that found an allocation's turn: the next look finds it again. */
static inline void sample_unpass(struct sample_thread *thread, uint64_t size)
{
    sample_class_of(thread, size)->skip = 0;
}

/* The weight of the allocation that was not passed over. */
static inline unsigned sample_drawn(struct sample_thread *thread, uint64_t size)
{
    struct sample_class *class = sample_class_of(thread, size);
    sample_draw(thread, class);
    return class->weight;
}

/* The weight of an allocation of size bytes, 0 = it is not recorded. */
static inline unsigned sample_take(struct sample_thread *thread, uint64_t size)
{
    return __builtin_expect(sample_passes(thread, size), 1) ? 0 : sample_drawn(thread, size);
}

#endif
