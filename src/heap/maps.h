/* SPDX-License-Identifier: Apache-2.0 */
/* The ranges of addresses that a process has mapped itself. Private to heap/. */
#ifndef MEMSCOPE_HEAP_MAPS_H
#define MEMSCOPE_HEAP_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"

struct maps_range {
    uint64_t start, end;
    uint32_t mapping; /* index of model.mappings */
};

/* Sorted, without overlap. Zeroed = empty. */
struct maps {
    VEC(struct maps_range) ranges;
};

void maps_done(struct maps *maps);

/* The index of the first range that ends above address. */
size_t maps_above(const struct maps *maps, uint64_t address);

#endif
