/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live blocks of one process by address.
 *
 * Addresses are taken together by regions of 512 bytes. A region has an array of its blocks, just
 * as long as it has needed so far, and says for each 32 bytes where in it their block is:
 * neighbours in the program are neighbours here, so that blocks that are used one after another
 * cost one miss of the processor's caches, and each block takes its 24 bytes and little more.
 * Regions are found by linear probing over a power of two.
 *
 * What does not fit into this (addresses that are not multiples of 16, two blocks within 32 bytes,
 * blocks in the middle of a realloc) is kept beside it (strays.h): allocators give none of the
 * first kinds, or few.
 *
 * A region that has become empty stays, with its array, for blocks to come; it goes when regions
 * are laid out anew, which happens when there are too many of them, or far more memory than blocks.
 */
#ifndef MEMSCOPE_HEAP_BLOCKS_H
#define MEMSCOPE_HEAP_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap/pages.h"
#include "heap/strays.h"

enum {
    BLOCKS_REGION_BYTES = 512,
    BLOCKS_GRAINS = 16, /* of a region */
    BLOCKS_CLASSES = 6, /* of lengths of arrays */
};

struct blocks_region {
    uint64_t base;     /* 0 = free */
    uint64_t index;    /* 4 bits for each grain: where in slots its block is */
    uint16_t used;     /* grains with a block */
    uint16_t upper;    /* those of them whose block begins in their upper half */
    uint16_t taken;    /* slots with a block */
    uint16_t capacity; /* of slots; 0 = it has none yet */
    struct blocks_slot *slots;
};

/* Where arrays of slots come from: pieces of chunks; those given back are linked by length. */
struct blocks_pool {
    struct blocks_chunk *chunks;
    struct blocks_slot *at, *end; /* what is left of the first chunk */
    struct blocks_slot *expected; /* of that, what the kernel has provided */
    struct blocks_slot *unused[BLOCKS_CLASSES];
    size_t slot_n; /* in arrays that regions have */
};

/* Zeroed = empty. */
struct blocks {
    struct blocks_region *regions;
    size_t mask; /* regions - 1 */
    unsigned shift;
    size_t region_n;
    size_t n;       /* blocks, strays left out */
    size_t roomy_n; /* removals while there was far too much room */
    struct pages pages;
    struct blocks_pool pool;
    struct strays strays;
};

static inline size_t blocks_home(const struct blocks *blocks, uint64_t address)
{
    return (size_t)((address / BLOCKS_REGION_BYTES * 0x9e3779b97f4a7c15u) >> blocks->shift);
}

/* The region of an address, NULL: there is none. */
static inline struct blocks_region *blocks_region_of(const struct blocks *blocks, uint64_t address)
{
    uint64_t base = address & -(uint64_t)BLOCKS_REGION_BYTES;
    if (__builtin_expect(!blocks->regions, 0))
        return NULL;
    for (size_t i = blocks_home(blocks, address);; i = (i + 1) & blocks->mask) {
        struct blocks_region *region = &blocks->regions[i];
        if (__builtin_expect(region->base == base, 1))
            return base ? region : NULL;
        if (!region->base)
            return NULL;
    }
}

static inline unsigned blocks_grain(uint64_t address)
{
    return address / 32 % BLOCKS_GRAINS;
}

static inline struct blocks_slot *blocks_slot_of(const struct blocks_region *region, unsigned grain)
{
    return &region->slots[region->index >> 4 * grain & 15];
}

/* A place that has a block is that of this address. */
static inline bool blocks_fits(const struct blocks_region *region, uint64_t address)
{
    return (region->upper >> blocks_grain(address) & 1) == (address >> 4 & 1) && address % 16 == 0;
}

static inline void blocks_prefetch(const struct blocks *blocks, uint64_t address)
{
    if (blocks->regions)
        __builtin_prefetch(&blocks->regions[blocks_home(blocks, address)], 1);
}

/* The same for the block itself, once the region is near. */
static inline void blocks_prefetch_slot(const struct blocks *blocks, uint64_t address)
{
    const struct blocks_region *region = blocks_region_of(blocks, address);
    if (region && region->slots)
        __builtin_prefetch(blocks_slot_of(region, blocks_grain(address)), 1);
}

/* Whether a region, or none, has a block of this address. */
static inline bool blocks_has(const struct blocks_region *region, uint64_t address)
{
    return region && region->used >> blocks_grain(address) & 1 && blocks_fits(region, address);
}

/*
 * The block at address, NULL: none. Those that are given the address's region, or NULL where it has
 * none, save a look-up; a region stays where it is until blocks_reserve or blocks_shrink.
 */
static inline struct blocks_slot *blocks_find_of(const struct blocks *blocks,
                                                 const struct blocks_region *region,
                                                 uint64_t address)
{
    if (__builtin_expect(blocks_has(region, address), 1))
        return blocks_slot_of(region, blocks_grain(address));
    if (__builtin_expect(!blocks->strays.n, 1))
        return NULL;
    struct stray *stray = strays_find(&blocks->strays, address);
    return stray ? &stray->block : NULL;
}
static inline struct blocks_slot *blocks_find(const struct blocks *blocks, uint64_t address)
{
    return blocks_find_of(blocks, blocks_region_of(blocks, address), address);
}

/*
 * A new block at an address that is free, for the caller to fill in. NULL: there may be a block
 * already, or there is no room; blocks_reserve makes room for one at this address. Moves blocks
 * only where blocks_reserve had to be called.
 */
static inline struct blocks_slot *blocks_put(struct blocks *blocks, uint64_t address)
{
    struct blocks_region *region = blocks_region_of(blocks, address);
    unsigned grain = blocks_grain(address), slot;
    if (__builtin_expect(!region || region->used >> grain & 1 || address % 16 || blocks->strays.n,
                         0))
        return NULL;
    slot = (unsigned)__builtin_ctz(~(unsigned)region->taken);
    if (__builtin_expect(slot >= region->capacity, 0))
        return NULL;
    region->taken = (uint16_t)(region->taken | 1u << slot);
    region->used = (uint16_t)(region->used | 1u << grain);
    region->upper = (uint16_t)((region->upper & ~(1u << grain)) | (address >> 4 & 1) << grain);
    region->index = (region->index & ~((uint64_t)15 << 4 * grain)) | (uint64_t)slot << 4 * grain;
    blocks->n++;
    return &region->slots[slot];
}

/* ERR_MEMORY, ERR_LIMIT: no block can be put at address; everything is as it was. Moves blocks. */
int blocks_reserve(struct blocks *blocks, uint64_t address);
/* As blocks_put, after blocks_reserve, where blocks_find finds none. */
struct blocks_slot *blocks_put_reserved(struct blocks *blocks, uint64_t address);

/* Removes the block at address, which blocks_find has found. Moves strays only. */
void blocks_remove_stray(struct blocks *blocks, uint64_t address);
static inline void blocks_remove_of(struct blocks *blocks, struct blocks_region *region,
                                    uint64_t address)
{
    unsigned grain = blocks_grain(address);
    if (__builtin_expect(!blocks_has(region, address), 0)) {
        blocks_remove_stray(blocks, address);
        return;
    }
    region->used = (uint16_t)(region->used & ~(1u << grain));
    region->taken = (uint16_t)(region->taken & ~(1u << (region->index >> 4 * grain & 15)));
    blocks->n--;
}
static inline void blocks_remove(struct blocks *blocks, uint64_t address)
{
    blocks_remove_of(blocks, blocks_region_of(blocks, address), address);
}

/*
 * Gives back memory when few blocks are left; moves blocks. Asked after each removal: not while a
 * program frees what it has and ends, but when it goes on with few.
 */
void blocks_shrink(struct blocks *blocks);
static inline bool blocks_is_roomy(struct blocks *blocks)
{
    size_t roomy = blocks->pool.slot_n / 8;
    return __builtin_expect(blocks->n < roomy, 0) && roomy > 128 && ++blocks->roomy_n > roomy;
}

/* Takes the block at address out of all look-ups. ERR_MEMORY: it is as it was. Moves blocks. */
int blocks_pend(struct blocks *blocks, uint64_t address);
/* The end of that: the block is given up, or it is as before (after blocks_reserve). */
void blocks_pending_remove(struct blocks *blocks, uint64_t address,
                           const struct blocks_slot *block);
void blocks_pending_return(struct blocks *blocks, uint64_t address,
                           const struct blocks_slot *block);

/* Whether there has been a block since it was zeroed, or done. */
static inline bool blocks_exist(const struct blocks *blocks)
{
    return blocks->regions || blocks->strays.slots;
}

static inline size_t blocks_count(const struct blocks *blocks)
{
    return blocks->n + blocks->strays.n;
}

/* Goes through all blocks, the pending ones too. Zeroed = at the beginning. */
struct blocks_walk {
    size_t region, stray;
    uint16_t passed; /* slots of the region */
};
/* NULL: there are no more. */
const struct blocks_slot *blocks_next(const struct blocks *blocks, struct blocks_walk *walk);

void blocks_done(struct blocks *blocks);

#endif
