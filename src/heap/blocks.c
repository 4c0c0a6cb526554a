/* SPDX-License-Identifier: Apache-2.0 */
/* Room for blocks: arrays of slots out of chunks, growth of regions and of their table. */
#include "heap/blocks.h"

#include <string.h>

#include "base/diag.h"
#include "base/memory.h"

enum {
    BLOCKS_FIRST_SHIFT = 64 - 4, /* 16 regions at first */
    BLOCKS_LAST_SHIFT = 64 - 36, /* 2^36 regions at the most */
    BLOCKS_CHUNK_LEAST = 8 << 10,
    BLOCKS_CHUNK_MOST = 4 << 20,
    BLOCKS_EXPECTED_BYTES = 256 << 10, /* of a chunk, had from the kernel in one go */
};

/* What a region's array holds, in each class. */
static const uint8_t blocks_capacity[BLOCKS_CLASSES] = {1, 2, 4, 8, 12, 16};
/* The class that a region goes on with, by its capacity. */
static const uint8_t blocks_class_after[BLOCKS_GRAINS + 1] = {
        [0] = 1, [1] = 1, [2] = 2, [4] = 3, [8] = 4, [12] = 5};

struct blocks_chunk {
    struct blocks_chunk *next;
    size_t bytes; /* with this head */
};
_Static_assert(sizeof(struct blocks_chunk) <= sizeof(struct blocks_slot), "a head is one slot");

/* Each chunk is as large as all before it, within limits. */
static int pool_grow(struct blocks_pool *pool, struct pages *pages)
{
    size_t bytes = BLOCKS_CHUNK_LEAST;
    if (pool->chunks)
        bytes = pool->chunks->bytes < BLOCKS_CHUNK_MOST ? pool->chunks->bytes * 2
                                                        : BLOCKS_CHUNK_MOST;
    struct blocks_chunk *chunk = pages_new(pages, bytes);
    if (!chunk)
        return ERR_MEMORY;
    *chunk = (struct blocks_chunk){pool->chunks, bytes};
    pool->chunks = chunk;
    pool->at = (struct blocks_slot *)chunk + 1;
    pool->end = (struct blocks_slot *)chunk + bytes / sizeof *pool->end;
    pool->expected = bytes < PAGES_MAPPED_BYTES ? pool->end : pool->at;
    return 0;
}

/* What comes next in a chunk is there before it is needed. */
static void pool_expect(struct blocks_pool *pool)
{
    size_t left = (size_t)(pool->end - pool->expected);
    size_t n = BLOCKS_EXPECTED_BYTES / sizeof *pool->end;
    n = n < left ? n : left;
    memory_expect(pool->expected, pool->expected + n);
    pool->expected += n;
}

/* An array of the class; NULL: no memory. */
static struct blocks_slot *pool_take(struct blocks_pool *pool, struct pages *pages, unsigned class)
{
    struct blocks_slot *slots = pool->unused[class];
    size_t n = blocks_capacity[class];
    if (slots) {
        memcpy(&pool->unused[class], slots, sizeof(void *));
    } else {
        if ((size_t)(pool->end - pool->at) < n && pool_grow(pool, pages) < 0)
            return NULL;
        slots = pool->at;
        pool->at += n;
        if (pool->at > pool->expected)
            pool_expect(pool);
    }
    pool->slot_n += n;
    return slots;
}

static unsigned pool_class(size_t capacity)
{
    unsigned class = 0;
    while (blocks_capacity[class] < capacity)
        class ++;
    return class;
}

static void pool_give(struct blocks_pool *pool, struct blocks_slot *slots, size_t capacity)
{
    unsigned class = pool_class(capacity);
    memcpy(slots, &pool->unused[class], sizeof(void *));
    pool->unused[class] = slots;
    pool->slot_n -= capacity;
}

static void pool_done(struct blocks_pool *pool)
{
    while (pool->chunks) {
        struct blocks_chunk *chunk = pool->chunks;
        pool->chunks = chunk->next;
        pages_free(chunk, chunk->bytes);
    }
    *pool = (struct blocks_pool){0};
}

/* The place of a region that is not there yet. */
static struct blocks_region *blocks_region_place(const struct blocks *blocks, uint64_t base)
{
    size_t i = blocks_home(blocks, base);
    while (blocks->regions[i].base)
        i = (i + 1) & blocks->mask;
    return &blocks->regions[i];
}

/* An empty table of 2^(64 - shift) regions. */
static int blocks_table_new(struct blocks *blocks, unsigned shift, struct pages *pages)
{
    size_t regions = (size_t)1 << (64 - shift), bytes = regions * sizeof *blocks->regions;
    *blocks = (struct blocks){
            .regions = pages_new(pages, bytes), .mask = regions - 1, .shift = shift};
    if (!blocks->regions)
        return ERR_MEMORY;
    if (bytes >= PAGES_MAPPED_BYTES)
        memory_expect(blocks->regions, blocks->regions + regions);
    blocks->pages = *pages;
    return 0;
}

static void blocks_table_free(struct blocks *blocks)
{
    if (blocks->regions)
        pages_free(blocks->regions, (blocks->mask + 1) * sizeof *blocks->regions);
}

/* Moves regions that have blocks, with their arrays, into a table of 2^(64 - shift) of them. */
static int blocks_table_renew(struct blocks *blocks, unsigned shift)
{
    struct blocks other;
    if (blocks_table_new(&other, shift, &blocks->pages) < 0)
        return ERR_MEMORY;
    other.n = blocks->n;
    for (size_t i = 0; blocks->regions && i <= blocks->mask; i++) {
        const struct blocks_region *region = &blocks->regions[i];
        if (region->used) {
            *blocks_region_place(&other, region->base) = *region;
            other.region_n++;
        } else if (region->capacity) {
            pool_give(&blocks->pool, region->slots, region->capacity);
        }
    }
    other.pool = blocks->pool;
    other.strays = blocks->strays;
    blocks_table_free(blocks);
    *blocks = other;
    return 0;
}

/* Makes room for one more region. Where half of them are empty, by dropping those. */
static int blocks_table_reserve(struct blocks *blocks)
{
    if (!blocks->regions)
        return blocks_table_renew(blocks, BLOCKS_FIRST_SHIFT);
    if (blocks->region_n < (blocks->mask + 1) / 4 * 3)
        return 0;
    size_t used = 0;
    for (size_t i = 0; i <= blocks->mask; i++)
        used += blocks->regions[i].used != 0;
    if (used <= blocks->region_n / 2)
        return blocks_table_renew(blocks, blocks->shift);
    return blocks->shift <= BLOCKS_LAST_SHIFT ? ERR_LIMIT
                                              : blocks_table_renew(blocks, blocks->shift - 1);
}

/* A longer array for a region that has no room. */
static int blocks_region_grow(struct blocks *blocks, struct blocks_region *region)
{
    unsigned class = blocks_class_after[region->capacity];
    struct blocks_slot *slots = pool_take(&blocks->pool, &blocks->pages, class);
    if (!slots)
        return ERR_MEMORY;
    if (region->capacity) {
        memcpy(slots, region->slots, region->capacity * sizeof *slots);
        pool_give(&blocks->pool, region->slots, region->capacity);
    }
    region->slots = slots;
    region->capacity = blocks_capacity[class];
    return 0;
}

/* Whether a block at this address is kept among the strays. */
static bool blocks_is_stray(const struct blocks_region *region, uint64_t address)
{
    return address % 16 || address < BLOCKS_REGION_BYTES ||
           (region && region->used >> blocks_grain(address) & 1);
}

int blocks_reserve(struct blocks *blocks, uint64_t address)
{
    struct blocks_region *region = blocks_region_of(blocks, address);
    if (blocks_is_stray(region, address))
        return strays_reserve(&blocks->strays);
    if (!region) {
        int err = blocks_table_reserve(blocks);
        if (err < 0)
            return err;
        uint64_t base = address & -(uint64_t)BLOCKS_REGION_BYTES;
        region = blocks_region_place(blocks, base);
        *region = (struct blocks_region){.base = base};
        blocks->region_n++;
    }
    if (__builtin_popcount(region->taken) < region->capacity)
        return 0;
    return blocks_region_grow(blocks, region);
}

struct blocks_slot *blocks_put_reserved(struct blocks *blocks, uint64_t address)
{
    struct blocks_region *region = blocks_region_of(blocks, address);
    if (blocks_is_stray(region, address))
        return &strays_add(&blocks->strays, address)->block;
    /* Strays hide no room: what put refuses is that one of them may have this address. */
    size_t stray_n = blocks->strays.n;
    blocks->strays.n = 0;
    struct blocks_slot *slot = blocks_put(blocks, address);
    blocks->strays.n = stray_n;
    return slot;
}

void blocks_remove_stray(struct blocks *blocks, uint64_t address)
{
    struct stray *stray = strays_find(&blocks->strays, address);
    if (stray)
        strays_remove(&blocks->strays, stray);
}

int blocks_pend(struct blocks *blocks, uint64_t address)
{
    struct stray *stray = strays_find(&blocks->strays, address);
    const struct blocks_slot *slot = blocks_find(blocks, address);
    if (!stray && slot) {
        const struct blocks_slot block = *slot;
        int err = strays_reserve(&blocks->strays);
        if (err < 0)
            return err;
        blocks_remove(blocks, address);
        stray = strays_add(&blocks->strays, address);
        stray->block = block;
    }
    if (stray)
        stray->block.size_bytes |= BLOCKS_PENDING;
    return 0;
}

void blocks_pending_remove(struct blocks *blocks, uint64_t address, const struct blocks_slot *block)
{
    struct stray *stray = strays_find_pending(&blocks->strays, address, block);
    if (stray)
        strays_remove(&blocks->strays, stray);
}

void blocks_pending_return(struct blocks *blocks, uint64_t address, const struct blocks_slot *block)
{
    struct blocks_slot back = *block;
    back.size_bytes &= ~BLOCKS_PENDING;
    blocks_pending_remove(blocks, address, block);
    *blocks_put_reserved(blocks, address) = back;
}

/* Copies a region's blocks into an array of no more than they need. */
static int blocks_region_pack(struct blocks *into, const struct blocks_region *region)
{
    unsigned n = (unsigned)__builtin_popcount(region->used), slot = 0;
    unsigned class = pool_class(n);
    struct blocks_region packed = *region;
    packed.slots = pool_take(&into->pool, &into->pages, class);
    if (!packed.slots)
        return ERR_MEMORY;
    packed.capacity = blocks_capacity[class];
    packed.taken = (uint16_t)((1u << n) - 1);
    packed.index = 0;
    for (unsigned grain = 0; grain < BLOCKS_GRAINS; grain++) {
        if (!(region->used >> grain & 1))
            continue;
        packed.slots[slot] = *blocks_slot_of(region, grain);
        packed.index |= (uint64_t)slot++ << 4 * grain;
    }
    *blocks_region_place(into, region->base) = packed;
    into->region_n++;
    into->n += n;
    return 0;
}

void blocks_shrink(struct blocks *blocks)
{
    struct blocks other;
    unsigned shift = BLOCKS_FIRST_SHIFT;
    size_t used = 0;
    for (size_t i = 0; i <= blocks->mask; i++)
        used += blocks->regions[i].used != 0;
    while (((size_t)1 << (64 - shift)) / 2 <= used)
        shift--;
    /* Without memory for less the more stays. */
    int err = blocks_table_new(&other, shift, &blocks->pages);
    for (size_t i = 0; i <= blocks->mask && err == 0; i++) {
        if (blocks->regions[i].used)
            err = blocks_region_pack(&other, &blocks->regions[i]);
    }
    if (err < 0) {
        pool_done(&other.pool);
        blocks_table_free(&other);
        return;
    }
    other.strays = blocks->strays;
    pool_done(&blocks->pool);
    blocks_table_free(blocks);
    *blocks = other;
}

const struct blocks_slot *blocks_next(const struct blocks *blocks, struct blocks_walk *walk)
{
    for (; blocks->regions && walk->region <= blocks->mask; walk->region++, walk->passed = 0) {
        const struct blocks_region *region = &blocks->regions[walk->region];
        unsigned left = region->taken & ~(unsigned)walk->passed;
        if (!left)
            continue;
        unsigned slot = (unsigned)__builtin_ctz(left);
        walk->passed = (uint16_t)(walk->passed | 1u << slot);
        return &region->slots[slot];
    }
    while (blocks->strays.slots && walk->stray <= blocks->strays.mask) {
        const struct stray *stray = &blocks->strays.slots[walk->stray++];
        if (stray->address)
            return &stray->block;
    }
    return NULL;
}

void blocks_done(struct blocks *blocks)
{
    blocks_table_free(blocks);
    pool_done(&blocks->pool);
    strays_done(&blocks->strays);
    *blocks = (struct blocks){0};
}
