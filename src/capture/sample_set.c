/* SPDX-License-Identifier: Apache-2.0 */
/* Putting addresses into the set, and out of it. */
#include "capture/sample_set.h"

enum {
    SAMPLE_SET_FAR = 32, /* most buckets from home to an address */
    /* One in so many: 1 KiB holds two of them at most on average, with 8 bytes for each block. */
    SAMPLE_SET_NEAR_WEIGHT = 80,
    SAMPLE_SET_NEAR_SHIFT = 4,
};

_Static_assert(1 << SAMPLE_SET_NEAR_SHIFT <= SAMPLE_BUCKET_HOMES, "each bucket is some home's");

static const uint64_t sample_one_passed = UINT64_C(1) << SAMPLE_PASSED_SHIFT;

void sample_set_init(struct sample_set *set, void *memory, size_t bytes, unsigned weight)
{
    uint64_t n = bytes / sizeof(struct sample_bucket);
    set->mask = n - 1;
    set->home_mask = n * SAMPLE_BUCKET_HOMES - 1;
    set->shift = 64u - (unsigned)__builtin_ctzll(n * SAMPLE_BUCKET_HOMES);
    set->near_shift = weight >= SAMPLE_SET_NEAR_WEIGHT ? SAMPLE_SET_NEAR_SHIFT : 0;
    set->buckets = memory;
    /* Release: frees look here without asking whether the set was finished. */
    __atomic_store_n(&set->homes, (_Atomic uint8_t *)memory + bytes, __ATOMIC_RELEASE);
}

/* Where the address stands in the bucket; -1: it does not. */
static int sample_bucket_find(const struct sample_bucket *bucket, uint64_t address)
{
    for (int i = 0; i < SAMPLE_BUCKET_ADDRESSES; i++) {
        if (atomic_load_explicit(&bucket->addresses[i], memory_order_relaxed) == address)
            return i;
    }
    return -1;
}

static bool sample_bucket_add(struct sample_bucket *bucket, uint64_t address)
{
    uint64_t before = atomic_fetch_add_explicit(&bucket->counts, 1, memory_order_relaxed);
    if ((uint32_t)before < SAMPLE_BUCKET_ADDRESSES) {
        for (int i = 0; i < SAMPLE_BUCKET_ADDRESSES; i++) {
            uint64_t empty = 0;
            if (!atomic_load_explicit(&bucket->addresses[i], memory_order_relaxed) &&
                atomic_compare_exchange_strong_explicit(&bucket->addresses[i], &empty, address,
                                                        memory_order_relaxed, memory_order_relaxed))
                return true;
        }
    }
    /* Full, or others were faster: it passes on. Both counts in one step. */
    atomic_fetch_add_explicit(&bucket->counts, sample_one_passed - 1, memory_order_relaxed);
    return false;
}

/* The bucket that lies so far behind the home's own. */
static struct sample_bucket *sample_set_at(const struct sample_set *set, uint64_t home, unsigned i)
{
    return &set->buckets[((home >> set->near_shift) + i) & set->mask];
}

/* The buckets from home on, n of them, have let an address pass that is no longer in the set. */
static void sample_set_unpass(struct sample_set *set, uint64_t home, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        atomic_fetch_sub_explicit(&sample_set_at(set, home, i)->counts, sample_one_passed,
                                  memory_order_relaxed);
}

/* One address more or less begins at its place in the home. */
static void sample_set_count(_Atomic uint8_t *home, uint64_t address, int by)
{
    unsigned shift = 2 * sample_set_grain(address);
    uint8_t before = atomic_load_explicit(home, memory_order_relaxed), after;
    do {
        if ((before >> shift & SAMPLE_GRAIN_MANY) == SAMPLE_GRAIN_MANY)
            return;
        after = (uint8_t)(before + by * (1 << shift));
    } while (!atomic_compare_exchange_weak_explicit(home, &before, after, memory_order_relaxed,
                                                    memory_order_relaxed));
}

bool sample_set_add(struct sample_set *set, uint64_t address)
{
    if (!set->buckets)
        return false;
    uint64_t home = sample_set_home(set, address);
    for (unsigned i = 0; i < SAMPLE_SET_FAR; i++) {
        if (sample_bucket_add(sample_set_at(set, home, i), address)) {
            sample_set_count(&set->homes[home], address, 1);
            return true;
        }
    }
    sample_set_unpass(set, home, SAMPLE_SET_FAR);
    return false;
}

/* How far from home the address stands; negative: nowhere. *ret_place: where in its bucket. */
static int sample_set_seek(const struct sample_set *set, uint64_t home, uint64_t address,
                           int *ret_place)
{
    for (int i = 0; i < SAMPLE_SET_FAR; i++) {
        const struct sample_bucket *bucket = sample_set_at(set, home, (unsigned)i);
        uint64_t counts = atomic_load_explicit(&bucket->counts, memory_order_relaxed);
        *ret_place = (uint32_t)counts ? sample_bucket_find(bucket, address) : -1;
        if (*ret_place >= 0)
            return i;
        if (!(counts >> SAMPLE_PASSED_SHIFT))
            return -1;
    }
    return -1;
}

bool sample_set_remove_slow(struct sample_set *set, uint64_t home, uint64_t address)
{
    int place;
    int far = sample_set_seek(set, home, address, &place);
    if (far < 0)
        return false;
    struct sample_bucket *bucket = sample_set_at(set, home, (unsigned)far);
    /* A program that frees twice at once must not count it twice: the count would wrap. */
    uint64_t there = address;
    if (!atomic_compare_exchange_strong_explicit(&bucket->addresses[place], &there, 0,
                                                 memory_order_relaxed, memory_order_relaxed))
        return false;
    atomic_fetch_sub_explicit(&bucket->counts, 1, memory_order_relaxed);
    sample_set_unpass(set, home, (unsigned)far);
    sample_set_count(&set->homes[home], address, -1);
    return true;
}

bool sample_set_has(const struct sample_set *set, uint64_t address)
{
    int place;
    return set->buckets &&
           sample_set_seek(set, sample_set_home(set, address), address, &place) >= 0;
}
