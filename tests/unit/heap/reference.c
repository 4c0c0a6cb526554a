/* SPDX-License-Identifier: Apache-2.0 */
/* Brute force over all events; see reference.h. */
#include "reference.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum how { LIVES, FREED, REALLOCATED, REPLACED };

struct block {
    struct model_cell_key key;
    uint64_t address, size, weight, born_ns, freed_ns;
    uint32_t free_thread, free_task;
    enum how how;
    bool pending, was_pending;
    bool temporary;
    bool by_realloc, in_place;
};

struct cell {
    struct model_cell_key key;
    uint64_t live_n, live_bytes;
    uint64_t peak_n, peak_bytes, process_peak_n, process_peak_bytes;
    uint64_t spread_n, spread_bytes, peak_spread_n, peak_spread_bytes;
};

/* The state after an event. */
struct step {
    uint64_t at_ns;
    uint64_t live_n, live_bytes, alloc_n, alloc_bytes, free_n, free_bytes, tasks, rss;
};

struct process {
    bool ended, is_child;
    uint64_t end_ns;
    uint64_t live_n, live_bytes, peak_n, peak_bytes, peak_at_ns;
    uint64_t unknown, inherited;
};

struct reference {
    VEC(struct block) blocks;
    VEC(struct cell) cells;
    VEC(struct step) steps;
    VEC(size_t) last;       /* of each thread: its last allocation, block + 1 */
    VEC(size_t) reallocing; /* of each thread: block + 1 */
    struct process *processes;
    struct process session;
    struct step now;
    uint64_t replaced;
    uint32_t thread_n;
    uint32_t task_n;
};

enum { MOST = 1 << 24 };

static struct cell *cell_of(struct reference *reference, struct model_cell_key key)
{
    VEC_EACH (struct cell, cell, &reference->cells) {
        if (memcmp(&cell->key, &key, sizeof key) == 0)
            return cell;
    }
    struct cell cell = {.key = key};
    VEC_PUSH(&reference->cells, MOST, cell);
    return &reference->cells.at[reference->cells.n - 1];
}

static struct block *block_at(struct reference *reference, uint32_t process, uint64_t address)
{
    for (size_t i = reference->blocks.n; i-- > 0;) {
        struct block *block = &reference->blocks.at[i];
        if (block->key.process == process && block->address == address && block->how == LIVES)
            if (!block->pending)
                return block;
    }
    return NULL;
}

/* What a block that stands for `weight` adds to the variances: of the number, and of bytes / 16. */
static uint64_t spread_n(const struct block *block)
{
    return block->weight * block->weight - block->weight;
}

static uint64_t spread_bytes(const struct block *block)
{
    unsigned __int128 whole = block->weight * block->size;
    return (uint64_t)((whole * (whole - block->size) + 255) / 256);
}

static void dies(struct reference *reference, struct block *block, enum how how, uint32_t thread,
                 uint32_t task)
{
    struct process *process = &reference->processes[block->key.process];
    uint64_t bytes = block->size * block->weight;
    struct cell *cell = cell_of(reference, block->key);
    cell->live_n -= block->weight;
    cell->live_bytes -= bytes;
    cell->spread_n -= spread_n(block);
    cell->spread_bytes -= spread_bytes(block);
    process->live_n -= block->weight;
    process->live_bytes -= bytes;
    reference->now.live_n -= block->weight;
    reference->now.live_bytes -= bytes;
    reference->now.free_n += block->weight;
    reference->now.free_bytes += bytes;
    block->how = how;
    block->freed_ns = reference->now.at_ns;
    block->free_thread = thread;
    block->free_task = task;
    size_t *last = &reference->last.at[block->key.thread];
    block->temporary = how == FREED && !block->was_pending &&
                       *last == (size_t)(block - reference->blocks.at) + 1;
}

static void is_born(struct reference *reference, const struct events_event *event)
{
    struct block *other = block_at(reference, event->process, event->address);
    if (other) {
        dies(reference, other, REPLACED, event->thread, event->task);
        reference->replaced++;
    }
    struct block block = {.key = {event->node, event->process, event->thread, event->task},
                          .address = event->address,
                          .size = event->size_bytes,
                          .weight = event->weight ? event->weight : 1,
                          .born_ns = reference->now.at_ns};
    VEC_PUSH(&reference->blocks, MOST, block);
    struct process *process = &reference->processes[event->process];
    struct cell *cell = cell_of(reference, block.key);
    uint64_t bytes = block.size * block.weight;
    cell->live_n += block.weight;
    cell->live_bytes += bytes;
    cell->spread_n += spread_n(&block);
    cell->spread_bytes += spread_bytes(&block);
    process->live_n += block.weight;
    process->live_bytes += bytes;
    reference->now.live_n += block.weight;
    reference->now.live_bytes += bytes;
    reference->now.alloc_n += block.weight;
    reference->now.alloc_bytes += bytes;
    reference->last.at[event->thread] = reference->blocks.n;
}

/* After each event: new peaks copy what every cell holds live. */
static void peaks(struct reference *reference, uint32_t index)
{
    struct process *process = &reference->processes[index];
    bool session = reference->now.live_bytes > reference->session.peak_bytes;
    if (session) {
        reference->session.peak_bytes = reference->now.live_bytes;
        reference->session.peak_n = reference->now.live_n;
        reference->session.peak_at_ns = reference->now.at_ns;
    }
    bool own = process->live_bytes > process->peak_bytes;
    if (own) {
        process->peak_bytes = process->live_bytes;
        process->peak_n = process->live_n;
        process->peak_at_ns = reference->now.at_ns;
    }
    VEC_EACH (struct cell, cell, &reference->cells) {
        bool gone = reference->processes[cell->key.process].ended;
        if (session) {
            cell->peak_n = gone ? 0 : cell->live_n;
            cell->peak_bytes = gone ? 0 : cell->live_bytes;
            cell->peak_spread_n = gone ? 0 : cell->spread_n;
            cell->peak_spread_bytes = gone ? 0 : cell->spread_bytes;
        }
        if (own && cell->key.process == index) {
            cell->process_peak_n = cell->live_n;
            cell->process_peak_bytes = cell->live_bytes;
        }
    }
}

static void unknown(struct process *process)
{
    if (process->is_child)
        process->inherited++;
    else
        process->unknown++;
}

static void realloc_ends(struct reference *reference, const struct events_event *event)
{
    size_t begun = reference->reallocing.at[event->thread];
    reference->reallocing.at[event->thread] = 0;
    bool in_place = false;
    if (begun) {
        struct block *old = &reference->blocks.at[begun - 1];
        in_place = old->address == event->address;
        /* Whoever took the new address meanwhile goes first. */
        struct block *other =
                event->address ? block_at(reference, event->process, event->address) : NULL;
        if (other) {
            dies(reference, other, REPLACED, event->thread, event->task);
            reference->replaced++;
        }
        dies(reference, &reference->blocks.at[begun - 1], REALLOCATED, event->thread, event->task);
    }
    if (!event->address)
        return;
    is_born(reference, event);
    struct block *block = &reference->blocks.at[reference->blocks.n - 1];
    block->by_realloc = begun != 0;
    block->in_place = in_place;
}

static void realloc_is_cancelled(struct reference *reference, const struct events_event *event)
{
    size_t begun = reference->reallocing.at[event->thread];
    reference->reallocing.at[event->thread] = 0;
    if (!begun)
        return;
    struct block *block = &reference->blocks.at[begun - 1];
    if (block_at(reference, event->process, block->address)) {
        dies(reference, block, REPLACED, event->thread, event->task);
        reference->replaced++;
    }
    block->pending = false;
}

static void heap_event(struct reference *reference, const struct events_event *event)
{
    struct block *block = block_at(reference, event->process, event->address);
    switch (event->kind) {
    case EVENTS_ALLOC:
        is_born(reference, event);
        break;
    case EVENTS_FREE:
        if (block)
            dies(reference, block, FREED, event->thread, event->task);
        else
            unknown(&reference->processes[event->process]);
        break;
    case EVENTS_REALLOC_BEGIN:
        if (block) {
            block->pending = block->was_pending = true;
            reference->reallocing.at[event->thread] = (size_t)(block - reference->blocks.at) + 1;
        } else {
            unknown(&reference->processes[event->process]);
        }
        break;
    case EVENTS_REALLOC_END:
        realloc_ends(reference, event);
        break;
    case EVENTS_REALLOC_CANCEL:
        realloc_is_cancelled(reference, event);
        break;
    default:
        break;
    }
    peaks(reference, event->process);
}

static void process_ends(struct reference *reference, uint32_t index)
{
    struct process *process = &reference->processes[index];
    process->ended = true;
    process->end_ns = reference->now.at_ns;
    reference->now.live_n -= process->live_n;
    reference->now.live_bytes -= process->live_bytes;
}

static void reference_run(struct reference *reference, const struct scenario *scenario)
{
    const struct model *tables = scenario->tables;
    reference->processes = calloc(tables->processes.n, sizeof *reference->processes);
    for (size_t i = 0; i < tables->processes.n; i++) {
        const struct model_process *process = &tables->processes.at[i];
        reference->processes[i].is_child = process->parent != MODEL_NONE && !process->is_exec;
    }
    for (size_t i = 0; i < tables->threads.n; i++) {
        VEC_PUSH(&reference->last, MOST, 0);
        VEC_PUSH(&reference->reallocing, MOST, 0);
    }
    VEC_EACH (struct events_event, event, &scenario->events) {
        if (event->at_ns > reference->now.at_ns)
            reference->now.at_ns = event->at_ns;
        if (event->kind <= EVENTS_REALLOC_CANCEL)
            heap_event(reference, event);
        else if (event->kind == EVENTS_PROCESS_END)
            process_ends(reference, event->process);
        else if (event->kind == EVENTS_TASK_BEGIN)
            reference->now.tasks++;
        else if (event->kind == EVENTS_TASK_END)
            reference->now.tasks--;
        VEC_PUSH(&reference->steps, MOST, reference->now);
    }
}

/* Lifetime classes by their definition: quarters of decades from 1 us. */
static unsigned life_class(uint64_t ns, double per_decade, unsigned classes)
{
    unsigned index = 0;
    while (index + 1 < classes &&
           ns >= (uint64_t)llround(1000 * pow(10, (double)index / per_decade)))
        index++;
    return index;
}

static void sums_compare(const struct model_sums *got, const struct reference *reference,
                         uint32_t process)
{
    bool all = process == MODEL_NONE;
    struct model_sums wanted = {0};
    for (size_t i = 0; i < reference->blocks.n; i++) {
        const struct block *block = &reference->blocks.at[i];
        if (!all && block->key.process != process)
            continue;
        uint64_t n = block->weight, bytes = block->size * n;
        wanted.alloc_n += n;
        wanted.alloc_bytes += bytes;
        wanted.free_n += block->how == LIVES ? 0 : n;
        wanted.free_bytes += block->how == LIVES ? 0 : bytes;
        wanted.realloc_n += block->by_realloc ? n : 0;
        wanted.realloc_in_place_n += block->in_place ? n : 0;
        wanted.temporary_n += block->temporary ? n : 0;
        if (block->size > wanted.max_block_bytes)
            wanted.max_block_bytes = block->size;
        if (block->how == LIVES && !(all && reference->processes[block->key.process].ended)) {
            wanted.live_n += n;
            wanted.live_bytes += bytes;
        }
    }
    const struct process *peak = all ? &reference->session : &reference->processes[process];
    wanted.peak_n = peak->peak_n;
    wanted.peak_bytes = peak->peak_bytes;
    wanted.peak_at_ns = peak->peak_at_ns;
    wanted.unknown_free_n = got->unknown_free_n;
    wanted.inherited_free_n = got->inherited_free_n;
    wanted.peak_epoch = got->peak_epoch;
    if (!all) {
        assert_true(got->unknown_free_n == peak->unknown);
        assert_true(got->inherited_free_n == peak->inherited);
    }
    assert_memory_equal(got, &wanted, sizeof wanted);
}

/* The block's part in its cell. */
static void cell_add(struct model_cell *wanted, uint32_t *lives, const struct block *block,
                     bool is_short)
{
    uint64_t n = block->weight, bytes = block->size * n;
    wanted->alloc_n += n;
    wanted->alloc_bytes += bytes;
    wanted->sample_n += 1;
    wanted->spread.alloc_n += spread_n(block);
    wanted->spread.alloc_bytes += spread_bytes(block);
    wanted->spread.excess_bytes += bytes - block->size;
    wanted->realloc_n += block->by_realloc ? n : 0;
    wanted->size_min = block->size < wanted->size_min ? block->size : wanted->size_min;
    wanted->size_max = block->size > wanted->size_max ? block->size : wanted->size_max;
    wanted->first_ns = block->born_ns < wanted->first_ns ? block->born_ns : wanted->first_ns;
    wanted->last_ns = block->born_ns > wanted->last_ns ? block->born_ns : wanted->last_ns;
    if (block->how == LIVES)
        return;
    wanted->free_n += n;
    wanted->free_bytes += bytes;
    wanted->temporary_n += block->temporary ? n : 0;
    wanted->other_thread_free_n += block->free_thread != wanted->key.thread ? n : 0;
    wanted->other_task_free_n += block->free_task != wanted->key.task ? n : 0;
    wanted->short_n += is_short ? n : 0;
    wanted->short_bytes += is_short ? bytes : 0;
    uint64_t age_ns = block->freed_ns - block->born_ns;
    lives[life_class(age_ns, 2, MODEL_CELL_LIFE_CLASSES)] += (uint32_t)n;
}

static uint32_t slice_of(const struct model *model, uint64_t at_ns)
{
    uint32_t index = 0;
    for (uint32_t i = 0; i < model->slices.n; i++)
        index = model->slices.at[i].start_ns <= at_ns ? i : index;
    return index;
}

static void cell_compare(const struct model *model, const struct model_cell *got,
                         const struct cell *live, const struct reference *reference)
{
    struct model_cell wanted = {.key = live->key, .size_min = UINT64_MAX, .first_ns = UINT64_MAX};
    uint32_t lives[MODEL_CELL_LIFE_CLASSES] = {0};
    VEC_EACH (struct block, block, &reference->blocks) {
        if (memcmp(&block->key, &live->key, sizeof live->key) != 0)
            continue;
        bool is_short = slice_of(model, block->born_ns) == slice_of(model, block->freed_ns);
        cell_add(&wanted, lives, block, is_short);
    }
    wanted.live_n = live->live_n;
    wanted.live_bytes = live->live_bytes;
    wanted.spread.live_n = live->spread_n;
    wanted.spread.live_bytes = live->spread_bytes;
    wanted.spread.peak_n = live->peak_spread_n;
    wanted.spread.peak_bytes = live->peak_spread_bytes;
    wanted.peak_n = live->peak_n;
    wanted.peak_bytes = live->peak_bytes;
    wanted.process_peak_n = live->process_peak_n;
    wanted.process_peak_bytes = live->process_peak_bytes;
    /* What is not for readers. */
    wanted.peak_epoch = got->peak_epoch;
    wanted.process_peak_epoch = got->process_peak_epoch;
    wanted.touched = got->touched;
    wanted.life = got->life;
    wanted.weight_excess = got->weight_excess;
    assert_memory_equal(got, &wanted, sizeof wanted);
    assert_int_equal(got->life == MODEL_NONE, wanted.free_n == 0);
    if (got->life != MODEL_NONE)
        assert_memory_equal(model->lives.at[got->life].n, lives, sizeof lives);
}

static void cells_compare(const struct model *model, const struct reference *reference)
{
    size_t used = 0;
    VEC_EACH (struct model_cell, got, &model->cells) {
        used += got->alloc_n > 0;
        for (size_t i = 0; i < reference->cells.n; i++) {
            if (memcmp(&reference->cells.at[i].key, &got->key, sizeof got->key) == 0)
                cell_compare(model, got, &reference->cells.at[i], reference);
        }
    }
    assert_int_equal(used, reference->cells.n);
}

static int row_order(const void *a, const void *b)
{
    const struct model_row *x = a, *y = b;
    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    if (x->born != y->born)
        return x->born < y->born ? -1 : 1;
    return x->freed < y->freed ? -1 : x->freed > y->freed;
}

static uint32_t cell_number(const struct model *model, const struct model_cell_key *key)
{
    for (uint32_t i = 0; i < model->cells.n; i++) {
        if (memcmp(&model->cells.at[i].key, key, sizeof *key) == 0)
            return i;
    }
    fail();
    return 0;
}

static void rows_compare(const struct model *model, const struct reference *reference)
{
    VEC(struct model_row) wanted = {0}, got = {0};
    VEC_EACH (struct block, block, &reference->blocks) {
        struct model_row row = {.cell = cell_number(model, &block->key),
                                .born = slice_of(model, block->born_ns),
                                .freed = block->how == LIVES ? MODEL_OPEN
                                                             : slice_of(model, block->freed_ns),
                                .n = block->weight,
                                .bytes = block->weight * block->size};
        VEC_PUSH(&wanted, MOST, row);
    }
    if (wanted.n)
        qsort(wanted.at, wanted.n, sizeof *wanted.at, row_order);
    size_t n = 0;
    for (size_t i = 0; i < wanted.n; i++) {
        if (n && row_order(&wanted.at[n - 1], &wanted.at[i]) == 0) {
            wanted.at[n - 1].n += wanted.at[i].n;
            wanted.at[n - 1].bytes += wanted.at[i].bytes;
        } else {
            wanted.at[n++] = wanted.at[i];
        }
    }
    VEC_EACH (struct model_row, row, &model->rows) {
        if (row->n)
            VEC_PUSH(&got, MOST, *row);
    }
    if (got.n)
        qsort(got.at, got.n, sizeof *got.at, row_order);
    assert_int_equal(got.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(row_order(&got.at[i], &wanted.at[i]), 0);
        assert_true(got.at[i].n == wanted.at[i].n && got.at[i].bytes == wanted.at[i].bytes);
    }
    vec_done(&wanted);
    vec_done(&got);
}

static void slices_compare(const struct model *model, const struct reference *reference)
{
    size_t at = 0;
    struct step last = {0};
    assert_true(model->slices.at[0].start_ns == 0);
    for (size_t i = 0; i < model->slices.n; i++) {
        const struct model_slice *got = &model->slices.at[i];
        uint64_t end_ns = i + 1 < model->slices.n ? model->slices.at[i + 1].start_ns : UINT64_MAX;
        struct model_slice wanted = {.start_ns = got->start_ns, .high_bytes = last.live_bytes};
        struct step first = last;
        while (at < reference->steps.n && reference->steps.at[at].at_ns < end_ns) {
            last = reference->steps.at[at++];
            if (last.live_bytes > wanted.high_bytes)
                wanted.high_bytes = last.live_bytes;
        }
        wanted.live_bytes = last.live_bytes;
        wanted.live_n = last.live_n;
        wanted.alloc_n = last.alloc_n - first.alloc_n;
        wanted.alloc_bytes = last.alloc_bytes - first.alloc_bytes;
        wanted.free_n = last.free_n - first.free_n;
        wanted.free_bytes = last.free_bytes - first.free_bytes;
        wanted.tasks_alive = last.tasks;
        assert_true(end_ns > got->start_ns);
        assert_memory_equal(got, &wanted, sizeof wanted);
    }
    assert_int_equal(at, reference->steps.n);
}

static void histograms_compare(const struct model *model, const struct reference *reference)
{
    struct model_histograms *wanted = calloc(1, sizeof *wanted);
    struct model_slice_histogram *slices = calloc(model->slices.n, sizeof *slices);
    VEC_EACH (struct block, block, &reference->blocks) {
        uint64_t n = block->weight;
        unsigned size_class = 0;
        while (size_class + 1 < MODEL_SIZE_CLASSES &&
               block->size >= model_size_class_least(size_class + 1))
            size_class++;
        wanted->size_n[size_class] += n;
        wanted->size_bytes[size_class] += n * block->size;
        unsigned power = block->size ? 1 : 0;
        while (block->size >> power)
            power++;
        slices[slice_of(model, block->born_ns)].size_n[power] += (uint32_t)n;
        if (block->how == LIVES)
            continue;
        uint64_t age_ns = block->freed_ns - block->born_ns;
        unsigned life = life_class(age_ns, 4, MODEL_LIFE_CLASSES);
        wanted->life_n[life] += n;
        wanted->size_life_n[size_class][life] += n;
        slices[slice_of(model, block->freed_ns)]
                .life_n[life_class(age_ns, 2, MODEL_CELL_LIFE_CLASSES)] += (uint32_t)n;
    }
    assert_memory_equal(model->histograms, wanted, sizeof *wanted);
    assert_int_equal(model->slice_histograms.n, model->slices.n);
    assert_memory_equal(model->slice_histograms.at, slices, model->slices.n * sizeof *slices);
    free(wanted);
    free(slices);
}

void reference_compare(const struct scenario *scenario, const struct model *model)
{
    struct reference reference = {0};
    reference_run(&reference, scenario);
    sums_compare(&model->sums, &reference, MODEL_NONE);
    for (uint32_t i = 0; i < model->processes.n; i++) {
        sums_compare(&model->processes.at[i].sums, &reference, i);
        assert_int_equal(model->processes.at[i].end != PROCESS_RUNNING,
                         reference.processes[i].ended);
        assert_true(model->processes.at[i].end_ns == reference.processes[i].end_ns);
    }
    assert_true(model->end_ns == reference.now.at_ns);
    assert_true(model->loss.replaced_block_n == reference.replaced);
    cells_compare(model, &reference);
    rows_compare(model, &reference);
    slices_compare(model, &reference);
    histograms_compare(model, &reference);
    vec_done(&reference.blocks);
    vec_done(&reference.cells);
    vec_done(&reference.steps);
    vec_done(&reference.last);
    vec_done(&reference.reallocing);
    free(reference.processes);
}
