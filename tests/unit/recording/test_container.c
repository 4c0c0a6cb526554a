/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks out and in: the newest whole commit, cuts at every byte, every flipped bit, bombs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "base/file.h"
#include "recording/reader.h"
#include "recording/writer.h"

struct place {
    char folder[64];
    char name[128];
};

static int place_new(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    snprintf(place->folder, sizeof place->folder, "/tmp/test_container.XXXXXX");
    if (!mkdtemp(place->folder))
        return -1;
    snprintf(place->name, sizeof place->name, "%s/a.mscope", place->folder);
    *state = place;
    return 0;
}

static int place_free(void **state)
{
    struct place *place = *state;
    unlink(place->name);
    int left = rmdir(place->folder); /* fails when a temporary file was left behind */
    free(place);
    return left;
}

static void put(struct recording_writer *writer, enum recording_type type, const void *bytes,
                size_t n)
{
    assert_int_equal(recording_write(writer, type, bytes, n, NULL), 0);
}

/* Two checkpoints and a third one without its commit; a chunk that packs and one that does not. */
static void sample_write(struct recording_writer *writer)
{
    static uint8_t even[5000];
    put(writer, RECORDING_STRINGS, "first", 5);
    put(writer, RECORDING_COMMIT, "1", 1);
    put(writer, RECORDING_NODES, even, sizeof even);
    put(writer, RECORDING_ROWS, "", 0);
    put(writer, RECORDING_COMMIT, "2", 1);
    put(writer, RECORDING_CELLS, "tail", 4);
}

static void sample_make(const struct place *place, char **ret_bytes, size_t *ret_n)
{
    struct recording_writer *writer;
    assert_int_equal(recording_create(&writer, place->name, 77, NULL), 0);
    sample_write(writer);
    recording_close(writer);
    assert_int_equal(file_read_all(place->name, 1 << 20, ret_bytes, ret_n, NULL), 0);
}

/* Returns the number of chunks given out, or the error; *ret_commit: number in the last commit. */
static int chunks_read(const void *bytes, size_t n, int *ret_commit)
{
    struct recording_reader *reader;
    struct diag diag = {0};
    int err = recording_open_memory(&reader, bytes, n, &diag);
    *ret_commit = 0;
    if (err < 0) {
        assert_string_not_equal(diag.text, "");
        return err;
    }
    struct recording_chunk chunk;
    int count = 0;
    while ((err = recording_next(reader, &chunk, &diag)) == 0) {
        count++;
        if (chunk.type == RECORDING_COMMIT)
            *ret_commit = chunk.bytes[0] - '0';
    }
    if (err < 0)
        assert_string_not_equal(diag.text, "");
    recording_reader_close(reader);
    return err < 0 ? err : count;
}

static void test_round_trip(void **state)
{
    const struct place *place = *state;
    char *bytes;
    size_t n;
    sample_make(place, &bytes, &n);
    free(bytes);
    struct stat info;
    assert_int_equal(stat(place->name, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);

    struct recording_reader *reader;
    assert_int_equal(recording_open(&reader, place->name, NULL), 0);
    const struct recording_extent *extent = recording_extent(reader);
    assert_int_equal(extent->start_unix_ns, 77);
    assert_false(extent->is_damaged);
    assert_int_equal(extent->file_bytes, n);
    assert_true(extent->committed_bytes < n);
    static const enum recording_type types[] = {RECORDING_STRINGS, RECORDING_COMMIT,
                                                RECORDING_NODES, RECORDING_ROWS, RECORDING_COMMIT};
    static const size_t lengths[] = {5, 1, 5000, 0, 1};
    struct recording_chunk chunk;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(recording_next(reader, &chunk, NULL), 0);
        assert_int_equal(chunk.type, types[i]);
        assert_int_equal(chunk.n, lengths[i]);
        for (size_t k = 0; types[i] == RECORDING_NODES && k < chunk.n; k++)
            assert_int_equal(chunk.bytes[k], 0);
    }
    assert_int_equal(recording_next(reader, &chunk, NULL), RECORDING_END);
    assert_int_equal(recording_rewind(reader, extent->committed_bytes - 1, NULL), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(recording_next(reader, &chunk, NULL), 0);
    assert_int_equal(chunk.bytes[0], '1');
    assert_int_equal(recording_next(reader, &chunk, NULL), RECORDING_END);
    recording_reader_close(reader);
}

static void test_cut_anywhere(void **state)
{
    char *bytes;
    size_t n;
    sample_make(*state, &bytes, &n);
    size_t head = RECORDING_HEADER_BYTES + 2 * RECORDING_HEAD_BYTES + 6;
    int at_end;
    assert_int_equal(chunks_read(bytes, n, &at_end), 5);
    for (size_t cut = 0; cut < n; cut++) {
        char *part = malloc(cut ? cut : 1); /* so that a read past the cut is seen */
        memcpy(part, bytes, cut);
        int commit, count = chunks_read(part, cut, &commit);
        if (cut < RECORDING_HEADER_BYTES)
            assert_int_equal(count, ERR_FORMAT);
        else if (cut < head)
            assert_int_equal(count, 0);
        else if (count != 5)
            assert_int_equal(count, 2);
        assert_int_equal(commit, count == 5 ? 2 : count == 2 ? 1 : 0);
        free(part);
    }
    free(bytes);
}

static void test_every_flipped_bit_is_seen(void **state)
{
    char *bytes;
    size_t n;
    sample_make(*state, &bytes, &n);
    size_t committed = n - RECORDING_HEAD_BYTES - 4;
    for (size_t bit = 0; bit < committed * 8; bit++) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        int commit, count = chunks_read(bytes, n, &commit);
        assert_true(count == ERR_FORMAT || count == 0 || count == 2);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    free(bytes);
}

/* A file of one chunk with a right sum around whatever the head says. */
static int hostile_read(struct recording_head head, const void *payload, size_t n)
{
    static uint8_t file[1 << 16];
    struct recording_header header = {.major = RECORDING_MAJOR};
    memcpy(header.magic, RECORDING_MAGIC, 8);
    header.checksum = (uint32_t)crc32(0, (const Bytef *)&header, 28);
    memcpy(head.magic, RECORDING_CHUNK_MAGIC, 4);
    uLong sum = crc32(0, (const Bytef *)&head, 20);
    head.checksum = (uint32_t)crc32(sum, payload, (uInt)n);
    memcpy(file, &header, sizeof header);
    memcpy(file + sizeof header, &head, sizeof head);
    memcpy(file + sizeof header + sizeof head, payload, n);
    int commit;
    return chunks_read(file, sizeof header + sizeof head + n, &commit);
}

static void test_hostile_lengths(void **state)
{
    (void)state;
    struct recording_head head = {.type = RECORDING_COMMIT, .stored_bytes = 1, .raw_bytes = 1};
    assert_int_equal(hostile_read(head, "1", 1), 1);
    struct recording_head wrong = head;
    wrong.stored_bytes = UINT32_MAX;
    assert_int_equal(hostile_read(wrong, "1", 1), 0);
    wrong = head;
    wrong.raw_bytes = 2;
    assert_int_equal(hostile_read(wrong, "1", 1), 0);
    wrong = head;
    wrong.flags = 2;
    assert_int_equal(hostile_read(wrong, "1", 1), 0);
    wrong = head;
    wrong.type = 999;
    assert_int_equal(hostile_read(wrong, "1", 1), 0); /* unknown types are no commit, nor damage */
}

static void test_bombs(void **state)
{
    (void)state;
    static uint8_t zeros[RECORDING_RAW_MAX], packed[1 << 15];
    size_t n = ZSTD_compress(packed, sizeof packed, zeros, sizeof zeros, 3);
    assert_false(ZSTD_isError(n));
    struct recording_head head = {.type = RECORDING_COMMIT,
                                  .flags = RECORDING_ZSTD,
                                  .stored_bytes = (uint32_t)n,
                                  .raw_bytes = RECORDING_RAW_MAX};
    assert_int_equal(hostile_read(head, packed, n), 0); /* over the ratio: refused unread */
    head.raw_bytes = 1000;
    assert_int_equal(hostile_read(head, packed, n), ERR_FORMAT); /* more than it said */
}

static void test_writer_keeps_to_the_ratio(void **state)
{
    const struct place *place = *state;
    static uint8_t zeros[RECORDING_RAW_MAX];
    struct recording_writer *writer;
    assert_int_equal(recording_create(&writer, place->name, 0, NULL), 0);
    put(writer, RECORDING_ROWS, zeros, sizeof zeros);
    put(writer, RECORDING_COMMIT, "1", 1);
    struct diag diag = {0};
    assert_int_equal(recording_write(writer, RECORDING_ROWS, zeros, sizeof zeros + 1, &diag),
                     ERR_LIMIT);
    recording_close(writer);
    struct recording_reader *reader;
    assert_int_equal(recording_open(&reader, place->name, NULL), 0);
    struct recording_chunk chunk;
    assert_int_equal(recording_next(reader, &chunk, NULL), 0);
    assert_int_equal(chunk.n, RECORDING_RAW_MAX);
    recording_reader_close(reader);
}

static void test_other_files_are_refused(void **state)
{
    const struct place *place = *state;
    struct recording_reader *reader;
    struct diag diag = {0};
    assert_int_equal(recording_open(&reader, place->name, &diag), ERR_MISSING);
    diag.text[0] = 0;
    assert_int_equal(recording_open(&reader, place->folder, &diag), ERR_FORMAT);
    diag.text[0] = 0;
    assert_int_equal(mkfifo(place->name, 0600), 0);
    assert_int_equal(recording_open(&reader, place->name, &diag), ERR_FORMAT); /* does not wait */
    assert_non_null(strstr(diag.text, "regular"));
    struct recording_writer *writer;
    diag.text[0] = 0;
    assert_int_equal(recording_create(&writer, place->name, 0, &diag), ERR_IO); /* it exists */
    unlink(place->name);
    assert_int_equal(symlink("/tmp/nowhere-at-all", place->name), 0);
    assert_int_equal(recording_create(&writer, place->name, 0, &diag), ERR_IO);
}

/* A pulse tells of its time, is no part of the recording, and makes room for what comes next. */
static void test_pulse(void **state)
{
    const struct place *place = *state;
    static const uint64_t times[] = {10, 250, UINT64_C(1) << 40};
    for (int more = 0; more < 3; more++) {
        struct recording_writer *writer;
        assert_int_equal(recording_create(&writer, place->name, 77, NULL), 0);
        sample_write(writer);
        uint64_t plain = recording_written_bytes(writer);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(recording_pulse(writer, times[i], NULL), 0);
        assert_int_equal(recording_written_bytes(writer), plain);
        if (more) /* shorter than a pulse, and longer */
            put(writer, RECORDING_ROWS, "a chunk that is longer", more == 1 ? 1 : 22);
        recording_close(writer);
        struct recording_reader *reader;
        assert_int_equal(recording_open(&reader, place->name, NULL), 0);
        const struct recording_extent *extent = recording_extent(reader);
        assert_false(extent->is_damaged);
        assert_int_equal(extent->alive_ns, more ? 0 : times[2]);
        assert_int_equal(extent->file_bytes - plain,
                         RECORDING_HEAD_BYTES + (more == 0   ? RECORDING_PULSE_BYTES
                                                 : more == 1 ? 1
                                                             : 22));
        recording_reader_close(reader);
        unlink(place->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_round_trip, place_new, place_free),
            cmocka_unit_test_setup_teardown(test_pulse, place_new, place_free),
            cmocka_unit_test_setup_teardown(test_cut_anywhere, place_new, place_free),
            cmocka_unit_test_setup_teardown(test_every_flipped_bit_is_seen, place_new, place_free),
            cmocka_unit_test(test_hostile_lengths),
            cmocka_unit_test(test_bombs),
            cmocka_unit_test_setup_teardown(test_writer_keeps_to_the_ratio, place_new, place_free),
            cmocka_unit_test_setup_teardown(test_other_files_are_refused, place_new, place_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
