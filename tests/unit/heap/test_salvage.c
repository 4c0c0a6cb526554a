/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings that were cut, damaged or made up: what is before the damage comes back, with a
 * sentence; nothing crashes, hangs or takes memory that the file does not justify.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "base/file.h"
#include "equal.h"
#include "heap/feed.h"
#include "heap/replay.h"
#include "heap/store.h"
#include "scenario.h"

enum { CHECKPOINTS = 6, MUTATIONS = 600 };

/* A recording with events, and the model as it was at each checkpoint. */
struct sample {
    char *bytes;
    size_t n;
    size_t commit_ends[CHECKPOINTS]; /* sizes of the file after each */
    struct model *models[CHECKPOINTS];
};

static struct model *load(const void *bytes, size_t n, int *ret_result, struct diag *diag)
{
    struct recording_reader *reader;
    struct model *model = NULL;
    *ret_result = recording_open_memory(&reader, bytes, n, diag);
    if (*ret_result < 0)
        return NULL;
    *ret_result = store_load(reader, &model, diag);
    recording_reader_close(reader);
    return model;
}

static int sample_make(void **state)
{
    struct sample *sample = calloc(1, sizeof *sample);
    struct scenario_shape shape = {.seed = 8,
                                   .events = 3000,
                                   .nodes = 12,
                                   .processes = 4,
                                   .threads = 8,
                                   .tasks = 5,
                                   .addresses = 100,
                                   .step_ns = 300000};
    struct scenario scenario;
    scenario_make(&scenario, &shape);
    struct model *model = model_new();
    feed_open(model, 1000000);
    scenario_tables_copy(&scenario, model);
    char name[] = "/tmp/test_salvage.XXXXXX";
    struct recording_writer *writer;
    struct events_out out = {0};
    if (recording_adopt(&writer, mkstemp(name), name, 0, NULL) < 0)
        return -1;
    struct store *store = store_new(writer);
    size_t every = scenario.events.n / CHECKPOINTS;
    for (size_t i = 0; i < CHECKPOINTS; i++) {
        size_t to = i + 1 < CHECKPOINTS ? (i + 1) * every : scenario.events.n;
        for (size_t k = i * every; k < to; k++)
            events_add(&out, writer, &scenario.events.at[k], NULL);
        scenario_feed_some(&scenario, model, i * every, to);
        events_flush(&out, writer, NULL);
        if (store_checkpoint(store, model, to == scenario.events.n, NULL) < 0)
            return -1;
        sample->commit_ends[i] = recording_written_bytes(writer);
        free(sample->bytes);
        if (file_read_all(name, 1 << 24, &sample->bytes, &sample->n, NULL) < 0)
            return -1;
        struct diag diag = {0};
        int result;
        sample->models[i] = load(sample->bytes, sample->n, &result, &diag);
    }
    events_out_done(&out);
    store_free(store);
    recording_close(writer);
    unlink(name);
    model_free_all(model);
    scenario_done(&scenario);
    *state = sample;
    return 0;
}

static int sample_free(void **state)
{
    struct sample *sample = *state;
    for (size_t i = 0; i < CHECKPOINTS; i++)
        model_free_all(sample->models[i]);
    free(sample->bytes);
    free(sample);
    return 0;
}

static void test_cut_anywhere(void **state)
{
    const struct sample *sample = *state;
    for (size_t cut = 0; cut <= sample->n; cut += 1 + cut % 89) {
        char *part = malloc(cut + 1);
        memcpy(part, sample->bytes, cut);
        struct diag diag = {0};
        int result, whole = -1;
        for (int i = 0; i < CHECKPOINTS; i++)
            whole = sample->commit_ends[i] <= cut ? i : whole;
        struct model *model = load(part, cut, &result, &diag);
        if (whole < 0) {
            assert_int_equal(result, ERR_FORMAT);
            assert_string_not_equal(diag.text, "");
        } else {
            assert_int_equal(result, whole + 1 < CHECKPOINTS);
            assert_int_equal(diag.text[0] == 0, result == 0);
            model_assert_equal(model, sample->models[whole]);
        }
        model_free_all(model);
        free(part);
    }
}

/* Damage in the middle: the checkpoint before it, and how much time is missing. */
static void test_damaged_in_the_middle(void **state)
{
    const struct sample *sample = *state;
    char *bytes = malloc(sample->n);
    memcpy(bytes, sample->bytes, sample->n);
    bytes[sample->commit_ends[2] + 40] ^= 1;
    struct diag diag = {0};
    int result;
    struct model *model = load(bytes, sample->n, &result, &diag);
    assert_int_equal(result, 1);
    if (!model)
        return;
    char wanted[64];
    snprintf(wanted, sizeof wanted, "byte %zu of", sample->commit_ends[2]);
    assert_non_null(strstr(diag.text, wanted));
    const struct model *last = sample->models[CHECKPOINTS - 1];
    uint64_t missing_ns = last->end_ns - sample->models[2]->end_ns;
    assert_true(model->loss.checkpoint_age_ns == missing_ns);
    snprintf(wanted, sizeof wanted, "the %.1f s after that are missing", (double)missing_ns / 1e9);
    assert_non_null(strstr(diag.text, wanted));
    model->loss.checkpoint_age_ns = 0;
    model_assert_equal(model, sample->models[2]);
    model_free_all(model);
    free(bytes);
}

static uint64_t seed = 0x123456789abcdef;

static uint64_t random_next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1d >> 11;
}

/* Reads whatever a reader of a model may follow. */
static void model_walk(const struct model *model)
{
    volatile uint64_t sum = 0; /* so that no read is left out */
    (void)sum;
    VEC_EACH (struct model_row, row, &model->rows) {
        const struct model_cell *cell = &model->cells.at[row->cell];
        sum += model->slices.at[row->born].live_n + model->threads.at[cell->key.thread].tid;
        if (row->freed != MODEL_OPEN)
            sum += model->slices.at[row->freed].live_n;
    }
    VEC_EACH (struct model_cell, cell, &model->cells) {
        for (uint32_t node = cell->key.node; node; node = model->nodes.at[node].parent) {
            const struct model_location *at = &model->locations.at[model->nodes.at[node].location];
            for (uint32_t i = 0; i < at->symbol_n; i++)
                sum += model->symbols.at[at->symbol_first + i].line;
            sum += strlen(model_string_at(model, model->modules.at[at->module].path));
        }
        uint32_t process = cell->key.process;
        sum += strlen(model_string_at(model, model->processes.at[process].exe));
        sum += model->tasks.at[cell->key.task].poll_n;
        if (cell->life != MODEL_NONE)
            sum += model->lives.at[cell->life].n[0];
    }
    (void)sum;
    assert_int_equal(model->slices.n, model->slice_histograms.n);
}

/* Loads and replays; whatever comes of it, it comes with a sentence. */
static void hostile_try(const uint8_t *bytes, size_t n)
{
    struct recording_reader *reader;
    struct model *model = NULL, *replayed = NULL;
    struct diag diag = {0};
    int result = recording_open_memory(&reader, bytes, n, &diag);
    if (result < 0) {
        assert_string_not_equal(diag.text, "");
        return;
    }
    result = store_load(reader, &model, &diag);
    assert_int_equal(diag.text[0] == 0, result == 0);
    if (result >= 0) {
        model_walk(model);
        struct diag more = {0};
        if (replay_recording(reader, model, &replayed, &more) < 0)
            assert_string_not_equal(more.text, "");
        else
            model_walk(replayed);
    }
    model_free_all(model);
    model_free_all(replayed);
    recording_reader_close(reader);
}

static void bytes_mutate(uint8_t *bytes, size_t n)
{
    static const uint8_t words[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    for (uint64_t i = 0, times = 1 + random_next() % 4; n && i < times; i++) {
        size_t at = random_next() % n;
        if (random_next() % 2)
            bytes[at] = words[random_next() % sizeof words];
        else
            bytes[at] ^= (uint8_t)(1 << random_next() % 8);
    }
}

static void test_random_bytes(void **state)
{
    const struct sample *sample = *state;
    uint8_t *bytes = malloc(sample->n);
    for (int i = 0; i < MUTATIONS; i++) {
        memcpy(bytes, sample->bytes, sample->n);
        bytes_mutate(bytes, sample->n);
        hostile_try(bytes, sample->n);
    }
    free(bytes);
}

/* Copies the file with the payload of one chunk changed, stored plain, under a right checksum. */
static size_t chunk_mutate(const struct sample *sample, uint8_t *to, size_t which)
{
    size_t at = RECORDING_HEADER_BYTES, out = RECORDING_HEADER_BYTES;
    memcpy(to, sample->bytes, at);
    for (size_t i = 0; at < sample->n; i++) {
        struct recording_head head;
        memcpy(&head, sample->bytes + at, sizeof head);
        const char *stored = sample->bytes + at + sizeof head;
        at += sizeof head + head.stored_bytes;
        uint8_t *payload = to + out + sizeof head;
        if (i != which) {
            memcpy(payload, stored, head.stored_bytes);
        } else {
            if (head.flags & RECORDING_ZSTD)
                ZSTD_decompress(payload, head.raw_bytes, stored, head.stored_bytes);
            else
                memcpy(payload, stored, head.stored_bytes);
            head.flags = 0;
            head.stored_bytes = head.raw_bytes;
            bytes_mutate(payload, head.raw_bytes);
            uLong sum = crc32(0, (const Bytef *)&head, offsetof(struct recording_head, checksum));
            head.checksum = (uint32_t)crc32(sum, payload, head.stored_bytes);
        }
        memcpy(to + out, &head, sizeof head);
        out += sizeof head + head.stored_bytes;
    }
    return out;
}

static void test_random_content(void **state)
{
    const struct sample *sample = *state;
    size_t chunks = 0;
    for (size_t at = RECORDING_HEADER_BYTES; at < sample->n; chunks++) {
        struct recording_head head;
        memcpy(&head, sample->bytes + at, sizeof head);
        at += sizeof head + head.stored_bytes;
    }
    uint8_t *to = malloc(sample->n + RECORDING_RAW_MAX);
    for (int i = 0; i < MUTATIONS; i++) {
        size_t n = chunk_mutate(sample, to, random_next() % chunks);
        uint8_t *exact = malloc(n);
        memcpy(exact, to, n);
        hostile_try(exact, n);
        free(exact);
    }
    free(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_cut_anywhere),
            cmocka_unit_test(test_damaged_in_the_middle),
            cmocka_unit_test(test_random_bytes),
            cmocka_unit_test(test_random_content),
    };
    return cmocka_run_group_tests(tests, sample_make, sample_free);
}
