/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocations and frees into the model.
 *
 * Every event first obtains whatever it may need (a slot, a cell, a row, a lifetime histogram), and
 * then changes figures without being able to fail: an event is applied whole or not at all.
 *
 * Live at the peak, exact and in O(1): each scope (session, process) counts how often its peak has
 * risen, its epoch. A cell that is touched for the first time in an epoch first saves what it holds
 * live: that is its share of the peak just passed. A cell that is not touched again holds its
 * share.
 */
#include "heap/feed.h"

#include <stdlib.h>

#include "base/diag.h"
#include "heap/classes.h"
#include "heap/feed_figures.h"
#include "heap/spread.h"
#include "heap/state.h"

/* Fewer are in the processor's caches anyway. */
enum { FEED_FAR_CELLS = 8192, FEED_FAR_REGIONS = 256 };

/* One change of the live heap: what dies, what is born, by whom. */
struct feed_change {
    struct model_process *process;
    struct feed_process_state *state;
    uint32_t thread, task;
    uint32_t cell; /* of what is born */
};

void feed_prefetch(const struct model *model, uint32_t process, uint64_t address)
{
    if (process < model->feed->processes.n)
        blocks_prefetch(&model->feed->processes.at[process].blocks, address);
}

void feed_prefetch_cell(const struct model *model, const struct feed_context *context,
                        uint64_t address, uint32_t node)
{
    if (context->process >= model->feed->processes.n || model->cells.n < FEED_FAR_CELLS)
        return;
    if (node != MODEL_NONE) {
        struct model_cell_key key = {node, context->process, context->thread, context->task};
        cells_prefetch(model, &key);
        return;
    }
    const struct blocks *blocks = &model->feed->processes.at[context->process].blocks;
    const struct blocks_slot *slot = blocks_find(blocks, address);
    if (slot)
        cells_prefetch_at(model, slot->cell);
}

bool feed_is_far(const struct model *model, uint32_t process)
{
    return process < model->feed->processes.n &&
           model->feed->processes.at[process].blocks.mask >= FEED_FAR_REGIONS;
}

bool feed_is_live(const struct model *model, uint32_t process, uint64_t address)
{
    return process < model->feed->processes.n && address &&
           blocks_find(&model->feed->processes.at[process].blocks, address);
}

bool feed_find(const struct model *model, uint32_t process, uint64_t address,
               struct feed_pending *ret_block)
{
    const struct feed_process_state *state = feed_process_at(model->feed, process);
    const struct blocks_slot *slot = state && address ? blocks_find(&state->blocks, address) : NULL;
    if (!slot)
        return false;
    *ret_block = (struct feed_pending){.address = address,
                                       .size_bytes = slot->size_bytes,
                                       .born_ns = slot->born_ns,
                                       .cell = slot->cell,
                                       .weight = slot->weight};
    return true;
}

/* After each step: peaks are those of states between events only. */
static inline void feed_peaks(struct model *model, struct model_process *process)
{
    struct model_feed *feed = model->feed;
    if (model->sampled)
        return;
    feed_sums_peak(&model->sums, feed->now_ns);
    feed_sums_peak(&process->sums, feed->now_ns);
    if (model->sums.live_bytes > feed->slice.high_bytes)
        feed->slice.high_bytes = model->sums.live_bytes;
}

FEED_INLINE void feed_born(struct model *model, const struct feed_change *change,
                           uint64_t size_bytes, uint32_t weight)
{
    struct model_cell *cell = &model->cells.at[change->cell];
    uint64_t n = weight, bytes = size_bytes * weight;
    feed_cell_born(model, change->process, cell, size_bytes, n);
    if (weight != 1) {
        model->feed->weighted = true;
        cell->weight_excess += weight - 1;
        spread_born(&cell->spread, size_bytes, weight);
    }
    feed_sums_alloc(&model->sums, n, bytes, size_bytes);
    feed_sums_alloc(&change->process->sums, n, bytes, size_bytes);
}

/* Obtains what the death of a block of this cell needs. */
static inline int feed_dies_prepare(struct model *model, uint32_t cell)
{
    if (model->rows.n >= model->feed->limits.rows)
        timeline_shrink(model);
    int err = cells_life_take(model, cell);
    return err < 0 ? err : rows_ready(&model->feed->rows);
}

/* The block leaves every figure; the caller takes it out of the table. */
FEED_INLINE void feed_dies(struct model *model, const struct feed_change *change,
                           const struct blocks_slot *block)
{
    uint64_t bytes = (block->size_bytes & ~BLOCKS_PENDING) * block->weight;
    feed_cell_died(model, change->process, block, change->thread, change->task);
    feed_sums_free(&model->sums, block->weight, bytes);
    feed_sums_free(&change->process->sums, block->weight, bytes);
}

/*
 * A block is temporary when it dies while it is still its thread's last allocation, and no realloc
 * of it was begun.
 */
static inline bool feed_was_last(struct model *model, const struct blocks_slot *block,
                                 uint64_t address)
{
    struct feed_thread_state *thread =
            &model->feed->threads.at[model->cells.at[block->cell].key.thread];
    if (thread->last_address != address)
        return false;
    thread->last_address = 0;
    return true;
}

/* The block is not what its thread allocated last: a realloc of it was begun. */
static void feed_last_forget(struct model *model, uint32_t cell, uint64_t address)
{
    const struct blocks_slot block = {.cell = cell};
    feed_was_last(model, &block, address);
}

static inline void feed_temporary(struct model *model, const struct feed_change *change,
                                  const struct blocks_slot *block, uint64_t address)
{
    if (!feed_was_last(model, block, address))
        return;
    /* Of the block's own thread nothing is known then: others may have come between. */
    if (model->sampled && change->thread != model->cells.at[block->cell].key.thread)
        return;
    model->cells.at[block->cell].temporary_n += block->weight;
    model->sums.temporary_n += block->weight;
    change->process->sums.temporary_n += block->weight;
}

/* Checks who does it and moves time on. */
FEED_INLINE int feed_enter(struct model *model, const struct feed_context *context,
                           struct feed_change *ret_change)
{
    struct model_feed *feed = model->feed;
    if (context->process >= feed->processes.n)
        return ERR_USAGE;
    struct feed_process_state *state = &feed->processes.at[context->process];
    if (state->ended)
        return ERR_STATE;
    feed_advance(model, context->at_ns);
    *ret_change = (struct feed_change){.process = &model->processes.at[context->process],
                                       .state = state,
                                       .thread = context->thread,
                                       .task = context->task};
    return 0;
}

static inline int feed_cell(struct model *model, const struct feed_context *context, uint32_t node,
                            uint32_t *ret_cell)
{
    struct model_cell_key key = {node, context->process, context->thread, context->task};
    return cells_take(model, &key, model->feed->now_ns, ret_cell);
}

/* Nobody saw the free of this block: it happens now, as far as can be told. */
static int feed_replace(struct model *model, const struct feed_change *change,
                        const struct blocks_slot *slot)
{
    int err = feed_dies_prepare(model, slot->cell);
    if (err < 0)
        return err;
    feed_dies(model, change, slot);
    model->loss.replaced_block_n++;
    return 0;
}

/* Where a block will go that is born in the same step. An address that was live is so no longer. */
static int feed_reserve(struct model *model, const struct feed_change *change, uint64_t address)
{
    struct blocks *blocks = &change->state->blocks;
    int err = blocks_reserve(blocks, address);
    const struct blocks_slot *slot = err < 0 ? NULL : blocks_find(blocks, address);
    if (!slot)
        return err;
    err = feed_replace(model, change, slot);
    if (err < 0)
        return err;
    feed_was_last(model, slot, address);
    blocks_remove(blocks, address);
    return blocks_reserve(blocks, address);
}

/* A slot for a new block. */
FEED_INLINE int feed_place(struct model *model, const struct feed_change *change, uint64_t address,
                           struct blocks_slot **ret_slot)
{
    struct blocks_slot *slot = blocks_put(&change->state->blocks, address);
    if (__builtin_expect(!slot, 0)) {
        int err = feed_reserve(model, change, address);
        if (err < 0)
            return err;
        slot = blocks_put_reserved(&change->state->blocks, address);
    }
    *ret_slot = slot;
    return 0;
}

static inline uint64_t feed_size(uint64_t size_bytes)
{
    return size_bytes > BLOCKS_SIZE_MAX ? BLOCKS_SIZE_MAX : size_bytes;
}

int feed_alloc(struct model *model, const struct feed_context *context, uint64_t address,
               uint64_t size_bytes, uint32_t node, uint32_t weight)
{
    struct feed_change change;
    struct blocks_slot *slot;
    int err = address ? feed_enter(model, context, &change) : ERR_USAGE;
    if (err < 0)
        return err;
    err = feed_cell(model, context, node, &change.cell);
    if (err < 0)
        return err;
    err = feed_place(model, &change, address, &slot);
    if (err < 0)
        return err;
    size_bytes = feed_size(size_bytes);
    weight = weight ? weight : 1;
    *slot = (struct blocks_slot){size_bytes, model->feed->now_ns, change.cell, weight};
    feed_born(model, &change, size_bytes, weight);
    model->feed->threads.at[context->thread].last_address = address;
    feed_peaks(model, change.process);
    return 0;
}

/* Counts a free of an address that the process's blocks do not have. */
static int feed_unknown(struct model *model, struct model_process *process)
{
    if (model->sampled)
        return FEED_UNKNOWN; /* it was not recorded, like most */
    if (process->parent != MODEL_NONE && !process->is_exec) {
        process->sums.inherited_free_n++;
        model->sums.inherited_free_n++;
        return FEED_INHERITED;
    }
    process->sums.unknown_free_n++;
    model->sums.unknown_free_n++;
    return FEED_UNKNOWN;
}

int feed_free(struct model *model, const struct feed_context *context, uint64_t address)
{
    struct feed_change change;
    int err = address ? feed_enter(model, context, &change) : ERR_USAGE;
    if (err < 0)
        return err;
    struct blocks *blocks = &change.state->blocks;
    struct blocks_region *region = blocks_region_of(blocks, address);
    struct blocks_slot *slot = blocks_find_of(blocks, region, address);
    if (!slot)
        return feed_unknown(model, change.process);
    err = feed_dies_prepare(model, slot->cell);
    if (err < 0)
        return err;
    feed_temporary(model, &change, slot, address);
    feed_dies(model, &change, slot);
    blocks_remove_of(blocks, region, address);
    if (blocks_is_roomy(blocks))
        blocks_shrink(blocks);
    return FEED_DONE;
}

int feed_realloc_begin(struct model *model, const struct feed_context *context, uint64_t address,
                       struct feed_pending *ret_pending)
{
    struct feed_change change;
    int err = address ? feed_enter(model, context, &change) : ERR_USAGE;
    if (err < 0)
        return err;
    struct blocks_slot *slot = blocks_find(&change.state->blocks, address);
    if (!slot) {
        *ret_pending = (struct feed_pending){0};
        int outcome = feed_unknown(model, change.process);
        model->loss.unmatched_realloc_n += outcome == FEED_UNKNOWN && !model->sampled;
        return outcome;
    }
    const struct feed_pending pending = {.address = address,
                                         .size_bytes = slot->size_bytes,
                                         .born_ns = slot->born_ns,
                                         .cell = slot->cell,
                                         .weight = slot->weight};
    err = blocks_pend(&change.state->blocks, address);
    if (err < 0)
        return err;
    *ret_pending = pending;
    feed_last_forget(model, pending.cell, address);
    return FEED_DONE;
}

/* The pending block; false: nobody began it. */
static bool feed_pending_block(const struct blocks *blocks, const struct feed_pending *pending,
                               struct blocks_slot *ret_block)
{
    const struct blocks_slot block = {pending->size_bytes, pending->born_ns, pending->cell,
                                      pending->weight};
    *ret_block = block;
    return pending->address && strays_find_pending(&blocks->strays, pending->address, &block);
}

static void feed_realloc_counts(struct model *model, const struct feed_change *change,
                                uint32_t weight, bool in_place)
{
    model->cells.at[change->cell].realloc_n += weight;
    model->sums.realloc_n += weight;
    change->process->sums.realloc_n += weight;
    if (in_place) {
        model->sums.realloc_in_place_n += weight;
        change->process->sums.realloc_in_place_n += weight;
    }
}

/* The pending block dies and, unless it was shrunk to nothing, another one takes its place. */
static int feed_realloc_known(struct model *model, const struct feed_context *context,
                              struct feed_change *change, struct feed_pending *pending,
                              const struct feed_pending *born, uint32_t node)
{
    struct blocks *blocks = &change->state->blocks;
    struct blocks_slot old;
    if (!feed_pending_block(blocks, pending, &old))
        return ERR_USAGE;
    int err = feed_dies_prepare(model, old.cell);
    if (err == 0 && born->address)
        err = feed_cell(model, context, node, &change->cell);
    if (err == 0 && born->address)
        err = feed_reserve(model, change, born->address);
    if (err < 0)
        return err;
    feed_dies(model, change, &old);
    blocks_pending_remove(blocks, pending->address, &old);
    if (born->address) {
        *blocks_put_reserved(blocks, born->address) = (struct blocks_slot){
                born->size_bytes, model->feed->now_ns, change->cell, born->weight};
        feed_born(model, change, born->size_bytes, born->weight);
        feed_realloc_counts(model, change, born->weight, born->address == pending->address);
        model->feed->threads.at[context->thread].last_address = born->address;
    }
    feed_peaks(model, change->process);
    pending->address = 0;
    return FEED_DONE;
}

/* While sampling most blocks that are reallocated were not recorded: it counts nevertheless. */
static void feed_realloc_unknown(struct model *model, const struct feed_context *context,
                                 uint64_t address)
{
    const struct blocks_slot *slot =
            blocks_find(&model->feed->processes.at[context->process].blocks, address);
    struct feed_change change = {.process = &model->processes.at[context->process]};
    if (!slot)
        return;
    change.cell = slot->cell;
    feed_realloc_counts(model, &change, slot->weight, false);
}

int feed_realloc_end(struct model *model, const struct feed_context *context,
                     struct feed_pending *pending, uint64_t address, uint64_t size_bytes,
                     uint32_t node, uint32_t weight)
{
    struct feed_change change;
    if (!pending->address) {
        int fed =
                address ? feed_alloc(model, context, address, size_bytes, node, weight) : FEED_DONE;
        if (model->sampled && address && fed == FEED_DONE)
            feed_realloc_unknown(model, context, address);
        return fed;
    }
    int err = feed_enter(model, context, &change);
    if (err < 0)
        return err;
    const struct feed_pending born = {
            .address = address, .size_bytes = feed_size(size_bytes), .weight = weight ? weight : 1};
    return feed_realloc_known(model, context, &change, pending, &born, node);
}

int feed_realloc_cancel(struct model *model, const struct feed_context *context,
                        struct feed_pending *pending)
{
    struct feed_change change;
    int err = feed_enter(model, context, &change);
    if (err < 0)
        return err;
    struct blocks *blocks = &change.state->blocks;
    struct blocks_slot old;
    if (!feed_pending_block(blocks, pending, &old))
        return FEED_DONE;
    /* Two live blocks at one address cannot be: the one that was allocated meanwhile stands. */
    if (!blocks_find(blocks, pending->address)) {
        err = blocks_reserve(blocks, pending->address);
        if (err == 0)
            blocks_pending_return(blocks, pending->address, &old);
    } else {
        err = feed_replace(model, &change, &old);
        if (err == 0)
            blocks_pending_remove(blocks, pending->address, &old);
    }
    if (err == 0)
        pending->address = 0;
    return err;
}

void feed_rss(struct model *model, uint64_t at_ns, uint64_t rss_bytes)
{
    feed_advance(model, at_ns);
    if (rss_bytes > model->feed->slice.rss_bytes)
        model->feed->slice.rss_bytes = rss_bytes;
    if (rss_bytes > model->rss_peak_bytes)
        model->rss_peak_bytes = rss_bytes;
}

void feed_time(struct model *model, uint64_t at_ns)
{
    feed_advance(model, at_ns);
}
