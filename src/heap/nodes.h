/* SPDX-License-Identifier: Apache-2.0 */
/* The index of a model's nodes, by parent and frame. */
#ifndef MEMSCOPE_HEAP_NODES_H
#define MEMSCOPE_HEAP_NODES_H

#include <stddef.h>
#include <stdint.h>

struct nodes_entry {
    uint32_t tag;  /* of what the node holds: its place in the index, and a first comparison */
    uint32_t node; /* 0 = free */
};

/* Zeroed = empty. Linear probing over a power of two; at most two thirds full. */
struct nodes_index {
    struct nodes_entry *entries;
    size_t n;
    size_t mask; /* entries - 1, 0 = none yet */
};

void nodes_done(struct nodes_index *index);

#endif
