/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rate word of the segment: what the hooks record of the allocations from here on.
 *
 *     bits 0..15   weight of small blocks: one in so many is recorded; 1 = each, 0 = none
 *     bit 16       KEEP: the addresses of recorded blocks are kept in the process's set
 *     bit 17       FREES: frees of addresses that the set does not have are recorded too
 *     bit 18       TIMED: one hook in 256 is timed
 *     bit 19       TIMED_LONG: of the hooks that have more to do than count, one in 32 is timed
 *     bit 20       BEGINNING: once a thread has allocated WIRE_RATE_BEGINNING_N times, the hooks go
 *                  over to the config's later weight by themselves
 *     bits 32..    number of the change
 *
 * Full recording is weight 1, FREES without KEEP. Blocks that were recorded before a session began
 * to keep addresses are in no set, so that FREES stays set from then on. One word, so that a thread
 * which frees a block sees the rate under which another one allocated it, or a later one.
 */
#ifndef MEMSCOPE_WIRE_RATE_H
#define MEMSCOPE_WIRE_RATE_H

#include <stdint.h>

#define WIRE_RATE_KEEP (UINT64_C(1) << 16)
#define WIRE_RATE_FREES (UINT64_C(1) << 17)
#define WIRE_RATE_TIMED (UINT64_C(1) << 18)
#define WIRE_RATE_TIMED_LONG (UINT64_C(1) << 19)
#define WIRE_RATE_BEGINNING (UINT64_C(1) << 20)

enum {
    WIRE_RATE_NUMBER_SHIFT = 32,
    WIRE_WEIGHT_MAX = 65535,
    /* Blocks below this size have the rate's own weight; that of larger ones falls with size. */
    WIRE_RATE_SMALL_BYTES = 512,
    WIRE_RATE_TIMING = 256, /* hooks from one that is timed to the next */
    WIRE_RATE_TIMING_LONG = 32,
    WIRE_RATE_BEGINNING_N = 512,
};

/* Why a rate record was written. */
enum wire_rate_reason {
    WIRE_RATE_BEGUN = 0,     /* as the session began */
    WIRE_RATE_ASKED = 1,     /* by the user, at run time */
    WIRE_RATE_SET_FULL = 2,  /* the set of sampled addresses of a process fills up */
    WIRE_RATE_MEMORY = 3,    /* the memory budget */
    WIRE_RATE_COST = 4,      /* the percent budget */
    WIRE_RATE_RECORDER = 5,  /* the recorder's memory */
    WIRE_RATE_RECOVERED = 6, /* a reason is gone */
};

static inline unsigned wire_rate_weight(uint64_t rate)
{
    return (unsigned)(rate & 0xffff);
}

/* True when everything is recorded and no address is kept. */
static inline int wire_rate_is_full(uint64_t rate)
{
    return (rate & (0xffff | WIRE_RATE_KEEP | WIRE_RATE_FREES)) == (1 | WIRE_RATE_FREES);
}

/* True when hooks are timed, all or some. */
static inline int wire_rate_is_timed(uint64_t rate)
{
    return (rate & (WIRE_RATE_TIMED | WIRE_RATE_TIMED_LONG)) != 0;
}

/* The weight whose probability is at least share (0 … 1); 0 for 0. */
static inline uint32_t wire_weight_of_share(double share)
{
    if (!(share > 0))
        return 0;
    /* 1 / 0.01 is a hair under or over 100. */
    double weight = 1 / share + 1e-9;
    return weight >= WIRE_WEIGHT_MAX ? WIRE_WEIGHT_MAX : weight < 1 ? 1 : (uint32_t)weight;
}

#endif
