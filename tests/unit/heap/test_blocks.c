/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of blocks against a plain list: whatever the addresses are, each block is found with
 * what was put there, and none that was removed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "heap/blocks.h"

enum { ADDRESSES = 4096, STEPS = 400000 };

/* What is known of an address. */
struct known {
    uint64_t address;
    bool live, pending;
    struct blocks_slot block, pending_block;
};

static uint64_t seed;

static uint64_t chance(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

static struct blocks_slot block_new(void)
{
    return (struct blocks_slot){chance(1 << 20), chance(1 << 30), (uint32_t)chance(1000),
                                1 + (uint32_t)chance(9)};
}

static void block_equal(const struct blocks_slot *a, const struct blocks_slot *b)
{
    assert_non_null(a);
    assert_int_equal(a->size_bytes & ~BLOCKS_PENDING, b->size_bytes & ~BLOCKS_PENDING);
    assert_int_equal(a->born_ns, b->born_ns);
    assert_int_equal(a->cell, b->cell);
    assert_int_equal(a->weight, b->weight);
}

static void put(struct blocks *blocks, struct known *known)
{
    known->block = block_new();
    struct blocks_slot *slot = blocks_put(blocks, known->address);
    if (!slot) {
        assert_int_equal(blocks_reserve(blocks, known->address), 0);
        assert_null(blocks_find(blocks, known->address));
        slot = blocks_put_reserved(blocks, known->address);
    }
    *slot = known->block;
    known->live = true;
}

static void take_out(struct blocks *blocks, struct known *known)
{
    blocks_remove(blocks, known->address);
    known->live = false;
    if (blocks_is_roomy(blocks))
        blocks_shrink(blocks);
}

/* A realloc of the block begins. */
static void pend(struct blocks *blocks, struct known *known)
{
    assert_int_equal(blocks_pend(blocks, known->address), 0);
    known->pending_block = known->block;
    known->pending = true;
    known->live = false;
}

/* It ends: given up, or back where it was. */
static void unpend(struct blocks *blocks, struct known *known)
{
    known->pending = false;
    if (known->live || chance(2)) {
        blocks_pending_remove(blocks, known->address, &known->pending_block);
        return;
    }
    assert_int_equal(blocks_reserve(blocks, known->address), 0);
    blocks_pending_return(blocks, known->address, &known->pending_block);
    known->block = known->pending_block;
    known->live = true;
}

static void step(struct blocks *blocks, struct known *known, unsigned live_percent)
{
    if (known->pending && chance(4) == 0)
        unpend(blocks, known);
    else if (!known->live && chance(100) < live_percent)
        put(blocks, known);
    else if (known->live && !known->pending && chance(10) == 0)
        pend(blocks, known);
    else if (known->live && chance(100) >= live_percent)
        take_out(blocks, known);
}

static void check_all(const struct blocks *blocks, const struct known *all)
{
    size_t n = 0, walked = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < ADDRESSES; i++) {
        const struct blocks_slot *slot = blocks_find(blocks, all[i].address);
        if (all[i].live)
            block_equal(slot, &all[i].block);
        else
            assert_null(slot);
        n += all[i].live + all[i].pending;
        sum += all[i].live ? all[i].block.born_ns : 0;
        sum += all[i].pending ? all[i].pending_block.born_ns : 0;
    }
    struct blocks_walk walk = {0};
    for (const struct blocks_slot *slot; (slot = blocks_next(blocks, &walk)); walked++)
        sum -= slot->born_ns;
    assert_int_equal(blocks_count(blocks), n);
    assert_int_equal(walked, n);
    assert_int_equal(sum, 0);
}

/* Sets of addresses by what allocators and madmen give. */
static uint64_t address_of(unsigned kind, size_t i)
{
    switch (kind) {
    case 0: /* the smallest blocks of glibc, side by side */
        return 0x555555550010 + i * 32;
    case 1: /* blocks of 64 */
        return 0x7f0000000040 + i * 64;
    case 2: /* two in 32 bytes */
        return 0x7f0000000000 + i * 16;
    case 3: /* multiples of 8 */
        return 0x1000 + i * 8;
    case 4: /* anything, the first addresses too */
        return 1 + i;
    case 5: /* far apart */
        return 0x7f0000000010 + i * 4096;
    default:
        return (i + 1) * 0x9e3779b97f4a7c15u;
    }
}

static void test_random(void **state)
{
    static struct known all[ADDRESSES];
    for (unsigned kind = 0; kind < 7; kind++) {
        struct blocks blocks = {0};
        seed = kind;
        for (size_t i = 0; i < ADDRESSES; i++)
            all[i] = (struct known){.address = address_of(kind, i)};
        for (unsigned i = 0; i < STEPS; i++) {
            /* It fills up and runs empty several times. */
            step(&blocks, &all[chance(ADDRESSES)], i / 50000 % 2 ? 2 : 95);
            if (i % 25000 == 0)
                check_all(&blocks, all);
        }
        check_all(&blocks, all);
        blocks_done(&blocks);
    }
}

static size_t memory_bytes(const struct blocks *blocks)
{
    return (blocks->mask + 1) * sizeof *blocks->regions +
           blocks->pool.slot_n * sizeof(struct blocks_slot);
}

/*
 * Memory follows the blocks, up and, as the program goes on, down; it does not grow when addresses
 * wander.
 */
static void test_memory(void **state)
{
    enum { MANY = 1 << 20, WINDOW = 4096 };
    struct blocks blocks = {0};
    struct known known = {0};
    for (size_t i = 0; i < MANY; i++) {
        known.address = address_of(1, i);
        put(&blocks, &known);
    }
    assert_true(memory_bytes(&blocks) < (size_t)MANY * 56);
    for (size_t i = 0; i < MANY - WINDOW; i++) {
        known.address = address_of(1, i);
        take_out(&blocks, &known);
    }
    assert_int_equal(blocks_count(&blocks), WINDOW);
    for (size_t i = MANY; i < 4 * MANY; i++) {
        if (i == MANY + MANY / 4)
            assert_true(memory_bytes(&blocks) < (size_t)WINDOW * 56 * 16);
        known.address = address_of(1, i);
        put(&blocks, &known);
        known.address = address_of(1, i - WINDOW);
        take_out(&blocks, &known);
    }
    assert_int_equal(blocks_count(&blocks), WINDOW);
    assert_true(memory_bytes(&blocks) < (size_t)WINDOW * 56 * 16);
    blocks_done(&blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_random),
            cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
