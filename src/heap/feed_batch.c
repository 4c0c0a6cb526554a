/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch of one process's events.
 *
 * Blocks that are born in it and die in it never get into the table of blocks: they are kept in a
 * small one that stays in the processor's first cache, and those that are left at the end move.
 *
 * Sums are kept apart and added when somebody may look: at the end of a slice and of the batch.
 * Peaks need them only where the live heap turns from rising to falling. Peaks within a rise cannot
 * be told from the one at its end: a cell saves its share of a peak when it is touched after it. A
 * birth without a byte is no rise, though it changes what a peak counts.
 */
#include "heap/feed_batch.h"

#include <string.h>

#include "base/diag.h"
#include "heap/feed_figures.h"

enum { BATCH_HEADS = 256, BATCH_AHEAD = 6, BATCH_FAR_REGIONS = 1024 };

/* A block that was born in the batch. */
struct batch_young {
    uint64_t address; /* 0 = it died */
    struct blocks_slot block;
};

struct batch {
    struct model *model;
    struct model_feed *feed;
    struct model_process *process;
    struct feed_process_state *state;
    uint32_t process_index;
    bool keeps_young;
    /* Since the sums were brought up to date. */
    uint64_t alloc_n, alloc_bytes, free_n, free_bytes, temporary_n;
    uint64_t max_block_bytes;
    int64_t room_bytes; /* by which the live heap may rise without a peak */
    int64_t most_bytes; /* by which it rose at the most */
    uint64_t risen_ns;  /* when it rose last */
    unsigned young_n;
    uint8_t heads[BATCH_HEADS]; /* of the young by their address: number + 1 */
    uint8_t next[FEED_BATCH_MAX];
    struct batch_young young[FEED_BATCH_MAX];
};

static int64_t batch_rise(const struct batch *batch)
{
    return (int64_t)(batch->alloc_bytes - batch->free_bytes);
}

static int64_t batch_least(uint64_t a, uint64_t b)
{
    return (int64_t)(a < b ? a : b);
}

/* What is measured from here on. */
static void batch_mark(struct batch *batch)
{
    const struct model_sums *all = &batch->model->sums, *own = &batch->process->sums;
    batch->alloc_n = batch->alloc_bytes = batch->free_n = batch->free_bytes = 0;
    batch->temporary_n = 0;
    batch->most_bytes = 0;
    batch->room_bytes =
            batch_least(all->peak_bytes - all->live_bytes, own->peak_bytes - own->live_bytes);
}

static void batch_sums_add(const struct batch *batch, struct model_sums *sums)
{
    sums->alloc_n += batch->alloc_n;
    sums->alloc_bytes += batch->alloc_bytes;
    sums->free_n += batch->free_n;
    sums->free_bytes += batch->free_bytes;
    sums->live_n += batch->alloc_n - batch->free_n;
    sums->live_bytes += batch->alloc_bytes - batch->free_bytes;
    sums->temporary_n += batch->temporary_n;
    if (batch->max_block_bytes > sums->max_block_bytes)
        sums->max_block_bytes = batch->max_block_bytes;
}

/* Brings the sums, and with them the peaks, up to date. */
static void batch_settle(struct batch *batch)
{
    struct model *model = batch->model;
    uint64_t high_bytes = model->sums.live_bytes + (uint64_t)batch->most_bytes;
    model->end_ns = batch->feed->now_ns;
    batch_sums_add(batch, &model->sums);
    batch_sums_add(batch, &batch->process->sums);
    feed_sums_peak(&model->sums, batch->risen_ns);
    feed_sums_peak(&batch->process->sums, batch->risen_ns);
    if (high_bytes > batch->feed->slice.high_bytes)
        batch->feed->slice.high_bytes = high_bytes;
    batch_mark(batch);
}

/* Before the live heap falls, or a block without a byte comes: a peak may have been passed. */
static inline void batch_turn(struct batch *batch)
{
    if (__builtin_expect(batch_rise(batch) > batch->room_bytes, 0))
        batch_settle(batch);
}

static inline void batch_advance(struct batch *batch, uint64_t at_ns)
{
    struct model_feed *feed = batch->feed;
    if (at_ns <= feed->now_ns)
        return;
    if (__builtin_expect(at_ns >= feed->slice.end_ns, 0)) {
        batch_settle(batch);
        feed_advance(batch->model, at_ns);
    } else {
        feed->now_ns = at_ns;
    }
}

static inline uint8_t *batch_head(struct batch *batch, uint64_t address)
{
    return &batch->heads[(address >> 4 ^ address >> 12) % BATCH_HEADS];
}

/* The place that leads to the young block at an address; *place 0: there is none. */
static inline uint8_t *batch_find(struct batch *batch, uint64_t address)
{
    uint8_t *place = batch_head(batch, address);
    while (*place && batch->young[*place - 1].address != address)
        place = &batch->next[*place - 1];
    return place;
}

/* Field by field: a load that is wider than the stores before it would wait for them. */
static inline void batch_young_add(struct batch *batch, uint64_t address, uint64_t size_bytes,
                                   uint64_t born_ns, uint32_t cell)
{
    uint8_t *head = batch_head(batch, address);
    struct batch_young *young = &batch->young[batch->young_n];
    young->address = address;
    young->block.size_bytes = size_bytes;
    young->block.born_ns = born_ns;
    young->block.cell = cell;
    young->block.weight = 1;
    batch->next[batch->young_n] = *head;
    *head = (uint8_t)++batch->young_n;
}

/* Puts a block into the table; false: there is one at its address, or no memory. */
static bool batch_put(struct blocks *blocks, uint64_t address, const struct blocks_slot *block)
{
    struct blocks_slot *slot = blocks_put(blocks, address);
    if (__builtin_expect(!slot, 0)) {
        if (blocks_find(blocks, address) || blocks_reserve(blocks, address) < 0)
            return false;
        slot = blocks_put_reserved(blocks, address);
    }
    slot->size_bytes = block->size_bytes;
    slot->born_ns = block->born_ns;
    slot->cell = block->cell;
    slot->weight = block->weight;
    return true;
}

/* False: nothing was done. */
static inline bool batch_alloc(struct batch *batch, const struct feed_event *event)
{
    struct model *model = batch->model;
    const struct model_cell_key key = {event->node, batch->process_index, event->thread, 0};
    uint64_t size_bytes = event->size_bytes, born_ns = batch->feed->now_ns;
    uint32_t cell;
    if (size_bytes > BLOCKS_SIZE_MAX || cells_take(model, &key, born_ns, &cell) < 0)
        return false;
    if (batch->keeps_young) {
        if (*batch_find(batch, event->address) ||
            blocks_find(&batch->state->blocks, event->address))
            return false;
        batch_young_add(batch, event->address, size_bytes, born_ns, cell);
    } else {
        const struct blocks_slot block = {size_bytes, born_ns, cell, 1};
        if (!batch_put(&batch->state->blocks, event->address, &block))
            return false;
    }
    if (size_bytes == 0)
        batch_turn(batch);
    else
        batch->risen_ns = born_ns;
    feed_cell_born(model, batch->process, &model->cells.at[cell], size_bytes, 1);
    batch->alloc_n++;
    batch->alloc_bytes += size_bytes;
    if (size_bytes > batch->max_block_bytes)
        batch->max_block_bytes = size_bytes;
    if (batch_rise(batch) > batch->most_bytes)
        batch->most_bytes = batch_rise(batch);
    model->feed->threads.at[event->thread].last_address = event->address;
    return true;
}

/* Whether there is room for what a death needs. */
static inline bool batch_death_ready(struct batch *batch, uint32_t cell)
{
    struct model *model = batch->model;
    if (__builtin_expect(model->rows.n >= model->feed->limits.rows, 0)) {
        batch_settle(batch);
        timeline_shrink(model);
    }
    return cells_life_take(model, cell) == 0 && rows_ready(&model->feed->rows) == 0;
}

static inline void batch_died(struct batch *batch, const struct blocks_slot *block,
                              uint64_t address, uint32_t thread)
{
    struct model *model = batch->model;
    struct model_cell *cell = &model->cells.at[block->cell];
    uint64_t *last_address = &model->feed->threads.at[cell->key.thread].last_address;
    batch_turn(batch);
    if (*last_address == address) {
        *last_address = 0;
        cell->temporary_n += block->weight;
        batch->temporary_n += block->weight;
    }
    feed_cell_died(model, batch->process, block, thread, 0);
    batch->free_n += block->weight;
    batch->free_bytes += block->size_bytes * block->weight;
}

/* False: nothing was done. */
static inline bool batch_free(struct batch *batch, const struct feed_event *event)
{
    uint8_t *place = batch_find(batch, event->address);
    if (*place) {
        struct batch_young *young = &batch->young[*place - 1];
        if (!batch_death_ready(batch, young->block.cell))
            return false;
        batch_died(batch, &young->block, event->address, event->thread);
        young->address = 0;
        *place = batch->next[*place - 1];
        return true;
    }
    struct blocks *blocks = &batch->state->blocks;
    const struct blocks_slot *slot = blocks_find(blocks, event->address);
    if (!slot || !batch_death_ready(batch, slot->cell))
        return false;
    batch_died(batch, slot, event->address, event->thread);
    blocks_remove(blocks, event->address);
    if (blocks_is_roomy(blocks))
        blocks_shrink(blocks);
    return true;
}

/* Those that live on move into the table. Without memory for that they count as freed. */
static void batch_grow_up(struct batch *batch)
{
    unsigned left = 0;
    for (unsigned i = 0; i < batch->young_n; i++) {
        const struct batch_young *young = &batch->young[i];
        if (!young->address)
            continue;
        left++;
        if (!batch_put(&batch->state->blocks, young->address, &young->block) &&
            batch_death_ready(batch, young->block.cell)) {
            batch_died(batch, &young->block, UINT64_MAX,
                       batch->model->cells.at[young->block.cell].key.thread);
            batch->model->loss.event_n++;
        }
    }
    /* Not worth it where few died: the next ones go into the table at once, for a while. */
    if (batch->young_n >= FEED_BATCH_MAX / 8 && left > batch->young_n / 4 * 3)
        batch->feed->old_n = FEED_OLD_BATCHES;
}

static void batch_begin(struct batch *batch, struct model *model, uint32_t process)
{
    struct model_feed *feed = model->feed;
    batch->model = model;
    batch->feed = feed;
    batch->process = &model->processes.at[process];
    batch->state = &feed->processes.at[process];
    batch->process_index = process;
    batch->max_block_bytes = batch->risen_ns = 0;
    batch->young_n = 0;
    batch->keeps_young = feed->old_n == 0;
    if (feed->old_n)
        feed->old_n--;
    memset(batch->heads, 0, sizeof batch->heads);
    batch_mark(batch);
}

unsigned feed_batch(struct model *model, uint32_t process, const struct feed_event *events,
                    unsigned n)
{
    struct batch batch;
    unsigned at = 0;
    if (model->sampled || !feed_process_at(model->feed, process))
        return 0;
    batch_begin(&batch, model, process);
    const struct blocks *blocks = &batch.state->blocks;
    bool far = blocks->mask >= BATCH_FAR_REGIONS;
    for (; at < n && at < FEED_BATCH_MAX; at++) {
        const struct feed_event *event = &events[at];
        if (far && at + BATCH_AHEAD < n)
            blocks_prefetch_slot(blocks, event[BATCH_AHEAD].address);
        if (!event->address || event->thread >= model->feed->threads.n)
            break;
        batch_advance(&batch, event->at_ns);
        if (!(event->node == MODEL_NONE ? batch_free(&batch, event) : batch_alloc(&batch, event)))
            break;
    }
    batch_grow_up(&batch);
    batch_settle(&batch);
    return at;
}
