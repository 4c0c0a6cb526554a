/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticks of the session and nanoseconds. A tick is one of the time stamp counter, or a nanosecond of
 * CLOCK_MONOTONIC where the kernel does not trust that counter.
 */
#ifndef MEMSCOPE_COLLECT_TICKS_H
#define MEMSCOPE_COLLECT_TICKS_H

#include <stdbool.h>
#include <stdint.h>

struct ticks {
    uint64_t ns_multiplier; /* ns = ticks * this >> 32 */
    uint64_t hz;
};

/*
 * Measures the counter against CLOCK_MONOTONIC once in the life of the program: over the time since
 * ticks_are_trusted was asked first, at least a millisecond.
 */
void ticks_init(struct ticks *ret_ticks);

/* True when the kernel itself trusts the counter: constant, synchronised, never stopping. */
bool ticks_are_trusted(void);

/* Now, from an arbitrary origin. */
uint64_t ticks_now(void);

static inline uint64_t ticks_to_ns(const struct ticks *ticks, uint64_t n)
{
    return (uint64_t)((unsigned __int128)n * ticks->ns_multiplier >> 32);
}

static inline uint64_t ticks_from_ns(const struct ticks *ticks, uint64_t ns)
{
    return (uint64_t)((unsigned __int128)ns * ticks->hz / 1000000000u);
}

#endif
