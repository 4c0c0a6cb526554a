/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from 64-bit keys to 32-bit indices: the index of every table of the tool. */
#ifndef MEMSCOPE_BASE_MAP_H
#define MEMSCOPE_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAP_NONE = -1 };

struct map_slot {
    uint64_t key;
    uint32_t value;
    uint32_t used; /* 0 = free */
};

/* Zeroed = empty. Linear probing; at most three quarters full; entries are never removed. */
struct map {
    struct map_slot *slots;
    size_t n;
    size_t mask; /* slots - 1, 0 = none yet */
};

/* A good 64-bit mix (murmur3's finalizer) for keys and hashes. */
static inline uint64_t map_mix(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdu;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53u;
    x ^= x >> 33;
    return x;
}

/* FNV-1a of n bytes, mixed. */
uint64_t map_hash_bytes(const void *bytes, size_t n);

/* The value of key, or MAP_NONE. */
int64_t map_find(const struct map *map, uint64_t key);

/* Sets key to value; false = no memory (the map is as before). */
bool map_put(struct map *map, uint64_t key, uint32_t value);

void map_done(struct map *map);

#endif
