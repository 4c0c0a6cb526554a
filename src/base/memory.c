/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the kernel; where it refuses, nothing is different. */
#include "base/memory.h"

#include <stdint.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum { MEMORY_PAGE_BYTES = 4096 };

static uintptr_t memory_page_up(const void *at)
{
    return ((uintptr_t)at + MEMORY_PAGE_BYTES - 1) & ~(uintptr_t)(MEMORY_PAGE_BYTES - 1);
}

void memory_expect(void *from, void *to)
{
    uintptr_t first = memory_page_up(from), end = memory_page_up(to);
    if (first < end)
        (void)madvise((void *)first, end - first, MADV_POPULATE_WRITE);
}
