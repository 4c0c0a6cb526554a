/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses of the process's live blocks that were sampled: their frees are recorded, all
 * others pass after one look here, which in most cases reads one byte.
 *
 * An open hash table of buckets of one cache line: seven addresses and a count word. A bucket that
 * is full lets an address pass on to the next one and counts it, so that a look goes on exactly as
 * long as an address may have passed. An address is put in by the thread that owns the new block,
 * after the real malloc returned, and taken out by whoever frees it, before the real free: no two
 * threads ever handle the same address at a time, and what they did to it is ordered by the program
 * itself. Places are taken by compare-and-swap; counts change by atomic adds, upwards before an
 * address is put in and downwards after it is out, so that a count is never too low. No
 * tombstones, no resizing: a taken-out address leaves nothing behind.
 *
 * Behind the buckets stand sixteen bytes for each, the homes of 64 bytes of memory: two bits for
 * each 16 of them say how many addresses of the set begin there, up to two; 3 stands for many, and
 * stays. A block that is freed again and again beside one that was sampled and lives on is not
 * taken for it. Where many addresses are sampled neighbouring homes have buckets of their own, and
 * homes that are alike in their lower bits share one; where few are, up to sixteen neighbours
 * share one, so that what is sampled near by is in few cache lines. Most looks end at a zero,
 * also while the buckets fill up. Neighbours in memory have neighbouring bytes, a cache line of
 * them for 4 KiB: what the program touches together is together here. A count is raised after its
 * address was put in and lowered after it was taken out.
 *
 * Private anonymous memory: a forked child has its own copy, in a state that is consistent at any
 * moment (at worst one count is too high for ever, which costs a look).
 */
#ifndef MEMSCOPE_CAPTURE_SAMPLE_SET_H
#define MEMSCOPE_CAPTURE_SAMPLE_SET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SAMPLE_BUCKET_ADDRESSES = 7,
    SAMPLE_PASSED_SHIFT = 32,
    SAMPLE_BUCKET_HOMES = 16, /* for each bucket */
    SAMPLE_HOME_SHIFT = 6,    /* addresses that share a home */
    SAMPLE_GRAIN_SHIFT = 4,   /* addresses that share a count in it */
    SAMPLE_GRAIN_MANY = 3,    /* a count that is no longer kept */
    SAMPLE_REGION_SHIFT = 16, /* addresses whose homes lie together */
};

struct sample_bucket {
    _Alignas(64) _Atomic uint64_t counts; /* low half: addresses here; high half: passed on */
    _Atomic uint64_t addresses[SAMPLE_BUCKET_ADDRESSES];
};

struct sample_set {
    struct sample_bucket *buckets; /* NULL: there is no set */
    _Atomic uint8_t *homes;        /* counts of addresses by their home */
    unsigned shift;                /* 64 - log2 of the number of homes */
    unsigned near_shift;           /* log2 of the neighbouring homes that share a bucket */
    uint64_t home_mask;            /* number of homes - 1 */
    uint64_t mask;                 /* number of buckets - 1 */
};

/* What a set takes with buckets of so many bytes (a power of two, at least 4096). */
static inline size_t sample_set_memory(size_t bytes)
{
    return bytes + bytes / sizeof(struct sample_bucket) * SAMPLE_BUCKET_HOMES;
}

/*
 * Lays a set over zeroed memory of sample_set_memory(bytes), aligned to 64, for a session that
 * keeps one small block in so many.
 */
void sample_set_init(struct sample_set *set, void *memory, size_t bytes, unsigned weight);

/* False: it is full, or there is none. */
bool sample_set_add(struct sample_set *set, uint64_t address);

/* The rest of sample_set_remove, where there are addresses with this home. */
bool sample_set_remove_slow(struct sample_set *set, uint64_t home, uint64_t address);
bool sample_set_has(const struct sample_set *set, uint64_t address);

static inline uint64_t sample_set_home(const struct sample_set *set, uint64_t address)
{
    uint64_t region = (address >> SAMPLE_REGION_SHIFT) * 0x9e3779b97f4a7c15u >> set->shift;
    return (region ^ address >> SAMPLE_HOME_SHIFT) & set->home_mask;
}

/* Where the address's count stands in its home's byte. */
static inline unsigned sample_set_grain(uint64_t address)
{
    return address >> SAMPLE_GRAIN_SHIFT & 3;
}

/* False: the address is not in. */
static inline bool sample_set_may_have(const struct sample_set *set, uint64_t address)
{
    /* Acquire: pairs with sample_set_init, which another thread may be in. */
    const _Atomic uint8_t *homes = __atomic_load_n(&set->homes, __ATOMIC_ACQUIRE);
    if (!homes)
        return false;
    unsigned counts =
            atomic_load_explicit(&homes[sample_set_home(set, address)], memory_order_relaxed);
    return counts >> 2 * sample_set_grain(address) & SAMPLE_GRAIN_MANY;
}

/* Takes the address out. False: it is not in. */
static inline bool sample_set_remove(struct sample_set *set, uint64_t address)
{
    if (__builtin_expect(!sample_set_may_have(set, address), 1))
        return false;
    return sample_set_remove_slow(set, sample_set_home(set, address), address);
}

#endif
