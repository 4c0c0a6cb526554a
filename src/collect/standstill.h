/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether what is waited for still moves. A standstill is long when neither time nor looks explain
 * it: a recorder that was itself stopped, or starved, has looked only a few times.
 */
#ifndef MEMSCOPE_COLLECT_STANDSTILL_H
#define MEMSCOPE_COLLECT_STANDSTILL_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: it moves. */
struct standstill {
    uint64_t since_ns;
    uint32_t looks;
};

static inline void standstill_over(struct standstill *standstill)
{
    *standstill = (struct standstill){0};
}

/* One more look at now_ns that found nothing; true: it is long. */
static inline bool standstill_look(struct standstill *standstill, uint64_t now_ns)
{
    enum { STANDSTILL_LOOKS = 200 };
    const uint64_t long_ns = 5000000000;
    if (!standstill->looks++)
        standstill->since_ns = now_ns;
    return standstill->looks > STANDSTILL_LOOKS && now_ns - standstill->since_ns > long_ns;
}

#endif
