/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table from a stack's key to its id.
 *
 * An entry is three words, written and read one by one without a lock: the id, and both halves of
 * the key each xored with it. A reader that meets words of two writers sees a key that nobody
 * asked for. Nothing waits, nothing is ever removed; where all places of a key are taken, one is
 * overwritten.
 */
#include "capture/stack.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "capture/pool.h"

enum { PLACES = 4, FINAL_SHIFT = 32 };

struct entry {
    _Atomic uint64_t a, b, id;
};

static struct {
    struct entry *entries; /* PLACES - 1 more than the mask says */
    uint64_t mask;
} table;

int stack_table_init(uint32_t count)
{
    while ((count & (count - 1)) != 0)
        count &= count - 1;
    struct entry *entries = pool_take((count + PLACES - 1) * sizeof(struct entry));
    if (entries == NULL || count == 0)
        return -1;
    table.entries = entries;
    table.mask = count - 1;
    return 0;
}

static uint64_t key_index(struct stack_key key)
{
    uint64_t mixed = (key.a ^ key.a >> FINAL_SHIFT) + key.b;
    return (mixed ^ mixed >> FINAL_SHIFT) & table.mask;
}

uint64_t stack_table_find(struct stack_key key)
{
    const struct entry *entry = &table.entries[key_index(key)];
    for (int i = 0; i < PLACES; i++, entry++) {
        /* Acquire: pairs with the release in stack_table_put, so the id's record is in the log
         * for whoever follows the id. */
        uint64_t id = atomic_load_explicit(&entry->id, memory_order_acquire);
        if (id == 0)
            return 0;
        if ((atomic_load_explicit(&entry->a, memory_order_relaxed) ^ id) == key.a &&
            (atomic_load_explicit(&entry->b, memory_order_relaxed) ^ id) == key.b)
            return id;
    }
    return 0;
}

void stack_table_put(struct stack_key key, uint64_t id)
{
    struct entry *first = &table.entries[key_index(key)];
    struct entry *entry = first + key.b % PLACES;
    for (int i = 0; i < PLACES; i++) {
        if (atomic_load_explicit(&first[i].id, memory_order_relaxed) == 0) {
            entry = first + i;
            break;
        }
    }
    atomic_store_explicit(&entry->a, key.a ^ id, memory_order_relaxed);
    atomic_store_explicit(&entry->b, key.b ^ id, memory_order_relaxed);
    /* Release: pairs with the acquire in stack_table_find. */
    atomic_store_explicit(&entry->id, id, memory_order_release);
}
