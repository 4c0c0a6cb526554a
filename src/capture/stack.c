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

#include <stddef.h>

#include "capture/pool.h"

struct stack_table stack_table;

int stack_table_init(uint32_t count)
{
    while ((count & (count - 1)) != 0)
        count &= count - 1;
    struct stack_entry *entries =
            count == 0 ? NULL : pool_take((count + STACK_PLACES - 1) * sizeof(struct stack_entry));
    if (entries == NULL)
        return -1;
    stack_table.entries = entries;
    stack_table.mask = count - 1;
    return 0;
}

void stack_table_put(struct stack_key key, uint64_t id)
{
    struct stack_entry *first = stack_table_at(key);
    struct stack_entry *entry = first + key.b % STACK_PLACES;
    for (int i = 0; i < STACK_PLACES; i++) {
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
