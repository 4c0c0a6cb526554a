/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A long life in a short time: `day_long EVENTS OUT HOURS` feeds the events of a recording made
 * with --detailed-tracking to a model again and again, as if each round took a minute, and writes
 * that model as the recorder does: a checkpoint every 4 s of the life. Not a target itself:
 * lives_test.py reads OUT with memscope report. Prints the file's size after each hour, then what
 * was fed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "heap/replay.h"
#include "heap/store.h"

#define SECOND_NS UINT64_C(1000000000)
#define ROUND_NS (60 * SECOND_NS)
#define HOUR_NS (60 * ROUND_NS)
#define CHECKPOINT_NS (4 * SECOND_NS)

enum { EVENTS_MAX = 1 << 24 };

struct life {
    VEC(struct events_event) events; /* of one round: blocks made, moved and freed */
    struct replay replay;
    struct store *store;
    struct recording_writer *writer;
    uint64_t checkpoint_at_ns, hour_at_ns;
    uint64_t alloc_n, alloc_bytes, free_n;
};

static void must(bool holds, const char *what, const struct diag *diag)
{
    if (holds)
        return;
    fprintf(stderr, "day_long: %s: %s\n", what, diag ? diag->text : "");
    exit(EXIT_FAILURE);
}

/* Keeps the events of the heap; of mappings, threads and ends a round has none. */
static void events_read(struct life *life, struct recording_reader *reader, struct diag *diag)
{
    struct recording_chunk chunk;
    struct events_event event;
    int err = recording_rewind(reader, UINT64_MAX, diag);
    while (err == 0 && (err = recording_next(reader, &chunk, diag)) == 0) {
        struct events_in in;
        if (chunk.type != RECORDING_EVENTS)
            continue;
        events_in_init(&in, chunk.bytes, chunk.n);
        while (events_next(&in, &event) == 0) {
            if (event.kind <= EVENTS_REALLOC_CANCEL)
                must(VEC_PUSH(&life->events, EVENTS_MAX, event), "memory", NULL);
        }
    }
    must(err >= 0 && life->events.n, "no events", diag);
}

/* One process and one thread, which live through all rounds. */
static void life_begin(struct life *life)
{
    struct model *model = life->replay.model;
    struct model_process process = model->processes.at[0];
    process.parent = 0;
    process.start_ns = model->end_ns;
    uint32_t index = feed_process_begin(model, &process);
    struct model_thread thread = model->threads.at[0];
    thread.process = index;
    uint32_t thread_index = feed_thread_begin(model, &thread);
    must(index != MODEL_NONE && thread_index != MODEL_NONE, "no process", NULL);
    for (size_t i = 0; i < life->events.n; i++) {
        struct events_event *event = &life->events.at[i];
        event->process = index;
        event->thread = thread_index;
        event->task = 0;
    }
}

/* What the recorder does every few seconds. */
static void life_goes_on(struct life *life, uint64_t at_ns, struct diag *diag)
{
    feed_time(life->replay.model, at_ns);
    if (at_ns >= life->checkpoint_at_ns) {
        must(store_checkpoint(life->store, life->replay.model, false, diag) == 0, "store", diag);
        life->checkpoint_at_ns = at_ns + CHECKPOINT_NS;
    }
    if (at_ns >= life->hour_at_ns) {
        printf("hour %" PRIu64 " %" PRIu64 "\n", life->hour_at_ns / HOUR_NS,
               recording_written_bytes(life->writer));
        life->hour_at_ns += HOUR_NS;
    }
}

static void life_feed(struct life *life, const struct events_event *event)
{
    bool makes = event->kind == EVENTS_ALLOC ||
                 (event->kind == EVENTS_REALLOC_END && event->address != 0);
    int outcome = replay_event(&life->replay, event);
    must(outcome >= 0, "an event", NULL);
    life->alloc_n += makes;
    life->alloc_bytes += makes ? event->size_bytes : 0;
    life->free_n += outcome == FEED_DONE &&
                    (event->kind == EVENTS_FREE || event->kind == EVENTS_REALLOC_BEGIN);
}

/* All events once, spread over a minute; then what is left is freed. */
static void life_round(struct life *life, uint64_t start_ns, struct diag *diag)
{
    for (size_t i = 0; i < life->events.n; i++) {
        struct events_event event = life->events.at[i];
        event.at_ns = start_ns + ROUND_NS / life->events.n * i;
        life_goes_on(life, event.at_ns, diag);
        life_feed(life, &event);
    }
    for (size_t i = 0; i < life->events.n; i++) {
        struct events_event event = life->events.at[i];
        bool makes = event.kind == EVENTS_ALLOC || event.kind == EVENTS_REALLOC_END;
        if (!makes || !feed_is_live(life->replay.model, event.process, event.address))
            continue;
        event.kind = EVENTS_FREE;
        event.at_ns = start_ns + ROUND_NS - 1;
        life_feed(life, &event);
    }
}

int main(int argc, char **argv)
{
    struct diag diag = {""};
    struct recording_reader *reader;
    struct life life = {.hour_at_ns = HOUR_NS};
    must(argc == 4, "usage: day_long EVENTS OUT HOURS", NULL);
    must(recording_open(&reader, argv[1], &diag) == 0, "open", &diag);
    struct model *tables, *model;
    must(store_load(reader, &tables, &diag) == 0, "load", &diag);
    must(replay_recording(reader, tables, &model, &diag) == 0, "replay", &diag);
    events_read(&life, reader, &diag);
    recording_reader_close(reader);
    life.replay = (struct replay){.tables = tables, .model = model};
    must(recording_create(&life.writer, argv[2], SECOND_NS, &diag) == 0, "create", &diag);
    life.store = store_new(life.writer);
    life_begin(&life);
    uint64_t rounds = strtoull(argv[3], NULL, 10) * (HOUR_NS / ROUND_NS);
    uint64_t start_ns = model->end_ns;
    for (uint64_t i = 0; i < rounds; i++)
        life_round(&life, start_ns + i * ROUND_NS, &diag);
    life_goes_on(&life, start_ns + rounds * ROUND_NS, &diag);
    must(store_checkpoint(life.store, model, true, &diag) == 0, "store", &diag);
    printf("end %" PRIu64 "\nfed %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
           recording_written_bytes(life.writer), life.alloc_n, life.alloc_bytes, life.free_n);
    store_free(life.store);
    recording_close(life.writer);
    replay_done(&life.replay);
    model_free_all(model);
    model_free_all(tables);
    vec_done(&life.events);
    return EXIT_SUCCESS;
}
