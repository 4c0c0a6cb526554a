/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch of one process's events.
 *
 * Where blocks and cells are far from the processor, the memory of all events is asked for in
 * stages before the first of them is fed. Blocks that the next event frees are not even kept.
 *
 * Sums are kept apart and added when somebody may look: at the end of a slice and of the batch.
 * Peaks need them only where the live heap turns from rising to falling. Peaks within a rise cannot
 * be told from the one at its end: a cell saves its share of a peak when it is touched after it. A
 * birth without a byte is no rise, though it changes what a peak counts.
 */
#include "heap/feed_batch.h"

#include "heap/feed_figures.h"

/* Fewer are in the processor's caches anyway. */
enum { BATCH_FAR_REGIONS = 1024, BATCH_FAR_CELLS = 8192 };

struct batch {
    struct model *model;
    struct model_feed *feed;
    struct model_process *process;
    struct feed_process_state *state;
    uint32_t process_index;
    /* Since the sums were brought up to date. */
    uint64_t alloc_n, alloc_bytes, free_n, free_bytes, temporary_n, realloc_n, realloc_in_place_n;
    uint64_t max_block_bytes;
    int64_t room_bytes; /* by which the live heap may rise without a peak */
    int64_t most_bytes; /* by which it rose at the most */
    uint64_t risen_ns;  /* when it rose last */
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
    batch->temporary_n = batch->realloc_n = batch->realloc_in_place_n = 0;
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
    sums->realloc_n += batch->realloc_n;
    sums->realloc_in_place_n += batch->realloc_in_place_n;
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

/* Puts a block into the table; false: there is one at its address, or no memory. */
FEED_INLINE bool batch_put(struct blocks *blocks, uint64_t address, const struct blocks_slot *block)
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

/* The birth of a block that is kept, in every figure. */
FEED_INLINE void batch_born(struct batch *batch, const struct feed_event *event, uint32_t cell)
{
    struct model *model = batch->model;
    uint64_t size_bytes = event->size_bytes;
    if (size_bytes == 0)
        batch_turn(batch);
    else
        batch->risen_ns = batch->feed->now_ns;
    feed_cell_born(model, batch->process, &model->cells.at[cell], size_bytes, 1);
    batch->alloc_n++;
    batch->alloc_bytes += size_bytes;
    if (size_bytes > batch->max_block_bytes)
        batch->max_block_bytes = size_bytes;
    if (batch_rise(batch) > batch->most_bytes)
        batch->most_bytes = batch_rise(batch);
    model->feed->threads.at[event->thread].last_address = event->address;
}

/* The cell of what is born; false: there is none, or the block is too large. */
static inline bool batch_cell(struct batch *batch, const struct feed_event *event,
                              uint32_t *ret_cell)
{
    const struct model_cell_key key = {event->node, batch->process_index, event->thread, 0};
    return event->size_bytes <= BLOCKS_SIZE_MAX &&
           cells_take(batch->model, &key, batch->feed->now_ns, ret_cell) == 0;
}

/* False: nothing was done. */
FEED_INLINE bool batch_alloc(struct batch *batch, const struct feed_event *event)
{
    uint32_t cell;
    if (!batch_cell(batch, event, &cell))
        return false;
    const struct blocks_slot block = {event->size_bytes, batch->feed->now_ns, cell, 1};
    if (!batch_put(&batch->state->blocks, event->address, &block))
        return false;
    batch_born(batch, event, cell);
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

/* Its thread's last allocation is no longer that. True: it was. */
static inline bool batch_forget(struct batch *batch, uint32_t cell, uint64_t address)
{
    struct model *model = batch->model;
    uint64_t *last = &model->feed->threads.at[model->cells.at[cell].key.thread].last_address;
    if (*last != address)
        return false;
    *last = 0;
    return true;
}

/* The death of a block, by a thread, in every figure; the block itself is the caller's. */
FEED_INLINE void batch_died(struct batch *batch, const struct blocks_slot *block, uint32_t thread)
{
    batch_turn(batch);
    feed_cell_died(batch->model, batch->process, block, thread, 0);
    batch->free_n += block->weight;
    batch->free_bytes += block->size_bytes * block->weight;
}

FEED_INLINE void batch_freed(struct batch *batch, const struct blocks_slot *block, uint64_t address,
                             uint32_t thread)
{
    if (batch_forget(batch, block->cell, address)) {
        batch->model->cells.at[block->cell].temporary_n += block->weight;
        batch->temporary_n += block->weight;
    }
    batch_died(batch, block, thread);
}

/* False: nothing was done. */
FEED_INLINE bool batch_free(struct batch *batch, const struct feed_event *event)
{
    struct blocks *blocks = &batch->state->blocks;
    struct blocks_region *region = blocks_region_of(blocks, event->address);
    const struct blocks_slot *slot = blocks_find_of(blocks, region, event->address);
    if (!slot || !batch_death_ready(batch, slot->cell))
        return false;
    batch_freed(batch, slot, event->address, event->thread);
    blocks_remove_of(blocks, region, event->address);
    if (blocks_is_roomy(blocks))
        blocks_shrink(blocks);
    return true;
}

/* One step from the old block to the new one: no peak counts both. False: nothing was done. */
static __attribute__((noinline)) bool batch_realloc(struct batch *batch,
                                                    const struct feed_event *event)
{
    bool in_place = event->address == event->old_address;
    struct blocks_slot *slot = blocks_find(&batch->state->blocks, event->old_address);
    uint32_t cell;
    if (!slot || event->size_bytes == 0 || !batch_cell(batch, event, &cell) ||
        !batch_death_ready(batch, slot->cell))
        return false;
    const struct blocks_slot old = *slot, block = {event->size_bytes, batch->feed->now_ns, cell, 1};
    if (in_place)
        *slot = block;
    else if (!batch_put(&batch->state->blocks, event->address, &block))
        return false;
    batch_died(batch, &old, event->thread);
    if (!in_place)
        blocks_remove(&batch->state->blocks, event->old_address);
    batch_born(batch, event, cell);
    batch->model->cells.at[cell].realloc_n++;
    batch->realloc_n++;
    batch->realloc_in_place_n += in_place;
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
    return !event->old_address && death->node == MODEL_NONE && death->address == event->address &&
           death->thread == event->thread && event->node == like->node &&
           event->thread == like->thread && event->address;
}

/*
 * The short way for what many programs do most: blocks of one site that are freed at once. Returns
 * how many events were fed; what it stops at is to be fed one by one.
 */
FEED_INLINE unsigned batch_pairs(struct batch *batch, const struct feed_event *events, unsigned n)
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
            blocks_find(&batch->state->blocks, event->address))
            break;
        feed_pass(model, life, event->size_bytes, born_ns, died_ns, &passed);
        now_ns = died_ns;
    }
    if (at)
        batch_passed(batch, cell, events->thread, now_ns, &passed);
    return at;
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
    batch_mark(batch);
}

/* Regions, then the blocks in them and the index of cells, then cells. */
static void batch_prefetch(const struct batch *batch, const struct feed_event *events, unsigned n)
{
    const struct model *model = batch->model;
    const struct blocks *blocks = &batch->state->blocks;
    bool far_cells = model->cells.n >= BATCH_FAR_CELLS;
    if (blocks->mask < BATCH_FAR_REGIONS && !far_cells)
        return;
    for (unsigned i = 0; i < n; i++)
        blocks_prefetch(blocks, events[i].address);
    for (unsigned i = 0; i < n; i++) {
        const struct model_cell_key key = {events[i].node, batch->process_index, events[i].thread,
                                           0};
        if (events[i].node == MODEL_NONE || !far_cells)
            blocks_prefetch_slot(blocks, events[i].address);
        else
            cells_prefetch_entry(model, &key);
    }
    for (unsigned i = 0; i < n && far_cells; i++) {
        const struct model_cell_key key = {events[i].node, batch->process_index, events[i].thread,
                                           0};
        const struct blocks_slot *slot;
        if (events[i].node != MODEL_NONE)
            cells_prefetch(model, &key);
        else if ((slot = blocks_find(blocks, events[i].address)))
            cells_prefetch_at(model, slot->cell);
    }
}

static inline bool batch_event(struct batch *batch, const struct feed_event *event)
{
    if (event->node == MODEL_NONE)
        return batch_free(batch, event);
    return event->old_address ? batch_realloc(batch, event) : batch_alloc(batch, event);
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
    batch_prefetch(&batch, events, n);
    for (; at < n; at++) {
        const struct feed_event *event = &events[at];
        if (!event->address || event->thread >= model->feed->threads.n)
            break;
        unsigned paired = event->node == MODEL_NONE ? 0 : batch_pairs(&batch, event, n - at);
        if (paired) {
            at += paired - 1;
            continue;
        }
        batch_advance(&batch, event->at_ns);
        if (!batch_event(&batch, event))
            break;
    }
    batch_settle(&batch);
    return at;
}
