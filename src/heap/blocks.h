/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live blocks of one process by address.
 *
 * Linear probing over a power of two of 32-byte slots, home by a multiplication, removal by
 * shifting back: no tombstones, so a look-up costs the same after a day as at the start. The table
 * grows past two thirds and shrinks below an eighth, so its memory follows the live blocks.
 *
 * A block in the middle of a realloc keeps its slot with BLOCKS_PENDING set in its size: no look-up
 * finds it, and another block may take its address meanwhile.
 */
#ifndef MEMSCOPE_HEAP_BLOCKS_H
#define MEMSCOPE_HEAP_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCKS_PENDING ((uint64_t)1 << 63)
#define BLOCKS_SIZE_MAX ((uint64_t)1 << 62)

struct blocks_slot {
    uint64_t address; /* 0 = free */
    uint64_t size_bytes;
    uint64_t born_ns;
    uint32_t cell;
    uint32_t weight;
};

/* Zeroed = empty. */
struct blocks {
    struct blocks_slot *slots;
    size_t mask; /* slots - 1 */
    unsigned shift;
    size_t n;
    size_t grow_at; /* n at which it grows */
};

static inline size_t blocks_home(const struct blocks *blocks, uint64_t address)
{
    return (size_t)((address * 0x9e3779b97f4a7c15u) >> blocks->shift);
}

static inline void blocks_prefetch(const struct blocks *blocks, uint64_t address)
{
    if (blocks->slots)
        __builtin_prefetch(&blocks->slots[blocks_home(blocks, address)], 1);
}

/* The block at address, NULL: none. */
static inline struct blocks_slot *blocks_find(const struct blocks *blocks, uint64_t address)
{
    if (!blocks->slots)
        return NULL;
    size_t i = blocks_home(blocks, address);
    for (;; i = (i + 1) & blocks->mask) {
        struct blocks_slot *slot = &blocks->slots[i];
        if (slot->address == address && !(slot->size_bytes & BLOCKS_PENDING))
            return slot;
        if (!slot->address)
            return NULL;
    }
}

/* The block at address, or the free slot where it goes; after blocks_reserve. */
static inline struct blocks_slot *blocks_place(const struct blocks *blocks, uint64_t address)
{
    size_t i = blocks_home(blocks, address);
    for (;; i = (i + 1) & blocks->mask) {
        struct blocks_slot *slot = &blocks->slots[i];
        if (!slot->address || (slot->address == address && !(slot->size_bytes & BLOCKS_PENDING)))
            return slot;
    }
}

/* Makes room for one more; ERR_MEMORY leaves everything as it was. Moves slots. */
int blocks_grow(struct blocks *blocks);
static inline int blocks_reserve(struct blocks *blocks)
{
    return blocks->n < blocks->grow_at ? 0 : blocks_grow(blocks);
}

/* Frees the slot of a block. Other slots move. */
static inline void blocks_remove(struct blocks *blocks, struct blocks_slot *slot)
{
    size_t hole = (size_t)(slot - blocks->slots);
    for (size_t i = (hole + 1) & blocks->mask; blocks->slots[i].address;
         i = (i + 1) & blocks->mask) {
        size_t home = blocks_home(blocks, blocks->slots[i].address);
        /* It may move into the hole unless its home lies behind the hole. */
        if (((i - home) & blocks->mask) >= ((i - hole) & blocks->mask)) {
            blocks->slots[hole] = blocks->slots[i];
            hole = i;
        }
    }
    blocks->slots[hole].address = 0;
    blocks->n--;
}

/* Gives back memory when few blocks are left; called now and then, moves slots. */
void blocks_shrink(struct blocks *blocks);
static inline bool blocks_is_roomy(const struct blocks *blocks)
{
    return blocks->n < blocks->mask / 8 && blocks->mask > 1023;
}

void blocks_done(struct blocks *blocks);

#endif
