/* SPDX-License-Identifier: Apache-2.0 */
/* The time stamp counter: the only clock that a hook reads. */
#ifndef MEMSCOPE_WIRE_CLOCK_H
#define MEMSCOPE_WIRE_CLOCK_H

#include <stdint.h>

/*
 * Not ordered against the loads and stores around it. On the free side that is enough: the record
 * is a store that depends on the stamp, and stores leave in order. On the allocation side it may be
 * early by the depth of the pipeline; the collector repairs that (order.h).
 */
static inline uint64_t wire_clock_ticks(void)
{
    return __builtin_ia32_rdtsc();
}

#endif
