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

static uint64_t batch_later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
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

static void batch_passed(struct batch *batch, uint32_t cell, uint32_t thread, uint64_t now_ns,
                         const struct feed_passed *passed)
{
    int64_t risen_bytes = batch_rise(batch) + (int64_t)passed->size_max;
    batch->feed->now_ns = now_ns;
    batch->feed->threads.at[thread].last_address = 0;
    feed_cell_passed(batch->model, batch->process, cell, passed);
    batch->alloc_n += passed->n;
    batch->alloc_bytes += passed->bytes;
    batch->free_n += passed->n;
    batch->free_bytes += passed->bytes;
    batch->temporary_n += passed->n;
    if (passed->size_max > batch->max_block_bytes)
        batch->max_block_bytes = passed->size_max;
    if (risen_bytes > batch->most_bytes)
        batch->most_bytes = risen_bytes;
}

/* Whether the block is freed by the event behind it, as one that was born where `like` was. */
static inline bool batch_is_pair(const struct feed_event *event, const struct feed_event *like)
{
    const struct feed_event *death = event + 1;
    return death->node == MODEL_NONE && death->address == event->address &&
           death->thread == event->thread && event->node == like->node &&
           event->thread == like->thread && event->address;
}

/*
 * The short way for what many programs do most: blocks of one site that are freed at once. Returns
 * how many events were fed; what it stops at is to be fed one by one.
 */
static inline unsigned batch_pairs(struct batch *batch, const struct feed_event *events, unsigned n)
{
    struct model *model = batch->model;
    struct model_feed *feed = batch->feed;
    const struct model_cell_key key = {events->node, batch->process_index, events->thread, 0};
    struct feed_passed passed = {.size_min = UINT64_MAX};
    uint32_t cell;
    unsigned at = 0;
    if (n < 2 || !batch_is_pair(events, events) || batch_rise(batch) > batch->room_bytes ||
        cells_take(model, &key, batch_later(feed->now_ns, events->at_ns), &cell) < 0 ||
        !batch_death_ready(batch, cell))
        return 0;
    const uint32_t life = model->cells.at[cell].life;
    /* No block that is larger: it might make a peak. */
    const uint64_t most_bytes = (uint64_t)batch_least(
            (uint64_t)(batch->room_bytes - batch_rise(batch)), BLOCKS_SIZE_MAX);
    uint64_t now_ns = feed->now_ns;
    for (; at + 1 < n && batch_is_pair(&events[at], events); at += 2) {
        const struct feed_event *event = &events[at];
        uint64_t born_ns = batch_later(now_ns, event->at_ns);
        uint64_t died_ns = batch_later(born_ns, event[1].at_ns);
        if (event->size_bytes > most_bytes || died_ns >= feed->slice.end_ns ||
            *batch_find(batch, event->address) ||
            blocks_find(&batch->state->blocks, event->address))
            break;
        feed_pass(model, life, event->size_bytes, born_ns, died_ns, &passed);
        now_ns = died_ns;
    }
    if (at)
        batch_passed(batch, cell, events->thread, now_ns, &passed);
    return at;
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
    if (n > FEED_BATCH_MAX)
        n = FEED_BATCH_MAX;
    if (model->sampled || !feed_process_at(model->feed, process))
        return 0;
    batch_begin(&batch, model, process);
    const struct blocks *blocks = &batch.state->blocks;
    bool far = blocks->mask >= BATCH_FAR_REGIONS;
    for (; at < n; at++) {
        const struct feed_event *event = &events[at];
        if (far && at + BATCH_AHEAD < n)
            blocks_prefetch_slot(blocks, event[BATCH_AHEAD].address);
        if (!event->address || event->thread >= model->feed->threads.n)
            break;
        unsigned paired = event->node == MODEL_NONE ? 0 : batch_pairs(&batch, event, n - at);
        if (paired) {
            at += paired - 1;
            continue;
        }
        batch_advance(&batch, event->at_ns);
        if (!(event->node == MODEL_NONE ? batch_free(&batch, event) : batch_alloc(&batch, event)))
            break;
    }
    batch_grow_up(&batch);
    batch_settle(&batch);
    return at;
}
