/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory runs out at each single allocation in turn: an event that says so has changed nothing, and
 * whatever was fed until then is right in every column.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../faults.h"
#include "equal.h"
#include "heap/feed.h"
#include "heap/replay.h"
#include "heap/state.h"
#include "heap/store.h"
#include "reference.h"

static struct scenario scenario_of(uint64_t seed, unsigned events)
{
    struct scenario_shape shape = {.seed = seed,
                                   .events = events,
                                   .nodes = 40,
                                   .processes = 5,
                                   .threads = 9,
                                   .tasks = 5,
                                   .addresses = 9000,
                                   .step_ns = 2000000};
    struct scenario scenario;
    scenario_make(&scenario, &shape);
    return scenario;
}

/* Feeds until memory runs out; returns how many events were applied. */
static size_t feed_until_fault(const struct scenario *scenario, struct model *model)
{
    struct replay replay = {.tables = scenario->tables, .model = model};
    size_t i = 0;
    for (; i < scenario->events.n; i++) {
        if (replay_event(&replay, &scenario->events.at[i]) == ERR_MEMORY)
            break;
    }
    faults_on = false;
    replay_done(&replay);
    return i;
}

/* Where begin events fail they return MODEL_NONE, which replay takes for damage: not used here. */
static bool only_heap_events_fail(const struct scenario *scenario, const struct model *model,
                                  size_t applied)
{
    size_t processes = 0, threads = 0, tasks = 1;
    for (size_t i = 0; i < applied; i++) {
        enum events_kind kind = scenario->events.at[i].kind;
        processes += kind == EVENTS_PROCESS_BEGIN;
        threads += kind == EVENTS_THREAD_BEGIN;
        tasks += kind == EVENTS_TASK_BEGIN;
    }
    return processes == model->processes.n && threads == model->threads.n &&
           tasks == model->tasks.n;
}

static void test_feed(void **state)
{
    (void)state;
    struct scenario scenario = scenario_of(7, 6000);
    size_t all = scenario.events.n, compared = 0, hits = 0;
    bool hit = true;
    for (uint64_t after = 0; hit; after++) {
        struct model *model = model_new();
        assert_int_equal(feed_open(model, 1000000), 0);
        model->feed->limits.slices = 200;
        scenario_tables_copy(&scenario, model);
        faults_begin(after);
        size_t applied = feed_until_fault(&scenario, model);
        hit = faults_hit;
        hits += hit;
        /* The time of the event that failed has come all the same. */
        uint64_t end_ns = model->end_ns;
        assert_int_equal(model_settle(model), 0);
        if (applied && only_heap_events_fail(&scenario, model, applied)) {
            scenario.events.n = applied;
            struct events_event last = {.kind = EVENTS_TIME, .at_ns = end_ns};
            struct events_event kept = scenario.events.at[applied < all ? applied : all - 1];
            if (applied < all) {
                scenario.events.at[applied] = last;
                scenario.events.n++;
            }
            reference_compare(&scenario, model);
            if (applied < all)
                scenario.events.at[applied] = kept;
            scenario.events.n = all;
            compared++;
        }
        model_free_all(model);
    }
    assert_true(hits > 50 && compared > 40);
    scenario_done(&scenario);
}

static void test_store_and_load(void **state)
{
    (void)state;
    struct scenario scenario = scenario_of(9, 1500);
    struct model *model = scenario_feed(&scenario, 0, 0);
    bool hit = true;
    uint64_t after = 0;
    for (; hit; after++) {
        char name[] = "/tmp/test_faults.XXXXXX";
        struct recording_writer *writer = NULL;
        struct store *store = NULL;
        struct diag diag = {0};
        int fd = mkstemp(name);
        faults_begin(after);
        int err = recording_adopt(&writer, fd, name, 0, &diag);
        store = err == 0 ? store_new(writer) : NULL;
        if (store)
            err = store_checkpoint(store, model, true, &diag);
        struct recording_reader *reader = NULL;
        struct model *loaded = NULL;
        if (store && err == 0)
            err = recording_open(&reader, name, &diag);
        if (reader)
            err = store_load(reader, &loaded, &diag);
        hit = faults_hit;
        faults_on = false;
        if (err < 0)
            assert_string_not_equal(diag.text, "");
        if (!hit) {
            assert_int_equal(err, 0);
            model_assert_equal(model, loaded);
        }
        model_free_all(loaded);
        recording_reader_close(reader);
        store_free(store);
        recording_close(writer);
        unlink(name);
        if (store && !hit)
            break;
        model->feed->checkpoint = 1;
    }
    assert_true(after > 20);
    model_free_all(model);
    scenario_done(&scenario);
}

static void test_new_models(void **state)
{
    (void)state;
    bool hit = true;
    for (uint64_t after = 0; hit; after++) {
        faults_begin(after);
        struct model *model = model_new();
        if (model && feed_open(model, 0) == 0 && model_fact_set(model, "key", "value") == 0)
            assert_string_equal(model_fact_get(model, "key"), "value");
        hit = faults_hit;
        faults_on = false;
        model_free_all(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_feed),
            cmocka_unit_test(test_store_and_load),
            cmocka_unit_test(test_new_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
