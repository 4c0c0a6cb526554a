/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that are freed together. Blocks grow with their arena, so that a small model costs little
 * and a large one few calls.
 */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_ALIGN = 16, ARENA_FIRST_BYTES = 16 << 10, ARENA_MOST_BYTES = 4 << 20 };

struct arena_block {
    struct arena_block *before;
    size_t size_bytes;
    size_t used_bytes;
    _Alignas(ARENA_ALIGN) unsigned char bytes[];
};

static struct arena_block *arena_block_new(struct arena *arena, size_t bytes)
{
    size_t size = arena->last ? arena->last->size_bytes * 2 : ARENA_FIRST_BYTES;
    if (size > ARENA_MOST_BYTES)
        size = ARENA_MOST_BYTES;
    if (size < bytes)
        size = bytes;
    struct arena_block *block = calloc(1, sizeof *block + size);
    if (!block)
        return NULL;
    block->before = arena->last;
    block->size_bytes = size;
    arena->last = block;
    return block;
}

void *arena_take(struct arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 4)
        return NULL;
    bytes = (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (arena->limit_bytes && bytes > arena->limit_bytes - arena->used_bytes)
        return NULL;
    struct arena_block *block = arena->last;
    if (!block || bytes > block->size_bytes - block->used_bytes)
        block = arena_block_new(arena, bytes);
    if (!block)
        return NULL;
    void *at = block->bytes + block->used_bytes;
    block->used_bytes += bytes;
    arena->used_bytes += bytes;
    return at;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t n)
{
    char *copy = arena_take(arena, n + 1);
    if (copy && n)
        memcpy(copy, bytes, n);
    return copy;
}

void arena_done(struct arena *arena)
{
    struct arena_block *block = arena->last;
    while (block) {
        struct arena_block *before = block->before;
        free(block);
        block = before;
    }
    *arena = (struct arena){.limit_bytes = arena->limit_bytes};
}
