/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allocator behind the hooks, when it is not libc's: where its code lies, and allocators
 * linked into the executable, which only their own hooks can show.
 */
#ifndef MEMSCOPE_CAPTURE_ALLOCATOR_H
#define MEMSCOPE_CAPTURE_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Once, as soon as the real functions are known and the session is joined. */
void allocator_find_behind(void);

/* Once, from the constructor: all modules are relocated. */
void allocator_start(void);

/*
 * True when pc lies in the code of an allocator whose blocks are recorded: what it maps is where
 * they lie, and not to be counted again.
 */
bool allocator_owns(uintptr_t pc);

/*
 * True when blocks lie as glibc's malloc lays them, as far as `block`, one of them, shows: the word
 * before them is their size and three flags.
 */
bool allocator_has_chunks(const void *block);

enum { ALLOCATOR_CHUNK_MAPPED = 2, ALLOCATOR_CHUNK_FLAGS = 7 };

/* That word; whoever frees the block reads it too. */
static inline size_t allocator_chunk(const void *block)
{
    return ((const size_t *)block)[-1];
}

/* Of a chunk without the flag MAPPED. */
static inline size_t allocator_chunk_usable(size_t chunk)
{
    return (chunk & ~(size_t)ALLOCATOR_CHUNK_FLAGS) - sizeof(size_t);
}

/* The usable size of a block that is being recorded, by the allocator that it is of; 0: unknown. */
size_t allocator_usable(const void *address);

#endif
