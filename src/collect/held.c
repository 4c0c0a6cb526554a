/* SPDX-License-Identifier: Apache-2.0 */
/* Rises while memory grows over its limit, falls when there is room or nothing grows. */
#include "collect/held.h"

#include "wire/rate.h"

enum {
    HELD_GROWN = 64, /* part of what was held: less than that more is none */
    HELD_LOW = 3,    /* parts of HELD_OF in use: the weight may fall */
    HELD_OF = 4,
    HELD_WEIGHT_MOST = 4096, /* beyond it nothing grows more slowly */
    HELD_CALM_NS = 1000000000,
};

static void held_rise(struct held *held, uint64_t bytes, uint32_t weight, uint64_t now_ns)
{
    uint32_t from = weight > held->weight ? weight : held->weight;
    held->weight = from < HELD_WEIGHT_MOST / 2 ? from * 2 : HELD_WEIGHT_MOST;
    held->bytes = bytes;
    held->changed_ns = now_ns;
}

static void held_fall(struct held *held, uint64_t now_ns)
{
    held->weight = held->weight > 1 ? held->weight / 2 : 1;
    held->changed_ns = now_ns;
}

void held_look(struct held *held, uint64_t bytes, uint64_t most, uint32_t weight, uint64_t now_ns)
{
    bool is_low = bytes < most / HELD_OF * HELD_LOW;
    if (bytes > most && bytes > held->bytes + held->bytes / HELD_GROWN)
        held_rise(held, bytes, weight, now_ns);
    else if (held->weight > 1 && (is_low || (held->sticks && bytes > most &&
                                             now_ns - held->changed_ns >= HELD_CALM_NS)))
        held_fall(held, now_ns);
    /* Where it was low in between, growing past the limit again is news. */
    if (is_low)
        held->bytes = 0;
}
