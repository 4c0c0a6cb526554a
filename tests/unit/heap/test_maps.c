/* SPDX-License-Identifier: Apache-2.0 */
/* Mappings: random calls against a table with one entry a page; what replay makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "heap/feed.h"

enum { PAGES = 64, SITES = 4, ROUNDS = 20000 };

#define PAGE UINT64_C(4096)
#define BASE UINT64_C(0x7f0000000000)

static uint32_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

struct world {
    struct model *model;
    struct feed_context at;
    uint32_t nodes[SITES];
};

static void world_init(struct world *world)
{
    *world = (struct world){.model = model_new()};
    assert_int_equal(feed_open(world->model, 1000000), 0);
    struct model_process process = {.pid = 7, .parent = MODEL_NONE};
    assert_int_equal(feed_process_begin(world->model, &process), 0);
    for (uint32_t i = 0; i < SITES; i++) {
        uint32_t location = model_location_add(world->model, 0, 0x1000 + i);
        world->nodes[i] = model_node_add(world->model, 0, location, 0);
    }
}

static const struct model_mapping *mapping_of(const struct model *model, uint32_t node)
{
    VEC_EACH (struct model_mapping, mapping, &model->mappings) {
        if (mapping->node == node)
            return mapping;
    }
    return NULL;
}

/* The oracle: whose each page is, and what that came to. */
struct pages {
    int owner[PAGES]; /* -1 = nobody's */
    uint64_t peak, site_peak[SITES], calls[SITES], bytes[SITES];
};

/* Live bytes of the whole and of each place are what the pages say. */
static void pages_agree(const struct world *world, struct pages *pages)
{
    uint64_t live[SITES] = {0}, all = 0;
    for (int i = 0; i < PAGES; i++) {
        bool is = pages->owner[i] >= 0;
        assert_int_equal(feed_is_mapped(world->model, 0, BASE + (uint64_t)i * PAGE, PAGE), is);
        all += is ? PAGE : 0;
        live[is ? pages->owner[i] : 0] += is ? PAGE : 0;
    }
    pages->peak = all > pages->peak ? all : pages->peak;
    assert_int_equal(world->model->processes.at[0].mapped_bytes, all);
    assert_int_equal(feed_mapped_within(world->model, 0, BASE, BASE + PAGES * PAGE), all);
    for (uint32_t i = 0; i < SITES; i++) {
        const struct model_mapping *mapping = mapping_of(world->model, world->nodes[i]);
        pages->site_peak[i] = live[i] > pages->site_peak[i] ? live[i] : pages->site_peak[i];
        assert_int_equal(mapping ? mapping->live_bytes : 0, live[i]);
    }
}

static void any_order_of_calls_leaves_what_the_pages_say(void **state)
{
    struct world world;
    struct pages pages = {0};
    uint64_t seed = 42;
    world_init(&world);
    memset(pages.owner, -1, sizeof pages.owner);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t first = random_next(&seed) % PAGES;
        uint32_t n = 1 + random_next(&seed) % (PAGES - first < 20 ? PAGES - first : 20);
        uint32_t site = random_next(&seed) % SITES;
        bool map = random_next(&seed) % 2, resized = random_next(&seed) % 4 == 0;
        uint64_t at = BASE + first * PAGE, length = n * PAGE;
        world.at.at_ns = (uint64_t)round;
        int err = map ? feed_map(world.model, &world.at, at, length, world.nodes[site],
                                 resized ? FEED_RESIZED : FEED_MAPPED)
                      : feed_unmap(world.model, &world.at, at, length);
        assert_int_equal(err, 0);
        for (uint32_t i = first; i < first + n; i++)
            pages.owner[i] = map ? (int)site : -1;
        pages.calls[site] += map && !resized;
        pages.bytes[site] += map && !resized ? length : 0;
        pages_agree(&world, &pages);
    }
    assert_int_equal(world.model->processes.at[0].mapped_peak_bytes, pages.peak);
    assert_int_equal(world.model->mappings.n, SITES);
    VEC_EACH (struct model_mapping, mapping, &world.model->mappings) {
        uint32_t site = mapping->node - world.nodes[0];
        assert_int_equal(mapping->peak_bytes, pages.site_peak[site]);
        assert_int_equal(mapping->n, pages.calls[site]);
        assert_int_equal(mapping->bytes, pages.bytes[site]);
    }
    model_free_all(world.model);
}

static void the_heap_is_not_touched(void **state)
{
    struct world world;
    world_init(&world);
    assert_int_equal(feed_map(world.model, &world.at, BASE, PAGE, world.nodes[0], FEED_MAPPED), 0);
    assert_int_equal(world.model->sums.alloc_n, 0);
    assert_int_equal(world.model->sums.peak_bytes, 0);
    assert_int_equal(world.model->cells.n, 0);
    model_free_all(world.model);
}

/* What was mapped when the process ended stays in its figures; nothing comes after. */
static void an_ended_process_maps_no_more(void **state)
{
    struct world world;
    world_init(&world);
    feed_map(world.model, &world.at, BASE, 3 * PAGE, world.nodes[0], FEED_MAPPED);
    feed_process_end(world.model, 0, PROCESS_EXITED, 0, 10);
    assert_true(feed_map(world.model, &world.at, BASE, PAGE, world.nodes[0], FEED_MAPPED) < 0);
    assert_true(feed_unmap(world.model, &world.at, BASE, PAGE) < 0);
    assert_int_equal(world.model->processes.at[0].mapped_bytes, 3 * PAGE);
    model_free_all(world.model);
}

static void nonsense_is_refused(void **state)
{
    struct world world;
    world_init(&world);
    assert_true(feed_map(world.model, &world.at, BASE, 0, world.nodes[0], FEED_MAPPED) < 0);
    assert_true(feed_map(world.model, &world.at, UINT64_MAX - 4, 8, world.nodes[0], FEED_MAPPED) <
                0);
    assert_true(feed_map(world.model, &world.at, BASE, PAGE, UINT32_MAX, FEED_MAPPED) < 0);
    world.at.process = 99;
    assert_true(feed_map(world.model, &world.at, BASE, PAGE, world.nodes[0], FEED_MAPPED) < 0);
    assert_false(feed_is_mapped(world.model, 99, BASE, PAGE));
    assert_int_equal(world.model->mappings.n, 0);
    model_free_all(world.model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(any_order_of_calls_leaves_what_the_pages_say),
            cmocka_unit_test(the_heap_is_not_touched),
            cmocka_unit_test(an_ended_process_maps_no_more),
            cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
