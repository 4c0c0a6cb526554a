/* SPDX-License-Identifier: Apache-2.0 */
/* The small table beside the table of blocks; it doubles when it is two thirds full. */
#include "heap/strays.h"

#include <stdlib.h>

#include "base/diag.h"

enum {
    STRAYS_FIRST_SHIFT = 64 - 4, /* 16 slots at first */
    STRAYS_LAST_SHIFT = 64 - 38,
    STRAYS_ROOMY = 1023, /* a larger table that is nearly empty shrinks */
};

static size_t strays_home(const struct strays *strays, uint64_t address)
{
    return (size_t)((address * 0x9e3779b97f4a7c15u) >> strays->shift);
}

struct stray *strays_find(const struct strays *strays, uint64_t address)
{
    if (!strays->slots)
        return NULL;
    for (size_t i = strays_home(strays, address); strays->slots[i].address;
         i = (i + 1) & strays->mask) {
        struct stray *stray = &strays->slots[i];
        if (stray->address == address && !(stray->block.size_bytes & BLOCKS_PENDING))
            return stray;
    }
    return NULL;
}

struct stray *strays_find_pending(const struct strays *strays, uint64_t address,
                                  const struct blocks_slot *block)
{
    if (!strays->slots)
        return NULL;
    for (size_t i = strays_home(strays, address); strays->slots[i].address;
         i = (i + 1) & strays->mask) {
        struct stray *stray = &strays->slots[i];
        const struct blocks_slot *slot = &stray->block;
        if (stray->address == address && slot->size_bytes == (block->size_bytes | BLOCKS_PENDING) &&
            slot->born_ns == block->born_ns && slot->cell == block->cell &&
            slot->weight == block->weight)
            return stray;
    }
    return NULL;
}

/* Moves all into a table of 2^(64 - shift) slots. */
static int strays_resize(struct strays *strays, unsigned shift)
{
    size_t slots = (size_t)1 << (64 - shift);
    struct strays other = {
            .slots = calloc(slots, sizeof *other.slots), .mask = slots - 1, .shift = shift};
    if (!other.slots)
        return ERR_MEMORY;
    for (size_t i = 0; strays->slots && i <= strays->mask; i++) {
        if (strays->slots[i].address)
            *strays_add(&other, strays->slots[i].address) = strays->slots[i];
    }
    free(strays->slots);
    *strays = other;
    return 0;
}

int strays_reserve(struct strays *strays)
{
    if (!strays->slots)
        return strays_resize(strays, STRAYS_FIRST_SHIFT);
    if (strays->n < (strays->mask + 1) / 3 * 2)
        return 0;
    return strays->shift <= STRAYS_LAST_SHIFT ? ERR_LIMIT
                                              : strays_resize(strays, strays->shift - 1);
}

struct stray *strays_add(struct strays *strays, uint64_t address)
{
    size_t i = strays_home(strays, address);
    while (strays->slots[i].address)
        i = (i + 1) & strays->mask;
    strays->slots[i].address = address;
    strays->n++;
    return &strays->slots[i];
}

/* Without memory for a smaller table the larger one stays. */
static void strays_shrink(struct strays *strays)
{
    unsigned shift = strays->shift;
    while (shift < STRAYS_FIRST_SHIFT && strays->n < ((size_t)1 << (64 - shift)) / 4)
        shift++;
    strays_resize(strays, shift);
}

void strays_remove(struct strays *strays, struct stray *stray)
{
    size_t hole = (size_t)(stray - strays->slots);
    for (size_t i = (hole + 1) & strays->mask; strays->slots[i].address;
         i = (i + 1) & strays->mask) {
        size_t home = strays_home(strays, strays->slots[i].address);
        /* It may move into the hole unless its home lies behind the hole. */
        if (((i - home) & strays->mask) >= ((i - hole) & strays->mask)) {
            strays->slots[hole] = strays->slots[i];
            hole = i;
        }
    }
    strays->slots[hole].address = 0;
    strays->n--;
    if (strays->mask > STRAYS_ROOMY && strays->n < strays->mask / 8)
        strays_shrink(strays);
}

void strays_done(struct strays *strays)
{
    free(strays->slots);
    *strays = (struct strays){0};
}
