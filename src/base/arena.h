/* SPDX-License-Identifier: Apache-2.0 */
/* An arena: memory that lives and dies with one owner, given out in order. */
#ifndef MEMSCOPE_BASE_ARENA_H
#define MEMSCOPE_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *last;
    size_t used_bytes;  /* given out in all */
    size_t limit_bytes; /* 0 = none */
};

/* Returns bytes zeroed bytes, aligned to 16, or NULL (no memory, or over the limit). */
void *arena_take(struct arena *arena, size_t bytes);

/* Copies n bytes and a terminating 0. NULL as arena_take. */
char *arena_copy(struct arena *arena, const char *bytes, size_t n);

/* Frees everything that was given out. */
void arena_done(struct arena *arena);

#endif
