/* SPDX-License-Identifier: Apache-2.0 */
/* Growth and shrinking of the table of blocks. */
#include "heap/blocks.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/diag.h"

enum {
    BLOCKS_FIRST_SHIFT = 64 - 6,     /* 64 slots at first */
    BLOCKS_LAST_SHIFT = 64 - 38,     /* 2^38 slots at the most */
    BLOCKS_MAPPED_BYTES = 256 << 10, /* from this size on, straight from the kernel */
    BLOCKS_HUGE_BYTES = 4 << 20,     /* from this size on, huge pages where there are any */
};

static struct blocks_slot *blocks_slots_new(size_t slots)
{
    size_t bytes = slots * sizeof(struct blocks_slot);
    if (bytes < BLOCKS_MAPPED_BYTES)
        return calloc(slots, sizeof(struct blocks_slot));
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    if (bytes >= BLOCKS_HUGE_BYTES)
        madvise(at, bytes, MADV_HUGEPAGE);
    return at;
}

static void blocks_slots_free(struct blocks_slot *at, size_t slots)
{
    size_t bytes = slots * sizeof *at;
    if (bytes < BLOCKS_MAPPED_BYTES)
        free(at);
    else
        munmap(at, bytes);
}

/* Moves all blocks into a table of 2^(64 - shift) slots. */
static int blocks_resize(struct blocks *blocks, unsigned shift)
{
    size_t slots = (size_t)1 << (64 - shift);
    struct blocks larger = {.slots = blocks_slots_new(slots),
                            .mask = slots - 1,
                            .shift = shift,
                            .n = blocks->n,
                            .grow_at = slots / 3 * 2};
    if (!larger.slots)
        return ERR_MEMORY;
    for (size_t i = 0; blocks->slots && i <= blocks->mask; i++) {
        if (!blocks->slots[i].address)
            continue;
        size_t home = blocks_home(&larger, blocks->slots[i].address);
        while (larger.slots[home].address)
            home = (home + 1) & larger.mask;
        larger.slots[home] = blocks->slots[i];
    }
    blocks_done(blocks);
    *blocks = larger;
    return 0;
}

int blocks_grow(struct blocks *blocks)
{
    if (!blocks->slots)
        return blocks_resize(blocks, BLOCKS_FIRST_SHIFT);
    if (blocks->shift <= BLOCKS_LAST_SHIFT)
        return ERR_LIMIT;
    return blocks_resize(blocks, blocks->shift - 1);
}

void blocks_shrink(struct blocks *blocks)
{
    unsigned shift = blocks->shift;
    while (shift < BLOCKS_FIRST_SHIFT && blocks->n < ((size_t)1 << (64 - shift)) / 4)
        shift++;
    /* Without memory for the smaller table the larger one stays. */
    if (shift != blocks->shift)
        blocks_resize(blocks, shift);
}

void blocks_done(struct blocks *blocks)
{
    if (blocks->slots)
        blocks_slots_free(blocks->slots, blocks->mask + 1);
    *blocks = (struct blocks){0};
}
