/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few blocks of a process that the table of blocks has no place for, by address.
 *
 * Linear probing over a power of two of slots, removal by shifting back: no tombstones. A block in
 * the middle of a realloc has BLOCKS_PENDING set in its size: no look-up finds it, and another
 * block may take its address meanwhile. Private to blocks.
 */
#ifndef MEMSCOPE_HEAP_STRAYS_H
#define MEMSCOPE_HEAP_STRAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCKS_PENDING ((uint64_t)1 << 63)
#define BLOCKS_SIZE_MAX ((uint64_t)1 << 62)

/* A live block. */
struct blocks_slot {
    uint64_t size_bytes;
    uint64_t born_ns;
    uint32_t cell;
    uint32_t weight;
};

struct stray {
    uint64_t address; /* 0 = free */
    struct blocks_slot block;
};

/* Zeroed = empty. */
struct strays {
    struct stray *slots;
    size_t mask; /* slots - 1 */
    unsigned shift;
    size_t n;
};

/* The block at address that is not pending, NULL: none. */
struct stray *strays_find(const struct strays *strays, uint64_t address);

/* The pending block at address that is equal to this one, but for BLOCKS_PENDING. NULL: none. */
struct stray *strays_find_pending(const struct strays *strays, uint64_t address,
                                  const struct blocks_slot *block);

/* Makes room for one more; ERR_MEMORY leaves everything as it was. Moves blocks. */
int strays_reserve(struct strays *strays);

/* The place for one more, in no particular state; after strays_reserve. */
struct stray *strays_add(struct strays *strays, uint64_t address);

/* Frees the slot. Other blocks move. */
void strays_remove(struct strays *strays, struct stray *stray);

void strays_done(struct strays *strays);

#endif
