/* SPDX-License-Identifier: Apache-2.0 */
/* Linear probing over a power of two of slots. */
#include "base/map.h"

#include <stdlib.h>

uint64_t map_hash_bytes(const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return map_mix(hash);
}

static struct map_slot *map_slot_of(const struct map *map, uint64_t key)
{
    size_t i = map_mix(key) & map->mask;
    while (map->slots[i].used && map->slots[i].key != key)
        i = (i + 1) & map->mask;
    return &map->slots[i];
}

int64_t map_find(const struct map *map, uint64_t key)
{
    if (!map->slots)
        return MAP_NONE;
    const struct map_slot *slot = map_slot_of(map, key);
    return slot->used ? (int64_t)slot->value : MAP_NONE;
}

static bool map_grow(struct map *map)
{
    size_t slots = map->slots ? (map->mask + 1) * 2 : 64;
    struct map larger = {.slots = calloc(slots, sizeof *larger.slots), .mask = slots - 1};
    if (!larger.slots)
        return false;
    for (size_t i = 0; map->slots && i <= map->mask; i++) {
        if (map->slots[i].used)
            *map_slot_of(&larger, map->slots[i].key) = map->slots[i];
    }
    larger.n = map->n;
    free(map->slots);
    *map = larger;
    return true;
}

bool map_put(struct map *map, uint64_t key, uint32_t value)
{
    if ((!map->slots || map->n + 1 > (map->mask + 1) / 4 * 3) && !map_grow(map))
        return false;
    struct map_slot *slot = map_slot_of(map, key);
    if (!slot->used)
        map->n++;
    *slot = (struct map_slot){.key = key, .value = value, .used = 1};
    return true;
}

void map_done(struct map *map)
{
    free(map->slots);
    *map = (struct map){0};
}
