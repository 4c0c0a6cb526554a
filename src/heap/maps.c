/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program takes from the kernel itself, into the model; never part of the heap's figures.
 *
 * A mapping may replace others (MAP_FIXED), and any part of one may be given back: the ranges are
 * cut accordingly, and each piece still counts for the place that mapped it. What a forked child
 * inherits is its parent's.
 */
#include "heap/maps.h"

#include <string.h>

#include "base/diag.h"
#include "heap/feed.h"
#include "heap/state.h"

enum { MAPS_RANGES_MAX = 1 << 20 };

void maps_done(struct maps *maps)
{
    vec_done(&maps->ranges);
}

size_t maps_above(const struct maps *maps, uint64_t address)
{
    size_t low = 0, high = maps->ranges.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (maps->ranges.at[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static bool maps_insert(struct maps *maps, size_t at, const struct maps_range *range)
{
    if (!vec_reserve(&maps->ranges, sizeof *range, 1, MAPS_RANGES_MAX))
        return false;
    memmove(&maps->ranges.at[at + 1], &maps->ranges.at[at], (maps->ranges.n - at) * sizeof *range);
    maps->ranges.at[at] = *range;
    maps->ranges.n++;
    return true;
}

static void maps_count_gone(struct model *model, struct model_process *process, uint32_t mapping,
                            uint64_t bytes)
{
    process->mapped_bytes -= bytes;
    model->mappings.at[mapping].live_bytes -= bytes;
}

/* Takes [start, end) out. False: a range had to be cut in two and there is no memory. */
static bool maps_cut(struct model *model, struct model_process *process, struct maps *maps,
                     uint64_t start, uint64_t end)
{
    size_t at = maps_above(maps, start), gone = 0;
    if (at == maps->ranges.n || maps->ranges.at[at].start >= end)
        return true;
    struct maps_range *first = &maps->ranges.at[at];
    if (first->start < start) {
        struct maps_range behind = {end, first->end, first->mapping};
        if (first->end > end && !maps_insert(maps, at + 1, &behind))
            return false;
        first = &maps->ranges.at[at];
        uint64_t until = first->end < end ? first->end : end;
        maps_count_gone(model, process, first->mapping, until - start);
        first->end = start;
        at++;
    }
    for (; at + gone < maps->ranges.n && maps->ranges.at[at + gone].end <= end; gone++) {
        const struct maps_range *range = &maps->ranges.at[at + gone];
        maps_count_gone(model, process, range->mapping, range->end - range->start);
    }
    memmove(&maps->ranges.at[at], &maps->ranges.at[at + gone],
            (maps->ranges.n - at - gone) * sizeof *maps->ranges.at);
    maps->ranges.n -= gone;
    if (at < maps->ranges.n && maps->ranges.at[at].start < end) {
        struct maps_range *last = &maps->ranges.at[at];
        maps_count_gone(model, process, last->mapping, end - last->start);
        last->start = end;
    }
    return true;
}

/* The entry of those that this stack of the process maps. */
static uint32_t maps_mapping(struct model *model, uint32_t process, uint32_t node)
{
    uint64_t key = (uint64_t)process << 32 | node;
    int64_t known = map_find(&model->feed->mappings, key);
    if (known != MAP_NONE)
        return (uint32_t)known;
    struct model_mapping fresh = {.node = node, .process = process};
    if (!VEC_PUSH(&model->mappings, MODEL_MAPPINGS_MAX, fresh))
        return MODEL_NONE;
    uint32_t index = (uint32_t)model->mappings.n - 1;
    if (!map_put(&model->feed->mappings, key, index)) {
        model->mappings.n--;
        return MODEL_NONE;
    }
    return index;
}

/* Both halves of feed_map: no figure has changed when one fails. */
static int maps_add(struct model *model, struct model_process *process, struct maps *maps,
                    const struct maps_range *range)
{
    /* Room for both pieces of a range that is cut, and for the new one. */
    if (!vec_reserve(&maps->ranges, sizeof *range, 2, MAPS_RANGES_MAX))
        return ERR_MEMORY;
    maps_cut(model, process, maps, range->start, range->end);
    maps_insert(maps, maps_above(maps, range->start), range);
    uint64_t bytes = range->end - range->start;
    struct model_mapping *mapping = &model->mappings.at[range->mapping];
    mapping->live_bytes += bytes;
    if (mapping->live_bytes > mapping->peak_bytes)
        mapping->peak_bytes = mapping->live_bytes;
    process->mapped_bytes += bytes;
    if (process->mapped_bytes > process->mapped_peak_bytes)
        process->mapped_peak_bytes = process->mapped_bytes;
    return 0;
}

static struct feed_process_state *maps_enter(struct model *model,
                                             const struct feed_context *context, uint64_t address,
                                             uint64_t bytes, int *ret_err)
{
    struct model_feed *feed = model->feed;
    *ret_err = ERR_USAGE;
    if (context->process >= feed->processes.n || bytes == 0 || bytes > UINT64_MAX - address)
        return NULL;
    *ret_err = ERR_STATE;
    struct feed_process_state *state = feed_process_at(feed, context->process);
    if (state)
        feed_advance(model, context->at_ns);
    return state;
}

int feed_map(struct model *model, const struct feed_context *context, uint64_t address,
             uint64_t bytes, uint32_t node, enum feed_mapped how)
{
    int err;
    struct feed_process_state *state = maps_enter(model, context, address, bytes, &err);
    if (!state)
        return err;
    if (node >= model->nodes.n)
        return ERR_USAGE;
    struct maps_range range = {address, address + bytes,
                               maps_mapping(model, context->process, node)};
    if (range.mapping == MODEL_NONE)
        return ERR_MEMORY;
    struct model_process *process = &model->processes.at[context->process];
    err = maps_add(model, process, &state->maps, &range);
    if (err < 0 || how != FEED_MAPPED)
        return err;
    model->mappings.at[range.mapping].n++;
    model->mappings.at[range.mapping].bytes += bytes;
    process->map_n++;
    process->map_bytes += bytes;
    return 0;
}

int feed_unmap(struct model *model, const struct feed_context *context, uint64_t address,
               uint64_t bytes)
{
    int err;
    struct feed_process_state *state = maps_enter(model, context, address, bytes, &err);
    if (!state)
        return err;
    struct model_process *process = &model->processes.at[context->process];
    return maps_cut(model, process, &state->maps, address, address + bytes) ? 0 : ERR_MEMORY;
}

bool feed_is_mapped(const struct model *model, uint32_t process, uint64_t address, uint64_t bytes)
{
    if (process >= model->feed->processes.n)
        return false;
    const struct maps *maps = &model->feed->processes.at[process].maps;
    size_t at = maps_above(maps, address);
    return at < maps->ranges.n && maps->ranges.at[at].start < address + bytes;
}

bool feed_mapped_next(const struct model *model, uint32_t process, uint64_t start, uint64_t end,
                      uint64_t *ret_start, uint64_t *ret_end)
{
    if (process >= model->feed->processes.n || start >= end)
        return false;
    const struct maps *maps = &model->feed->processes.at[process].maps;
    size_t at = maps_above(maps, start);
    if (at == maps->ranges.n || maps->ranges.at[at].start >= end)
        return false;
    const struct maps_range *range = &maps->ranges.at[at];
    *ret_start = range->start > start ? range->start : start;
    *ret_end = range->end < end ? range->end : end;
    return true;
}

uint64_t feed_mapped_within(const struct model *model, uint32_t process, uint64_t start,
                            uint64_t end)
{
    uint64_t bytes = 0, from, until;
    for (uint64_t at = start; feed_mapped_next(model, process, at, end, &from, &until); at = until)
        bytes += until - from;
    return bytes;
}
