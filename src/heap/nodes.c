/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes are found by a tag of 32 bits, half of a hash, which is also all that is needed to move an
 * entry into a larger index.
 *
 * A new node has no children: the frames that follow it in a stack are new as well, their parents'
 * numbers are known beforehand, and so are their places in the index. They are all fetched before
 * the first is written.
 */
#include "heap/nodes.h"

#include <stdlib.h>

#include "base/diag.h"
#include "heap/model.h"

enum { NODES_FIRST = 256, NODES_AT_ONCE = 16 };

void nodes_done(struct nodes_index *index)
{
    free(index->entries);
    *index = (struct nodes_index){0};
}

static uint32_t nodes_tag(uint32_t parent, uint32_t location, uint32_t flags)
{
    uint64_t frame = (uint64_t)parent << 32 | location;
    return (uint32_t)(map_mix(frame ^ flags * 0x9e3779b97f4a7c15u) >> 32);
}

static int nodes_grow(struct nodes_index *index)
{
    size_t entries = index->entries ? (index->mask + 1) * 2 : NODES_FIRST;
    struct nodes_entry *larger = calloc(entries, sizeof *larger);
    if (!larger)
        return ERR_MEMORY;
    for (size_t i = 0; index->entries && i <= index->mask; i++) {
        const struct nodes_entry *entry = &index->entries[i];
        size_t to = entry->tag & (entries - 1);
        while (entry->node && larger[to].node)
            to = (to + 1) & (entries - 1);
        if (entry->node)
            larger[to] = *entry;
    }
    free(index->entries);
    index->entries = larger;
    index->mask = entries - 1;
    return 0;
}

/* The node; 0: there is none. */
static uint32_t nodes_find(const struct model *model, uint32_t tag, const struct model_node *like)
{
    const struct nodes_index *index = &model->node_index;
    if (!index->entries)
        return 0;
    for (size_t i = tag & index->mask; index->entries[i].node; i = (i + 1) & index->mask) {
        const struct model_node *node = &model->nodes.at[index->entries[i].node];
        if (index->entries[i].tag == tag && node->parent == like->parent &&
            node->location == like->location && node->flags == like->flags)
            return index->entries[i].node;
    }
    return 0;
}

/* Room for n more in both; else nothing has changed. */
static int nodes_reserve(struct model *model, unsigned n)
{
    struct nodes_index *index = &model->node_index;
    while (!index->entries || index->n + n > (index->mask + 1) / 3 * 2) {
        if (nodes_grow(index) < 0)
            return ERR_MEMORY;
    }
    return vec_reserve(&model->nodes, sizeof *model->nodes.at, n, MODEL_NODES_MAX) ? 0 : ERR_LIMIT;
}

/* Adds a chain of n <= NODES_AT_ONCE nodes that are not there. Returns the last, or MODEL_NONE. */
static uint32_t nodes_add_new(struct model *model, uint32_t parent, const uint32_t *locations,
                              unsigned n, uint32_t flags_of_last)
{
    uint32_t tags[NODES_AT_ONCE];
    struct nodes_index *index = &model->node_index;
    if (nodes_reserve(model, n) < 0)
        return MODEL_NONE;
    for (unsigned i = 0; i < n; i++) {
        uint32_t above = i ? (uint32_t)model->nodes.n + i - 1 : parent;
        tags[i] = nodes_tag(above, locations[i], i + 1 == n ? flags_of_last : 0);
        __builtin_prefetch(&index->entries[tags[i] & index->mask], 1);
    }
    for (unsigned i = 0; i < n; i++) {
        uint32_t node = (uint32_t)model->nodes.n++;
        size_t at = tags[i] & index->mask;
        model->nodes.at[node] =
                (struct model_node){parent, locations[i], i + 1 == n ? flags_of_last : 0};
        while (index->entries[at].node)
            at = (at + 1) & index->mask;
        index->entries[at] = (struct nodes_entry){tags[i], node};
        index->n++;
        parent = node;
    }
    return parent;
}

uint32_t model_nodes_add(struct model *model, uint32_t parent, const uint32_t *locations,
                         unsigned n, uint32_t flags_of_last)
{
    unsigned at = 0;
    if (parent >= model->nodes.n)
        return MODEL_NONE;
    for (; at < n; at++) {
        struct model_node like = {parent, locations[at], at + 1 == n ? flags_of_last : 0};
        uint32_t tag = nodes_tag(like.parent, like.location, like.flags);
        uint32_t node = nodes_find(model, tag, &like);
        if (!node)
            break;
        parent = node;
    }
    while (at < n && parent != MODEL_NONE) {
        unsigned some = n - at < NODES_AT_ONCE ? n - at : NODES_AT_ONCE;
        parent = nodes_add_new(model, parent, &locations[at], some,
                               at + some == n ? flags_of_last : 0);
        at += some;
    }
    return parent;
}
