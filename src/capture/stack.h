/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stack ids: a stack is written to the log once and known by its place there.
 *
 * A stack's key is a hash over its frames from the root, so that a kept prefix keeps its key and
 * only new frames cost anything. 128 bits: ten million stacks collide with a chance below 10^-24.
 * The table from key to id is shared by all threads and lossy: a forgotten stack is written
 * again, and two ids for one stack are allowed.
 */
#ifndef MEMSCOPE_CAPTURE_STACK_H
#define MEMSCOPE_CAPTURE_STACK_H

#include <stdatomic.h>
#include <stdint.h>

struct stack_key {
    uint64_t a, b;
};

/* The key of no frames. Stacks of another generation or of other flags never compare equal. */
static inline struct stack_key stack_key_root(uint32_t generation, uint32_t root_flags)
{
    uint64_t seed = (uint64_t)generation << 8 | root_flags;
    return (struct stack_key){seed * 0xd6e8feb86659fd93ull, ~seed * 0xa0761d6478bd642full};
}

/* One frame more towards the leaf; `guessed` when the step to its caller was a guess. The first
 * half is a bijection of either argument, so keys that differ in one frame differ; the second
 * mixes all bits. */
static inline struct stack_key stack_key_push(struct stack_key key, uintptr_t pc, uint64_t guessed)
{
    uint64_t word = pc ^ guessed << 63;
    uint64_t a = (key.a ^ word) * 0x9e3779b97f4a7c15ull;
    unsigned __int128 b = (unsigned __int128)(key.b ^ word) * 0xe7037ed1a0b428dbull;
    return (struct stack_key){a << 32 | a >> 32, (uint64_t)b ^ (uint64_t)(b >> 64)};
}

/* Negative when the pool gives no memory. `entries` is rounded down to a power of two. */
int stack_table_init(uint32_t entries);

enum { STACK_PLACES = 4 };

struct stack_entry {
    _Atomic uint64_t a, b, id;
};

struct stack_table {
    struct stack_entry *entries; /* STACK_PLACES - 1 more than the mask says */
    uint64_t mask;
};

extern struct stack_table stack_table;

static inline struct stack_entry *stack_table_at(struct stack_key key)
{
    uint64_t mixed = key.a ^ key.b;
    return &stack_table.entries[(mixed ^ mixed >> 32) & stack_table.mask];
}

static inline void stack_table_prefetch(struct stack_key key)
{
    const char *entry = (const char *)stack_table_at(key);
    __builtin_prefetch(entry);
    __builtin_prefetch(entry + sizeof(struct stack_entry) - 1);
}

/* The id of a stack, 0 when it is not known. */
static inline uint64_t stack_table_find(struct stack_key key)
{
    const struct stack_entry *entry = stack_table_at(key);
    for (int i = 0; i < STACK_PLACES; i++, entry++) {
        /* Acquire: pairs with the release in stack_table_put, so the id's record is in the log
         * for whoever follows the id. */
        uint64_t id = atomic_load_explicit(&entry->id, memory_order_acquire);
        if (((atomic_load_explicit(&entry->a, memory_order_relaxed) ^ id ^ key.a) |
             (atomic_load_explicit(&entry->b, memory_order_relaxed) ^ id ^ key.b)) == 0)
            return id;
        if (id == 0)
            return 0;
    }
    return 0;
}

/* Remembers the id of a stack that has been committed to the log. */
void stack_table_put(struct stack_key key, uint64_t id);

#endif
