/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damaged and hostile recordings through all that `memscope report` does: a sentence or a report,
 * never a crash, never a hang.
 *
 * The victims are recordings of the sample models, as they are written and with their chunks
 * unpacked, so that changes reach what reads them. Of most mutants the checksums are put right
 * again; the others are for the container alone.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyze/analysis.h"
#include "export/export.h"
#include "heap/store.h"
#include "sample.h"
#include "sums.h"

enum {
    MUTANTS = 1000,
    MUTANT_S = 120,
    VICTIMS = 6,
    VICTIM_CHECKPOINTS = 20,
    VICTIM_BYTES_MAX = 1 << 20
};

struct victim {
    uint8_t *bytes;
    size_t n;
};

/* What became of the mutants. */
struct outcomes {
    unsigned whole_n, part_n, refused_n;
};

static uint64_t random_state;

static uint64_t random_next(uint64_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 20) % below;
}

static void victim_write(struct victim *victim, struct model *model)
{
    int fd = memfd_create("victim", MFD_CLOEXEC);
    struct recording_writer *writer;
    struct diag diag = {0};
    assert_true(fd >= 0);
    assert_int_equal(model_fact_set(model, "snapshot", "1"), 0);
    assert_int_equal(recording_adopt(&writer, dup(fd), "victim", 77, &diag), 0);
    struct store *store = store_new(writer);
    assert_non_null(store);
    for (int i = 0; i < VICTIM_CHECKPOINTS; i++)
        assert_int_equal(store_checkpoint(store, model, false, &diag), 0);
    store_free(store);
    victim->n = recording_written_bytes(writer);
    recording_close(writer);
    victim->bytes = malloc(victim->n);
    assert_non_null(victim->bytes);
    assert_int_equal(pread(fd, victim->bytes, victim->n, 0), victim->n);
    close(fd);
}

/* The same recording without compression. */
static void victim_unpack(struct victim *victim, const struct victim *from)
{
    struct recording_reader *reader;
    struct recording_chunk chunk;
    assert_int_equal(recording_open_memory(&reader, from->bytes, from->n, NULL), 0);
    victim->bytes = malloc(VICTIM_BYTES_MAX);
    assert_non_null(victim->bytes);
    memcpy(victim->bytes, from->bytes, RECORDING_HEADER_BYTES);
    victim->n = RECORDING_HEADER_BYTES;
    while (recording_next(reader, &chunk, NULL) == 0) {
        struct recording_head head = {.type = (uint16_t)chunk.type,
                                      .stored_bytes = (uint32_t)chunk.n,
                                      .raw_bytes = (uint32_t)chunk.n};
        memcpy(head.magic, RECORDING_CHUNK_MAGIC, sizeof head.magic);
        assert_true(victim->n + sizeof head + chunk.n <= VICTIM_BYTES_MAX);
        memcpy(victim->bytes + victim->n, &head, sizeof head);
        if (chunk.n)
            memcpy(victim->bytes + victim->n + sizeof head, chunk.bytes, chunk.n);
        victim->n += sizeof head + chunk.n;
    }
    recording_reader_close(reader);
    sums_mend(victim->bytes, victim->n);
}

static int victims_make(void **state)
{
    static void (*const samples[])(struct story *) = {sample_server, sample_hostile,
                                                      sample_adapted};
    struct victim *victims = calloc(VICTIMS, sizeof *victims);
    if (!victims)
        return -1;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct story story;
        samples[i](&story);
        victim_write(&victims[2 * i], story.model);
        victim_unpack(&victims[2 * i + 1], &victims[2 * i]);
        story_done(&story);
    }
    *state = victims;
    return 0;
}

static int victims_free(void **state)
{
    struct victim *victims = *state;
    for (size_t i = 0; i < VICTIMS; i++)
        free(victims[i].bytes);
    free(victims);
    return 0;
}

static void change_bytes(uint8_t *bytes, size_t n)
{
    static const uint8_t extremes[] = {0x00, 0xff, 0x7f, 0x80, 0x01};
    size_t changes = 1 + random_next(random_next(3) ? 3 : 40);
    for (size_t i = 0; i < changes; i++) {
        size_t at = random_next(n);
        size_t run = 1 + random_next(random_next(4) ? 1 : 12);
        uint64_t how = random_next(3);
        for (size_t k = at; k < at + run && k < n; k++)
            bytes[k] = how == 0   ? bytes[k] ^ (uint8_t)(1u << random_next(8))
                       : how == 1 ? extremes[random_next(sizeof extremes)]
                                  : (uint8_t)random_next(256);
    }
}

/* A random chunk of a recording whose heads are whole; its length, head and all. */
static size_t choose_chunk(const uint8_t *bytes, size_t n, size_t *ret_at)
{
    size_t count = 0, found = 0, found_n = 0;
    for (size_t at = RECORDING_HEADER_BYTES; n - at >= RECORDING_HEAD_BYTES;) {
        struct recording_head head;
        memcpy(&head, bytes + at, sizeof head);
        size_t length = sizeof head + head.stored_bytes;
        if (length > n - at)
            break;
        if (random_next(++count) == 0) {
            found = at;
            found_n = length;
        }
        at += length;
    }
    *ret_at = found;
    return found_n;
}

/* Takes a chunk out, or writes one twice. There is room for as much again. */
static size_t change_chunks(uint8_t *bytes, size_t n)
{
    size_t at, length = choose_chunk(bytes, n, &at);
    if (random_next(2)) {
        memmove(bytes + at, bytes + at + length, n - at - length);
        return n - length;
    }
    memmove(bytes + at + length, bytes + at, n - at);
    return n + length;
}

static size_t mutate(const struct victim *victim, uint8_t *bytes)
{
    size_t n = victim->n;
    memcpy(bytes, victim->bytes, n);
    if (random_next(6) == 0)
        n = change_chunks(bytes, n);
    if (random_next(12))
        change_bytes(bytes, n);
    if (random_next(12) == 0)
        n -= random_next(random_next(2) ? n : n / 8);
    if (random_next(8))
        sums_mend(bytes, n);
    return n;
}

static void export_all(const struct analysis *analysis)
{
    static const char *const formats[] = {"json", "html", "svg", "folded", "pprof", "speedscope"};
    struct export_request request = {.version = "mutant"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const struct export_format *format = export_find(formats[i]);
        struct diag diag = {0};
        struct file_out out = {.fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .is_stdout = true};
        assert_true(out.fd >= 0);
        if (format && format->write(analysis, &request, &out, &diag) < 0)
            assert_string_not_equal(diag.text, "");
        close(out.fd);
    }
}

/* Every failure has its sentence. */
static void try_recording(const uint8_t *bytes, size_t n, struct outcomes *outcomes)
{
    struct diag diag = {0};
    struct recording_reader *reader;
    struct model *model = NULL;
    struct analysis *analysis = NULL;
    int err = recording_open_memory(&reader, bytes, n, &diag);
    if (err == 0) {
        err = store_load(reader, &model, &diag);
        recording_reader_close(reader);
    }
    outcomes->whole_n += err == 0;
    outcomes->part_n += err > 0;
    outcomes->refused_n += err < 0;
    if (err)
        assert_string_not_equal(diag.text, "");
    if (err < 0)
        return;
    if (analysis_new(model, &analysis, &diag) == 0) {
        export_all(analysis);
        analysis_free(analysis);
    }
    model_free_all(model);
}

static void test_mutants(void **state)
{
    const struct victim *victims = *state;
    struct outcomes outcomes = {0};
    for (uint64_t seed = 1; seed <= MUTANTS; seed++) {
        const struct victim *victim = &victims[seed % VICTIMS];
        random_state = seed * 0x9e3779b97f4a7c15u;
        uint8_t *bytes = malloc(2 * victim->n);
        assert_non_null(bytes);
        size_t n = mutate(victim, bytes);
        /* Of exactly its size, so that ASan sees the first byte past it. */
        bytes = realloc(bytes, n ? n : 1);
        assert_non_null(bytes);
        alarm(MUTANT_S);
        try_recording(bytes, n, &outcomes);
        alarm(0);
        free(bytes);
    }
    print_message("%d mutants: %u read whole, %u in part, %u refused\n", MUTANTS, outcomes.whole_n,
                  outcomes.part_n, outcomes.refused_n);
    /* Mutants that all fare alike would prove little. */
    assert_true(outcomes.whole_n > MUTANTS / 20);
    assert_true(outcomes.part_n > MUTANTS / 100);
    assert_true(outcomes.refused_n > MUTANTS / 20);
}

/* The victims themselves are sound. */
static void test_victims(void **state)
{
    const struct victim *victims = *state;
    struct outcomes outcomes = {0};
    for (size_t i = 0; i < VICTIMS; i++)
        try_recording(victims[i].bytes, victims[i].n, &outcomes);
    assert_int_equal(outcomes.refused_n, 0);
    assert_int_equal(outcomes.whole_n + outcomes.part_n, VICTIMS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_victims, victims_make, victims_free),
            cmocka_unit_test_setup_teardown(test_mutants, victims_make, victims_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
