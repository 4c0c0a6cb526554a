/* SPDX-License-Identifier: Apache-2.0 */
/* Packed events come back as they were, over many chunks; damaged chunks are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "recording/events.h"
#include "recording/reader.h"

enum { EVENTS_N = 200000 };

static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* The i-th event of the test: every kind, with values from small to the largest. */
static struct events_event event_make(uint64_t i)
{
    uint64_t seed = i * 0x9e3779b97f4a7c15u + 1;
    struct events_event event = {.kind = (enum events_kind)(1 + random_next(&seed) % EVENTS_UNMAP)};
    event.process = (uint32_t)(random_next(&seed) >> (32 + random_next(&seed) % 32));
    event.thread = (uint32_t)(i / 50);
    event.task = i % 1000 < 900 ? 0 : (uint32_t)i;
    event.at_ns = random_next(&seed) >> random_next(&seed) % 64;
    bool allocates = event.kind == EVENTS_ALLOC || event.kind == EVENTS_REALLOC_END;
    if (allocates || event.kind == EVENTS_FREE || event.kind == EVENTS_REALLOC_BEGIN)
        event.address = random_next(&seed) >> random_next(&seed) % 64;
    if (event.kind == EVENTS_REALLOC_END || event.kind == EVENTS_REALLOC_CANCEL)
        event.old_address = random_next(&seed) >> random_next(&seed) % 64;
    bool has_node =
            allocates || event.kind == EVENTS_PROCESS_END || event.kind == EVENTS_TASK_BEGIN;
    if (has_node || event.kind == EVENTS_RSS)
        event.size_bytes = random_next(&seed) >> random_next(&seed) % 64;
    if (has_node)
        event.node = (uint32_t)random_next(&seed);
    if (allocates)
        event.weight = i % 3 ? 1 : (uint32_t)random_next(&seed);
    return event;
}

static void test_round_trip(void **state)
{
    (void)state;
    char name[] = "/tmp/test_events.XXXXXX";
    struct recording_writer *writer;
    int fd = mkstemp(name);
    assert_int_equal(recording_adopt(&writer, fd, name, 0, NULL), 0);
    struct events_out out = {0};
    for (uint64_t i = 0; i < EVENTS_N; i++) {
        struct events_event event = event_make(i);
        assert_int_equal(events_add(&out, writer, &event, NULL), 0);
    }
    assert_int_equal(events_flush(&out, writer, NULL), 0);
    assert_int_equal(recording_write(writer, RECORDING_COMMIT, "", 0, NULL), 0);
    assert_true(recording_has_events(writer));
    struct diag diag = {0};
    assert_int_equal(recording_rewrite_begin(writer, &diag), ERR_STATE);
    recording_close(writer);
    events_out_done(&out);

    struct recording_reader *reader;
    assert_int_equal(recording_open(&reader, name, NULL), 0);
    struct recording_chunk chunk;
    uint64_t i = 0, chunks = 0;
    while (recording_next(reader, &chunk, NULL) == 0 && chunk.type == RECORDING_EVENTS) {
        struct events_in in;
        struct events_event event;
        events_in_init(&in, chunk.bytes, chunk.n);
        int err;
        while ((err = events_next(&in, &event)) == 0) {
            struct events_event wanted = event_make(i++);
            assert_memory_equal(&event, &wanted, sizeof event);
        }
        assert_int_equal(err, EVENTS_END);
        chunks++;
    }
    assert_int_equal(i, EVENTS_N);
    assert_true(chunks > 3);
    recording_reader_close(reader);
    unlink(name);
}

static void test_damage(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } bad[] = {{"", 0},
               {"\x01", 1},
               {"\x01\x00\x00", 3},
               {"\x01\x1d\x00", 3},
               {"\x01\x41\x00", 3},
               {"\x02\x1c\x00", 3}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct events_in in;
        struct events_event event;
        events_in_init(&in, (const uint8_t *)bad[i].bytes, bad[i].n);
        int err;
        while ((err = events_next(&in, &event)) == 0)
            ;
        assert_int_equal(err, ERR_FORMAT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_round_trip),
            cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
