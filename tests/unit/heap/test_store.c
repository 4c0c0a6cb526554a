/* SPDX-License-Identifier: Apache-2.0 */
/* What is stored comes back: every checkpoint, rewritten or not, equal in every column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "equal.h"
#include "heap/feed.h"
#include "heap/replay.h"
#include "heap/state.h"
#include "heap/store.h"
#include "reference.h"

static struct recording_writer *writer_new(char *name)
{
    struct recording_writer *writer;
    memcpy(name, "/tmp/test_store.XXXXXX", sizeof "/tmp/test_store.XXXXXX");
    assert_int_equal(recording_adopt(&writer, mkstemp(name), name, 99, NULL), 0);
    return writer;
}

static struct model *load(const char *name, int wanted)
{
    struct recording_reader *reader;
    struct model *model;
    struct diag diag = {0};
    assert_int_equal(recording_open(&reader, name, &diag), 0);
    assert_int_equal(store_load(reader, &model, &diag), wanted);
    assert_int_equal(diag.text[0] == 0, wanted == 0);
    recording_reader_close(reader);
    return model;
}

static struct model *model_open(const struct scenario *scenario, size_t slices, size_t rows)
{
    struct model *model = model_new();
    assert_int_equal(feed_open(model, 1000000), 0);
    if (slices)
        model->feed->limits.slices = slices;
    if (rows)
        model->feed->limits.rows = rows;
    model->start_unix_ns = 99;
    scenario_tables_copy(scenario, model);
    return model;
}

/* What else changes in a model between checkpoints. */
static void model_disturb(struct model *model, unsigned i)
{
    char value[32];
    snprintf(value, sizeof value, "value %u", i);
    assert_int_equal(model_fact_set(model, "changes", value), 0);
    assert_int_equal(model_fact_set(model, value, "stays"), 0);
    struct model_mark mark = {i, model_string_add(model, "mark", 4),
                              model_string_add(model, value, strlen(value))};
    assert_true(VEC_PUSH(&model->marks, 1 << 20, mark));
    struct model_symbol symbol = {mark.text, mark.kind, i, i % 2};
    assert_true(VEC_PUSH(&model->symbols, 1 << 20, symbol));
    if (model->locations.n) {
        struct model_location *location = &model->locations.at[i % model->locations.n];
        location->symbol_first = (uint32_t)model->symbols.n - 1;
        location->symbol_n = 1;
    }
    model->processes.at[0].mapped_bytes = i * 1000;
    model->threads.at[0].name = mark.text;
    model->loss.gap_ns = i;
}

static void checkpoints_compare(const struct scenario_shape *shape, size_t slices, size_t rows,
                                size_t every)
{
    struct scenario scenario;
    scenario_make(&scenario, shape);
    struct model *model = model_open(&scenario, slices, rows);
    char name[64];
    struct recording_writer *writer = writer_new(name);
    struct store *store = store_new(writer);
    unsigned checkpoints = 0;
    for (size_t i = 0; i < scenario.events.n; i += every) {
        size_t to = i + every < scenario.events.n ? i + every : scenario.events.n;
        assert_true(scenario_feed_some(&scenario, model, i, to));
        model_disturb(model, ++checkpoints);
        bool last = to == scenario.events.n;
        assert_int_equal(store_checkpoint(store, model, last, NULL), 0);
        struct model *loaded = load(name, last ? 0 : 1);
        model_assert_equal(model, loaded);
        if (last)
            reference_compare(&scenario, loaded);
        model_free_all(loaded);
    }
    assert_true(checkpoints > 3);
    store_free(store);
    recording_close(writer);
    unlink(name);
    model_free_all(model);
    scenario_done(&scenario);
}

static void test_checkpoints(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct scenario_shape shape = {.seed = seed,
                                       .events = 2400,
                                       .nodes = 1 + (unsigned)seed,
                                       .processes = 1 + (unsigned)seed % 6,
                                       .threads = 8,
                                       .tasks = 5,
                                       .addresses = 80,
                                       .step_ns = 3000u << seed % 9,
                                       .weighted = seed % 2};
        checkpoints_compare(&shape, 0, 0, 170);
    }
}

static void test_checkpoints_while_slices_merge(void **state)
{
    (void)state;
    for (uint64_t seed = 20; seed < 30; seed++) {
        struct scenario_shape shape = {.seed = seed,
                                       .events = 2400,
                                       .nodes = 3,
                                       .processes = 3,
                                       .threads = 4,
                                       .tasks = 3,
                                       .addresses = 60,
                                       .step_ns = 500000u << seed % 6};
        checkpoints_compare(&shape, 64 + seed, seed % 2 ? 500 : 0, 150);
    }
}

/* The file follows its live size, not the number of checkpoints. */
static void test_compaction(void **state)
{
    (void)state;
    struct scenario_shape shape = {.seed = 5,
                                   .events = 60000,
                                   .nodes = 400,
                                   .processes = 2,
                                   .threads = 6,
                                   .tasks = 3,
                                   .addresses = 3000,
                                   .step_ns = 1000};
    struct scenario scenario;
    scenario_make(&scenario, &shape);
    struct model *model = model_open(&scenario, 0, 0);
    char name[64];
    struct recording_writer *writer = writer_new(name);
    struct store *store = store_new(writer);
    uint64_t most = 0, last = 0;
    unsigned rewrites = 0;
    for (size_t i = 0; i < scenario.events.n; i += 200) {
        size_t to = i + 200 < scenario.events.n ? i + 200 : scenario.events.n;
        assert_true(scenario_feed_some(&scenario, model, i, to));
        assert_int_equal(store_checkpoint(store, model, to == scenario.events.n, NULL), 0);
        uint64_t bytes = recording_written_bytes(writer);
        rewrites += bytes < last;
        most = bytes > most ? bytes : most;
        last = bytes;
    }
    assert_true(rewrites >= 2);
    assert_true(most < 3 * last + (2 << 20));
    struct model *loaded = load(name, 0);
    model_assert_equal(model, loaded);
    model_free_all(loaded);
    store_free(store);
    recording_close(writer);
    unlink(name);
    model_free_all(model);
    scenario_done(&scenario);
}

/* A loaded model can be written again (symbolize), once. */
static void test_loaded_and_written_again(void **state)
{
    (void)state;
    struct scenario_shape shape = {.seed = 3,
                                   .events = 3000,
                                   .nodes = 9,
                                   .processes = 3,
                                   .threads = 6,
                                   .tasks = 3,
                                   .addresses = 100,
                                   .step_ns = 50000};
    struct scenario scenario;
    scenario_make(&scenario, &shape);
    struct model *model = scenario_feed(&scenario, 0, 0);
    char first[64], second[64];
    struct recording_writer *writer = writer_new(first);
    struct store *store = store_new(writer);
    assert_int_equal(store_checkpoint(store, model, true, NULL), 0);
    store_free(store);
    recording_close(writer);
    struct model *loaded = load(first, 0);
    writer = writer_new(second);
    store = store_new(writer);
    assert_int_equal(store_checkpoint(store, loaded, true, NULL), 0);
    struct diag diag = {0};
    assert_int_equal(store_checkpoint(store, loaded, true, &diag), ERR_STATE);
    store_free(store);
    recording_close(writer);
    struct model *again = load(second, 0);
    model_assert_equal(model, again);
    model_free_all(model);
    model_free_all(loaded);
    model_free_all(again);
    unlink(first);
    unlink(second);
    scenario_done(&scenario);
}

/* The events of a recording, replayed, give the model that was aggregated as they came. */
static void test_replay_agrees(void **state)
{
    (void)state;
    for (uint64_t seed = 50; seed < 60; seed++) {
        struct scenario_shape shape = {.seed = seed,
                                       .events = 5000,
                                       .nodes = 9,
                                       .processes = 4,
                                       .threads = 9,
                                       .tasks = 6,
                                       .addresses = 100,
                                       .step_ns = 20000u << seed % 8,
                                       .weighted = seed % 2};
        struct scenario scenario;
        scenario_make(&scenario, &shape);
        struct model *model = model_open(&scenario, 0, 0);
        char name[64];
        struct recording_writer *writer = writer_new(name);
        struct store *store = store_new(writer);
        struct events_out out = {0};
        for (size_t i = 0; i < scenario.events.n; i += 1000) {
            for (size_t k = i; k < i + 1000 && k < scenario.events.n; k++)
                assert_int_equal(events_add(&out, writer, &scenario.events.at[k], NULL), 0);
            size_t to = i + 1000 < scenario.events.n ? i + 1000 : scenario.events.n;
            assert_true(scenario_feed_some(&scenario, model, i, to));
            assert_int_equal(events_flush(&out, writer, NULL), 0);
            assert_int_equal(store_checkpoint(store, model, to == scenario.events.n, NULL), 0);
        }
        events_out_done(&out);
        store_free(store);
        recording_close(writer);
        struct recording_reader *reader;
        struct model *loaded, *replayed;
        assert_int_equal(recording_open(&reader, name, NULL), 0);
        assert_int_equal(store_load(reader, &loaded, NULL), 0);
        assert_int_equal(replay_recording(reader, loaded, &replayed, NULL), 0);
        replayed->start_unix_ns = loaded->start_unix_ns;
        replayed->finished = true;
        model_assert_equal(loaded, replayed);
        reference_compare(&scenario, replayed);
        recording_reader_close(reader);
        unlink(name);
        model_free_all(model);
        model_free_all(loaded);
        model_free_all(replayed);
        scenario_done(&scenario);
    }
}

static void test_no_events(void **state)
{
    (void)state;
    struct model *model = model_new(), *loaded, *replayed;
    assert_int_equal(feed_open(model, 0), 0);
    char name[64];
    struct recording_writer *writer = writer_new(name);
    struct store *store = store_new(writer);
    assert_int_equal(store_checkpoint(store, model, true, NULL), 0);
    store_free(store);
    recording_close(writer);
    struct recording_reader *reader;
    struct diag diag = {0};
    assert_int_equal(recording_open(&reader, name, NULL), 0);
    assert_int_equal(store_load(reader, &loaded, NULL), 0);
    assert_int_equal(replay_recording(reader, loaded, &replayed, &diag), ERR_MISSING);
    assert_non_null(strstr(diag.text, "--detailed-tracking"));
    recording_reader_close(reader);
    unlink(name);
    model_free_all(model);
    model_free_all(loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_checkpoints),
            cmocka_unit_test(test_checkpoints_while_slices_merge),
            cmocka_unit_test(test_compaction),
            cmocka_unit_test(test_loaded_and_written_again),
            cmocka_unit_test(test_replay_agrees),
            cmocka_unit_test(test_no_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
