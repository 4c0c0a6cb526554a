/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large zeroed memory for tables, and what its pages cost.
 *
 * Huge pages save faults and misses of the processor's address cache, but not everywhere: a virtual
 * machine that hands its free memory back to its host must first be given it again, 4 KiB by
 * 4 KiB, and only what is free in large pieces was handed back. So the first huge page is timed,
 * and so is each one after it; as soon as one was slow there are no more. Private to heap/.
 */
#ifndef MEMSCOPE_HEAP_PAGES_H
#define MEMSCOPE_HEAP_PAGES_H

#include <stdbool.h>
#include <stddef.h>

enum {
    PAGES_MAPPED_BYTES = 256 << 10, /* from this size on, straight from the kernel */
    PAGES_HUGE_BYTES = 2 << 20,
};

/* What was learned of huge pages. Zeroed = nothing yet. */
struct pages {
    bool huge_slow;
};

/* Zeroed bytes, NULL: no memory. To be freed with the same size. */
void *pages_new(struct pages *pages, size_t bytes);
void pages_free(void *at, size_t bytes);

#endif
