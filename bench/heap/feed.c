/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many events per second the feed takes, on one core, over synthetic streams.
 *
 * usage: bench_heap_feed [SHAPE [MILLIONS]]
 * Prints for each shape: events, processor seconds, millions of events per second, the size of the
 * model, and the size of its recording beside the goal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "heap/feed.h"
#include "heap/feed_batch.h"
#include "heap/store.h"

enum { BATCH = FEED_BATCH_MAX, RECORDED = 1 << 20 };

/* A stream that a small program or a large server may give. */
struct shape {
    const char *name;
    unsigned live; /* blocks that are kept alive */
    unsigned sites;
    unsigned threads;
    unsigned hot;     /* of 100 events, those that free what was just allocated */
    uint64_t step_ns; /* between events */
};

static const struct shape shapes[] = {
        {"hot-small", 1000, 50, 1, 60, 40},        {"typical", 20000, 1000, 2, 85, 40},
        {"mixed", 100000, 5000, 4, 40, 40},        {"million-live", 1000000, 5000, 4, 0, 40},
        {"many-sites", 100000, 100000, 8, 20, 40},
};

struct event {
    uint64_t address;
    uint32_t size_bytes; /* 0 = free */
    uint32_t node;
    uint32_t thread;
};

static uint64_t seed = 88172645463325252u;

static uint64_t random_next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* What is live while the stream is made. */
struct stream {
    uint64_t *addresses;
    size_t n;
    uint64_t *unused; /* addresses to be used again, last freed first, as allocators do */
    size_t unused_n;
    uint64_t fresh;
    uint32_t last_thread; /* of the event before */
};

static struct event event_make(struct stream *stream, const struct shape *shape, bool *was_alloc)
{
    struct event event = {.thread = (uint32_t)(random_next() % shape->threads)};
    bool hot = *was_alloc && random_next() % 100 < shape->hot;
    if (hot) /* by the thread that has it */
        event.thread = stream->last_thread;
    stream->last_thread = event.thread;
    bool frees = hot || stream->n >= shape->live + random_next() % (shape->live / 4 + 1);
    if (frees && stream->n) {
        size_t at = hot ? stream->n - 1 : random_next() % stream->n;
        event.address = stream->addresses[at];
        stream->addresses[at] = stream->addresses[--stream->n];
        stream->unused[stream->unused_n++] = event.address;
        *was_alloc = false;
        return event;
    }
    /* Few sites do most of the work. */
    uint64_t spread = random_next() % shape->sites;
    event.node = 1 + (uint32_t)(random_next() % (spread + 1));
    event.size_bytes = 16 + (uint32_t)(random_next() % 512);
    if (stream->unused_n)
        event.address = stream->unused[--stream->unused_n];
    else
        event.address = 0x7f0000000000 + 64 * stream->fresh++;
    stream->addresses[stream->n++] = event.address;
    *was_alloc = true;
    return event;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct model *model_prepare(const struct shape *shape)
{
    struct model *model = model_new();
    if (!model || feed_open(model, 0) < 0)
        exit(1);
    struct model_process process = {.parent = MODEL_NONE};
    feed_process_begin(model, &process);
    struct model_thread thread = {0};
    for (unsigned i = 0; i < shape->threads; i++)
        feed_thread_begin(model, &thread);
    for (unsigned i = 0; i < shape->sites; i++)
        model_node_add(model, 0, i, 0);
    return model;
}

static void event_feed(struct model *model, const struct event *event, uint64_t at_ns)
{
    struct feed_context who = {.thread = event->thread, .at_ns = at_ns};
    int err = event->size_bytes
                      ? feed_alloc(model, &who, event->address, event->size_bytes, event->node, 1)
                      : feed_free(model, &who, event->address);
    if (err) {
        fprintf(stderr, "event failed: %d\n", err);
        exit(1);
    }
}

/* As the collector feeds them. */
static void stream_feed(struct model *model, const struct event *events, size_t n, uint64_t *at_ns,
                        uint64_t step_ns)
{
    struct feed_event batch[BATCH];
    for (size_t i = 0; i < n; i++) {
        const struct event *event = &events[i];
        batch[i] = (struct feed_event){.address = event->address,
                                       .size_bytes = event->size_bytes,
                                       .at_ns = *at_ns += step_ns,
                                       .node = event->size_bytes ? event->node : MODEL_NONE,
                                       .thread = event->thread};
        feed_prefetch(model, 0, event->address);
    }
    for (size_t fed = 0; fed < n; fed++) {
        fed += feed_batch(model, 0, batch + fed, (unsigned)(n - fed));
        if (fed < n)
            event_feed(model, &events[fed], batch[fed].at_ns);
    }
}

/* Writes the model as one checkpoint; returns the size of the file. */
static uint64_t store_bytes(struct model *model, double *ret_s)
{
    char name[] = "/tmp/bench_heap.XXXXXX";
    struct recording_writer *writer;
    if (recording_adopt(&writer, mkstemp(name), name, 0, NULL) < 0)
        exit(1);
    struct store *store = store_new(writer);
    double begin_s = now_s();
    if (!store || store_checkpoint(store, model, false, NULL) < 0)
        exit(1);
    *ret_s = now_s() - begin_s;
    uint64_t bytes = recording_written_bytes(writer);
    store_free(store);
    recording_close(writer);
    unlink(name);
    return bytes;
}

static void shape_run(const struct shape *shape, uint64_t events)
{
    struct model *model = model_prepare(shape);
    struct stream stream = {.addresses = calloc(2 * shape->live + 16, 8),
                            .unused = calloc(2 * shape->live + 16, 8)};
    struct event *recorded = calloc(RECORDED, sizeof *recorded);
    if (!stream.addresses || !stream.unused || !recorded)
        exit(1);
    bool was_alloc = false;
    uint64_t at_ns = 0, done = 0;
    double seconds = 0;
    uint64_t warm_up = 4 * (uint64_t)shape->live;
    while (done < events + warm_up) {
        for (size_t i = 0; i < RECORDED; i++)
            recorded[i] = event_make(&stream, shape, &was_alloc);
        double begin_s = now_s();
        for (size_t i = 0; i < RECORDED; i += BATCH)
            stream_feed(model, recorded + i, BATCH, &at_ns, shape->step_ns);
        if (done >= warm_up)
            seconds += now_s() - begin_s;
        else
            warm_up = warm_up > done + RECORDED ? warm_up : done + RECORDED;
        done += RECORDED;
    }
    double counted = (double)(done - warm_up);
    double begin_s = now_s();
    if (model_settle(model) < 0)
        exit(1);
    printf("%-14s %6.0f M events %7.2f s %7.1f M/s   %7zu cells %8zu rows   settle %.3f s\n",
           shape->name, counted / 1e6, seconds, counted / 1e6 / seconds, model->cells.n,
           model->rows.n, now_s() - begin_s);
    double store_s;
    uint64_t bytes = store_bytes(model, &store_s);
    double wanted = 64.0 * (double)model->nodes.n + 6.0 * (double)model->rows.n;
    printf("%14s %.2f MB written in %.2f s; 64 B a stack and 6 B a row are %.2f MB\n", "",
           (double)bytes / 1e6, store_s, wanted / 1e6);
    model_free_all(model);
    free(stream.addresses);
    free(stream.unused);
    free(recorded);
}

int main(int argc, char **argv)
{
    uint64_t millions = argc > 2 ? strtoull(argv[2], NULL, 10) : 20;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (argc < 2 || strcmp(argv[1], shapes[i].name) == 0 || strcmp(argv[1], "all") == 0)
            shape_run(&shapes[i], millions * 1000000);
    }
    return 0;
}
