/* SPDX-License-Identifier: Apache-2.0 */
/* Strategies as the API numbers them, and as the wire does. */
#ifndef MEMSCOPE_API_STRATEGY_H
#define MEMSCOPE_API_STRATEGY_H

#include "memscope/status.h"
#include "wire/segment.h"

enum { STRATEGY_N = MEMSCOPE_STRATEGY_LEGACY + 1 };

_Static_assert((int)MEMSCOPE_STRATEGY_SINGLE_THREAD == WIRE_SINGLE_THREAD + 1 &&
                       (int)MEMSCOPE_STRATEGY_THREAD_LOCAL == WIRE_THREAD_LOCAL + 1 &&
                       (int)MEMSCOPE_STRATEGY_ASYNC == WIRE_ASYNC + 1 &&
                       (int)MEMSCOPE_STRATEGY_HYBRID == WIRE_HYBRID + 1 &&
                       (int)MEMSCOPE_STRATEGY_LEGACY == WIRE_LEGACY + 1,
               "the API's numbers leave 0 for AUTO");

static inline int strategy_from_wire(uint32_t wire)
{
    return wire <= WIRE_LEGACY ? (int)wire + 1 : MEMSCOPE_STRATEGY_THREAD_LOCAL;
}

#endif
