/* SPDX-License-Identifier: Apache-2.0 */
/* The disk fills up: one sentence, a good file up to the last commit, then quiet. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "recording/reader.h"
#include "recording/writer.h"

/* A file size limit stands for the full disk: write(2) stops short in the middle of a chunk. */
static void disk_limit(uint64_t bytes)
{
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static uint64_t commits_count(const char *name, uint64_t *ret_file_bytes)
{
    struct recording_reader *reader;
    struct recording_chunk chunk;
    uint64_t commits = 0;
    assert_int_equal(recording_open(&reader, name, NULL), 0);
    assert_false(recording_extent(reader)->is_damaged);
    *ret_file_bytes = recording_extent(reader)->file_bytes;
    while (recording_next(reader, &chunk, NULL) == 0)
        commits += chunk.type == RECORDING_COMMIT;
    recording_reader_close(reader);
    return commits;
}

static void noise_fill(uint8_t *bytes, size_t n)
{
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes[i] = (uint8_t)x;
    }
}

static void test_disk_full(void **state)
{
    (void)state;
    static uint8_t noise[1000];
    noise_fill(noise, sizeof noise);
    for (uint64_t limit = 2000; limit < 4200; limit += 7) {
        char name[] = "/tmp/test_faults.XXXXXX";
        struct recording_writer *writer;
        struct diag diag = {0};
        assert_int_equal(recording_adopt(&writer, mkstemp(name), name, 0, NULL), 0);
        disk_limit(limit);
        int err = 0;
        uint64_t commits = 0;
        while (err == 0) {
            err = recording_write(writer, RECORDING_CELLS, noise, sizeof noise, &diag);
            if (err == 0)
                err = recording_write(writer, RECORDING_COMMIT, "x", 1, &diag);
            commits += err == 0;
        }
        assert_int_equal(err, ERR_IO);
        assert_non_null(strstr(diag.text, name));
        assert_true(recording_is_off(writer));
        disk_limit(RLIM_INFINITY);
        struct diag quiet = {0};
        assert_int_equal(recording_write(writer, RECORDING_COMMIT, "x", 1, &quiet), RECORDING_OFF);
        assert_int_equal(recording_rewrite_begin(writer, &quiet), RECORDING_OFF);
        assert_string_equal(quiet.text, "");
        recording_close(writer);
        uint64_t file_bytes;
        assert_int_equal(commits_count(name, &file_bytes), commits);
        assert_true(file_bytes <= limit);
        unlink(name);
    }
}

static void test_rewrite(void **state)
{
    (void)state;
    static uint8_t noise[3000];
    noise_fill(noise, sizeof noise);
    char name[] = "/tmp/test_faults.XXXXXX", part[64];
    struct recording_writer *writer;
    uint64_t file_bytes;
    assert_int_equal(recording_adopt(&writer, mkstemp(name), name, 0, NULL), 0);
    snprintf(part, sizeof part, "%s.0.part", name);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(recording_write(writer, RECORDING_COMMIT, noise, sizeof noise, NULL), 0);
    }
    assert_int_equal(recording_rewrite_begin(writer, NULL), 0);
    assert_int_equal(recording_write(writer, RECORDING_COMMIT, "x", 1, NULL), 0);
    assert_int_equal(commits_count(name, &file_bytes), 5); /* not yet */
    assert_int_equal(recording_rewrite_end(writer, NULL), 0);
    assert_int_equal(commits_count(name, &file_bytes), 1);
    assert_true(access(part, F_OK) < 0);

    /* A rewrite that finds no room leaves the file as it was, and appending goes on. */
    assert_int_equal(recording_rewrite_begin(writer, NULL), 0);
    disk_limit(2000);
    assert_int_equal(recording_write(writer, RECORDING_COMMIT, noise, sizeof noise, NULL),
                     RECORDING_KEPT);
    assert_int_equal(recording_write(writer, RECORDING_COMMIT, "x", 1, NULL), RECORDING_KEPT);
    disk_limit(RLIM_INFINITY);
    assert_int_equal(recording_rewrite_end(writer, NULL), RECORDING_KEPT);
    assert_true(access(part, F_OK) < 0);
    assert_int_equal(recording_write(writer, RECORDING_COMMIT, noise, sizeof noise, NULL), 0);
    assert_int_equal(commits_count(name, &file_bytes), 2);

    /* Nor does one that lacks its commit take the file's place. */
    assert_int_equal(recording_rewrite_begin(writer, NULL), 0);
    assert_int_equal(recording_write(writer, RECORDING_STRINGS, "x", 1, NULL), 0);
    assert_int_equal(recording_rewrite_end(writer, NULL), RECORDING_KEPT);
    assert_true(access(part, F_OK) < 0);
    assert_int_equal(commits_count(name, &file_bytes), 2);

    /* Closing in the middle of one, too. */
    assert_int_equal(recording_rewrite_begin(writer, NULL), 0);
    recording_close(writer);
    assert_true(access(part, F_OK) < 0);
    assert_int_equal(commits_count(name, &file_bytes), 2);
    unlink(name);
}

/* What was packed apart reads as if it had been written chunk by chunk, and only when it is whole.
 */
static void test_part(void **state)
{
    (void)state;
    static uint8_t noise[3000];
    static const char text[] =
            "a text that can be packed: packed packed packed packed packed packed";
    noise_fill(noise, sizeof noise);
    char name[] = "/tmp/test_faults.XXXXXX";
    struct recording_writer *writer;
    struct recording_reader *reader;
    struct recording_chunk chunk;
    assert_int_equal(recording_adopt(&writer, mkstemp(name), name, 0, NULL), 0);
    struct recording_part *part = recording_part_new();
    assert_non_null(part);
    assert_int_equal(recording_part_add(part, RECORDING_ROWS, noise, sizeof noise), 0);
    assert_int_equal(recording_part_add(part, RECORDING_LIVES, text, sizeof text), 0);
    assert_int_equal(recording_part_add(part, RECORDING_LIVES, NULL, RECORDING_RAW_MAX + 1ul),
                     ERR_LIMIT);
    assert_int_equal(recording_write(writer, RECORDING_CELLS, text, sizeof text, NULL), 0);
    assert_int_equal(recording_part_append(writer, part, NULL), 0);
    assert_int_equal(recording_part_append(writer, NULL, NULL), ERR_MEMORY);
    assert_int_equal(recording_write(writer, RECORDING_COMMIT, "x", 1, NULL), 0);
    recording_part_free(part);
    recording_close(writer);
    static const struct {
        enum recording_type type;
        const void *bytes;
        size_t n;
    } wanted[] = {{RECORDING_CELLS, text, sizeof text},
                  {RECORDING_ROWS, noise, sizeof noise},
                  {RECORDING_LIVES, text, sizeof text},
                  {RECORDING_COMMIT, "x", 1}};
    assert_int_equal(recording_open(&reader, name, NULL), 0);
    assert_false(recording_extent(reader)->is_damaged);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_int_equal(recording_next(reader, &chunk, NULL), 0);
        assert_int_equal(chunk.type, wanted[i].type);
        assert_int_equal(chunk.n, wanted[i].n);
        assert_memory_equal(chunk.bytes, wanted[i].bytes, wanted[i].n);
    }
    recording_reader_close(reader);
    unlink(name);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_disk_full),
            cmocka_unit_test(test_rewrite),
            cmocka_unit_test(test_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
