/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks for callers that come before the real functions can be found (IFUNC resolvers). */
#ifndef MEMSCOPE_CAPTURE_EARLY_H
#define MEMSCOPE_CAPTURE_EARLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True once the loader has done our own relocations; before that no import may be touched. */
bool early_is_over(void);

/* A zeroed block from a static pool, or NULL when that is used up. Never given back. */
void *early_take(size_t bytes, size_t alignment);

enum { EARLY_POOL_BYTES = 64 << 10 };
extern __attribute__((visibility("hidden"))) char early_pool[EARLY_POOL_BYTES];

/* True for blocks of the pool: the real functions must not see them. */
static inline bool early_owns(const void *address)
{
    return (uintptr_t)address - (uintptr_t)early_pool < EARLY_POOL_BYTES;
}
size_t early_size(const void *address);

/* What was served. */
size_t early_count(void);
size_t early_bytes(void);

#endif
