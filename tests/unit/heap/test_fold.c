/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks that fold into their groups: added up by group, the figures are those of a model that kept
 * every task; memory is bounded by the tasks alive; and checkpoints on the way agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "equal.h"
#include "heap/feed.h"
#include "heap/state.h"
#include "heap/store.h"

enum {
    TASKS = 3000,
    ALIVE = 12,
    GROUPS = 3,
    THREADS = 3,
    NODES = 4,
    ADDRESSES = 150,
    EVENTS = 60000
};

/* The same stream goes to two models, which number the tasks differently. */
struct world {
    struct model *model;
    uint32_t groups[GROUPS];
    uint32_t tasks[TASKS + 1]; /* index of each task of the stream; 0 = none */
};

static uint64_t seed;

static uint64_t below(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed * 0x2545f4914f6cdd1d >> 16) % n;
}

static void world_init(struct world *world, size_t idle_tasks)
{
    memset(world, 0, sizeof *world);
    world->model = model_new();
    struct model *model = world->model;
    assert_int_equal(feed_open(model, 1000000), 0);
    model->feed->limits.idle_tasks = idle_tasks;
    model->feed->limits.slices = 100;
    uint32_t module = model_module_add(model, 0, NULL, 0);
    for (uint32_t i = 0; i < NODES; i++)
        model_node_add(model, 0, model_location_add(model, module, i), 0);
    struct model_process process = {.parent = MODEL_NONE};
    feed_process_begin(model, &process);
    struct model_thread thread = {0};
    for (int i = 0; i < THREADS; i++)
        feed_thread_begin(model, &thread);
    struct model_task group = {0};
    for (int i = 0; i < GROUPS; i++)
        world->groups[i] = feed_group_begin(model, &group);
}

/* One step of the stream, applied to both worlds. */
struct step {
    unsigned kind; /* 0 alloc, 1 free, 2 realloc, 3 task begins, 4 task ends */
    unsigned task, thread, node;
    uint64_t address, size_bytes, at_ns;
};

static void world_step(struct world *world, const struct step *step)
{
    struct model *model = world->model;
    struct feed_context who = {0, step->thread, world->tasks[step->task], step->at_ns};
    struct feed_pending pending = {0};
    struct model_task task = {.group = world->groups[step->task % GROUPS], .poll_n = 1};
    switch (step->kind) {
    case 0:
        assert_int_equal(feed_alloc(model, &who, step->address, step->size_bytes, step->node, 1),
                         0);
        break;
    case 1:
        assert_true(feed_free(model, &who, step->address) >= 0);
        break;
    case 2:
        assert_true(feed_realloc_begin(model, &who, step->address, &pending) >= 0);
        assert_int_equal(feed_realloc_end(model, &who, &pending, step->address + 8,
                                          step->size_bytes, step->node, 1),
                         0);
        break;
    case 3:
        world->tasks[step->task] = feed_task_begin(model, &task);
        assert_int_not_equal(world->tasks[step->task], MODEL_NONE);
        break;
    default:
        feed_task_end(model, who.task, step->at_ns);
        world->tasks[step->task] = 0;
    }
}

/* A step of the stream; alive: the tasks that run, 0 = a free place. */
static struct step step_make(unsigned *alive, unsigned *begun, uint64_t *at_ns)
{
    struct step step = {.thread = (unsigned)below(THREADS), .node = (unsigned)below(NODES)};
    *at_ns += below(4000000);
    step.at_ns = *at_ns;
    step.address = 16 * (1 + below(ADDRESSES));
    step.size_bytes = below(1000);
    unsigned place = (unsigned)below(ALIVE);
    step.task = alive[place];
    if (below(10) == 0 && *begun < TASKS) {
        step.kind = alive[place] ? 4 : 3;
        if (!alive[place])
            step.task = ++*begun;
        alive[place] = step.kind == 3 ? step.task : 0;
        return step;
    }
    step.kind = below(5) < 2 ? 0 : 1 + (below(8) == 0);
    return step;
}

struct sum {
    uint32_t node, thread, group;
    struct model_cell cell; /* key and bookkeeping zeroed */
    uint32_t lives[MODEL_CELL_LIFE_CLASSES];
};

/* Sums of cells by (node, thread, group of the task). */
struct sums {
    struct sum at[NODES * THREADS * (GROUPS + 1)];
};

static size_t sum_number(const struct world *world, const struct model_cell_key *key)
{
    uint32_t group = world->model->tasks.at[key->task].group;
    size_t number = 0;
    for (size_t i = 0; i < GROUPS; i++)
        number = key->task && group == world->groups[i] ? i + 1 : number;
    assert_true(number || !key->task);
    return (number * THREADS + key->thread) * NODES + key->node;
}

static void sums_add(struct sums *sums, const struct world *world)
{
    memset(sums, 0, sizeof *sums);
    VEC_EACH (struct model_cell, cell, &world->model->cells) {
        if (!cell->alloc_n)
            continue;
        struct sum *sum = &sums->at[sum_number(world, &cell->key)];
        struct model_cell *to = &sum->cell;
        bool first = !to->alloc_n;
        to->live_n += cell->live_n;
        to->live_bytes += cell->live_bytes;
        to->alloc_n += cell->alloc_n;
        to->alloc_bytes += cell->alloc_bytes;
        to->peak_n += cell->peak_n;
        to->peak_bytes += cell->peak_bytes;
        to->process_peak_n += cell->process_peak_n;
        to->process_peak_bytes += cell->process_peak_bytes;
        to->temporary_n += cell->temporary_n;
        to->realloc_n += cell->realloc_n;
        to->other_thread_free_n += cell->other_thread_free_n;
        to->other_task_free_n += cell->other_task_free_n;
        to->free_n += cell->free_n;
        to->free_bytes += cell->free_bytes;
        to->short_n += cell->short_n;
        to->short_bytes += cell->short_bytes;
        to->sample_n += cell->sample_n;
        to->size_min = first || cell->size_min < to->size_min ? cell->size_min : to->size_min;
        to->size_max = cell->size_max > to->size_max ? cell->size_max : to->size_max;
        to->first_ns = first || cell->first_ns < to->first_ns ? cell->first_ns : to->first_ns;
        to->last_ns = cell->last_ns > to->last_ns ? cell->last_ns : to->last_ns;
        for (size_t i = 0; cell->life != MODEL_NONE && i < MODEL_CELL_LIFE_CLASSES; i++)
            sum->lives[i] += world->model->lives.at[cell->life].n[i];
    }
}

/* Rows by the same key: n and bytes of each (sum, born, freed), through a hash that adds up. */
static uint64_t rows_digest(const struct world *world)
{
    uint64_t digest = 0;
    VEC_EACH (struct model_row, row, &world->model->rows) {
        size_t number = sum_number(world, &world->model->cells.at[row->cell].key);
        uint64_t key = map_mix(number ^ map_mix(row->born ^ map_mix(row->freed)));
        digest += key * row->n + map_mix(key) * row->bytes;
    }
    return digest;
}

static void checkpoint(struct world *world, struct store *store, const char *name, bool last)
{
    assert_int_equal(store_checkpoint(store, world->model, last, NULL), 0);
    struct recording_reader *reader;
    struct model *loaded;
    assert_int_equal(recording_open(&reader, name, NULL), 0);
    assert_true(store_load(reader, &loaded, NULL) >= 0);
    model_assert_equal(world->model, loaded);
    model_free_all(loaded);
    recording_reader_close(reader);
}

static void stream_run(uint64_t with_seed)
{
    static struct world all, few;
    static struct sums sums_all, sums_few;
    seed = with_seed;
    world_init(&all, 1 << 19);
    world_init(&few, 8);
    char name[] = "/tmp/test_fold.XXXXXX";
    struct recording_writer *writer;
    assert_int_equal(recording_adopt(&writer, mkstemp(name), name, 0, NULL), 0);
    struct store *store = store_new(writer);
    unsigned alive[ALIVE] = {0}, begun = 0;
    uint64_t at_ns = 0;
    for (unsigned i = 0; i < EVENTS; i++) {
        struct step step = step_make(alive, &begun, &at_ns);
        world_step(&all, &step);
        world_step(&few, &step);
        if (i % 7000 == 5000)
            checkpoint(&few, store, name, false);
    }
    checkpoint(&few, store, name, true);
    assert_int_equal(model_settle(all.model), 0);
    sums_add(&sums_all, &all);
    sums_add(&sums_few, &few);
    assert_memory_equal(&sums_all, &sums_few, sizeof sums_all);
    assert_true(rows_digest(&all) == rows_digest(&few));
    assert_memory_equal(&all.model->sums, &few.model->sums, sizeof all.model->sums);
    assert_true(begun > TASKS / 2);
    assert_true(all.model->tasks.n > begun);
    assert_true(few.model->tasks.n < begun / 4);
    assert_true(few.model->cells.n < all.model->cells.n / 4);
    store_free(store);
    recording_close(writer);
    unlink(name);
    model_free_all(all.model);
    model_free_all(few.model);
}

static void test_fold(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 4; i++)
        stream_run(i * 0x9e3779b97f4a7c15u);
}

/* Who allocates for a task that is forgotten does so for none. */
static void test_forgotten_task(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, 1);
    struct model *model = world.model;
    struct model_task task = {.group = world.groups[0]};
    uint32_t first = feed_task_begin(model, &task);
    struct feed_context who = {.task = first};
    assert_int_equal(feed_alloc(model, &who, 16, 10, 0, 1), 0);
    assert_int_equal(feed_free(model, &who, 16), 0);
    feed_task_end(model, first, 5);
    uint32_t second = feed_task_begin(model, &task);
    assert_int_equal(second, first); /* the entry is used anew at once */
    feed_task_end(model, second, 6);
    assert_int_equal(feed_task_begin(model, &task), second);
    assert_int_equal(model_settle(model), 0);
    assert_int_equal(model->sums.alloc_n, 1);
    model_free_all(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_fold),
            cmocka_unit_test(test_forgotten_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
