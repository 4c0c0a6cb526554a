/* SPDX-License-Identifier: Apache-2.0 */
/* A bump pool that needs no relocation: everything in it is reached relative to the code. */
#include "capture/early.h"

#include <stdatomic.h>
#include <stdint.h>

enum { EARLY_ALIGN = 16 };

_Alignas(EARLY_ALIGN) char early_pool[EARLY_POOL_BYTES];
static _Atomic size_t early_used;
static _Atomic size_t early_block_n;

/* Holds its own pool's address once the loader has relocated us, and nothing before. */
static char *const volatile early_witness = early_pool;

bool early_is_over(void)
{
    return early_witness == early_pool;
}

void *early_take(size_t bytes, size_t alignment)
{
    if (bytes > EARLY_POOL_BYTES || alignment > EARLY_POOL_BYTES)
        return NULL;
    if (alignment < EARLY_ALIGN)
        alignment = EARLY_ALIGN;
    /* The size stands in the 16 bytes before the block. */
    size_t room =
            EARLY_ALIGN + alignment + ((bytes + EARLY_ALIGN - 1) & ~(size_t)(EARLY_ALIGN - 1));
    size_t at = atomic_fetch_add_explicit(&early_used, room, memory_order_relaxed);
    if (at + room > EARLY_POOL_BYTES)
        return NULL;
    uintptr_t block = (uintptr_t)early_pool + at + EARLY_ALIGN;
    block = (block + alignment - 1) & ~(uintptr_t)(alignment - 1);
    ((size_t *)block)[-1] = bytes;
    atomic_fetch_add_explicit(&early_block_n, 1, memory_order_relaxed);
    return (void *)block;
}

size_t early_size(const void *address)
{
    return ((const size_t *)address)[-1];
}

size_t early_count(void)
{
    return atomic_load_explicit(&early_block_n, memory_order_relaxed);
}

size_t early_bytes(void)
{
    size_t used = atomic_load_explicit(&early_used, memory_order_relaxed);
    return used < EARLY_POOL_BYTES ? used : EARLY_POOL_BYTES;
}
