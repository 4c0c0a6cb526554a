/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model thread's loop. It waits for batches of the drain, for the ends of processes (pidfds)
 * and for the launcher; feeds the model; writes a checkpoint every few seconds; resolves symbols in
 * between. Slow disks slow this thread down, never the drain.
 */
#include "collect/collector.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "collect/allocators.h"
#include "collect/ancestry.h"
#include "collect/checkpoints.h"
#include "collect/drain.h"
#include "collect/exit_status.h"
#include "collect/facts.h"
#include "collect/governor.h"
#include "collect/order.h"
#include "collect/own_limits.h"
#include "collect/priority.h"
#include "collect/recording_place.h"
#include "collect/residents.h"
#include "collect/serve.h"
#include "collect/standstill.h"
#include "collect/symbols.h"
#include "collect/tally.h"
#include "collect/task_names.h"
#include "heap/store.h"
#include "recording/writer.h"

enum {
    COLLECTOR_SLICE_NS = 1000000,
    COLLECTOR_WAIT_MS = 20,
    COLLECTOR_SLOW_SCAN_NS = 200000000,
    COLLECTOR_SYMBOL_WAIT_S = 60,
    COLLECTOR_FIRST_PAGES = 64,
};

struct collector {
    const struct run_request *request;
    const char *reason, *evidence; /* of the strategy */
    struct segment *segment;
    int socket; /* -1: the launcher is gone */
    struct model *model;
    struct intake intake;
    struct images images;
    struct order order;
    struct tally tally;
    struct governor governor;
    struct symbols symbols;
    struct drain *drain;
    struct recording_writer *writer;
    struct store *store;
    struct checkpoints checkpoints;
    struct journal journal;
    struct ticks ticks;
    struct serve serve;
    uint64_t fed, flushed;                /* the watermark, and the highest flush, that were fed */
    uint64_t scanned_at, slow_scanned_at; /* 0: a scan is due */
    uint64_t shared_asked_at;
    pid_t root_pid, root_parent; /* parent 0: anybody */
    int root_pidfd;              /* while nobody else tells how it ends; -1 */
    int report_fd;
    struct standstill standstill; /* of images that are gone, and not read to their end */
    bool cancelled;               /* nothing ran */
    bool asked;                   /* by the root process itself: socket leads to it */
    bool root_ended;
    enum process_end root_end;
    int root_status;
    uint64_t root_rss_bytes; /* its peak, by wait(2); 0: not known */
    uint64_t start_unix_ns;
    uint64_t launcher_cpu_ns; /* before the program went */
    uint64_t end_ns;          /* of the image that ended last */
    bool answered;            /* the launcher has its DONE */
    struct recording_place place;
};

static uint64_t collector_now(const struct collector *collector)
{
    return ticks_to_ns(&collector->ticks, segment_now(collector->segment));
}

static void collector_module(void *context, uint32_t module, const char *path, int fd)
{
    struct collector *collector = context;
    symbols_module(&collector->symbols, module, path, fd);
}

/* What the model thread works with. */
static int collector_init(struct collector *collector, struct diag *diag)
{
    collector->model = model_new();
    if (!collector->model || feed_open(collector->model, COLLECTOR_SLICE_NS) < 0)
        return diag_set(diag, ERR_MEMORY, "no memory for the heap model");
    collector->model->start_unix_ns = collector->start_unix_ns;
    symbols_init(&collector->symbols, collector->model);
    ticks_init(&collector->ticks);
    const struct stacks_sink sink = {.module = collector_module, .context = collector};
    if (images_init(&collector->images, collector->model, collector->segment, &sink,
                    &collector->journal) < 0 ||
        intake_init(&collector->intake) < 0)
        return diag_set(diag, ERR_MEMORY, "no memory for the collector");
    collector->images.redact = collector->request->redact_args;
    collector->images.root_pid = collector->root_pid;
    collector->images.root_parent = collector->root_parent;
    order_init(&collector->order, collector->model, &collector->images, &collector->intake,
               &collector->journal);
    if (tally_init(&collector->tally, &collector->order, &collector->images) < 0)
        return diag_set(diag, ERR_MEMORY, "no memory for the collector");
    if (governor_init(&collector->governor, collector->segment, &collector->images,
                      &collector->tally, collector->request) < 0)
        return diag_set(diag, ERR_MEMORY, "no memory for the collector");
    collector->governor.own.symbols = &collector->symbols;
    own_cost_launcher(&collector->governor.own, collector->launcher_cpu_ns);
    return drain_start(collector->segment, &collector->intake, &collector->drain, diag);
}

static int collector_open_recording(struct collector *collector, struct diag *diag)
{
    const struct run_request *request = collector->request;
    int err = recording_place_open(&collector->place, request, (int)collector->root_pid,
                                   collector->start_unix_ns, &collector->writer, diag);
    if (err < 0)
        return err;
    collector->store = store_new(collector->writer);
    return collector->store ? 0 : diag_set(diag, ERR_MEMORY, "no memory for the recording");
}

/* Up to when the model holds everything; never before its newest slice. */
static uint64_t collector_fed_ns(const struct collector *collector)
{
    const struct model *model = collector->model;
    uint64_t fed_ns = ticks_to_ns(&collector->ticks, collector->order.end_stamp);
    uint64_t slice_ns = model->slices.n ? model->slices.at[model->slices.n - 1].start_ns : 0;
    return fed_ns > slice_ns ? fed_ns : slice_ns;
}

static void collector_checkpoint(struct collector *collector, bool finished,
                                 enum checkpoints_reason reason)
{
    if (!collector->store)
        return;
    struct diag diag = {0};
    uint64_t begin_ns = collector_now(collector);
    collector->model->end_ns = finished ? collector->end_ns : collector_fed_ns(collector);
    char counts[CHECKPOINTS_TEXT_BYTES];
    checkpoints_count(&collector->checkpoints, reason, counts);
    model_fact_set(collector->model, "checkpoints", counts);
    facts_update(collector->model, collector->segment, &collector->order, &collector->images,
                 collector->drain, &collector->ticks);
    governor_facts(&collector->governor, collector->drain, collector->order.event_n);
    serve_note(&collector->serve);
    journal_flush(&collector->journal);
    if (store_checkpoint(collector->store, collector->model, finished, &diag) < 0)
        model_fact_set(collector->model, "recording_error", diag.text);
    checkpoints_note(&collector->checkpoints, collector->model->sums.peak_bytes, begin_ns,
                     collector_now(collector));
}

/* Writes a checkpoint when one is due; in between tells the recording that its recorder lives. */
static void collector_save(struct collector *collector)
{
    uint64_t now = collector_now(collector);
    enum checkpoints_reason reason =
            checkpoints_due(&collector->checkpoints, collector->model->sums.peak_bytes,
                            images_live_pid(&collector->images), now);
    if (reason != CHECKPOINTS_NONE) {
        collector_checkpoint(collector, false, reason);
    } else if (checkpoints_wants_pulse(&collector->checkpoints, now)) {
        (void)recording_pulse(collector->writer, now, NULL);
    }
}

/* The pidfd of a process is readable: it has ended. */
static void collector_image_gone(struct collector *collector, struct image *image)
{
    if (image->gone)
        return;
    own_cost_ended(&collector->governor.own, image->slot);
    image->gone = true;
    images_free_memory(&collector->images, image);
    image->end_ns = collector_now(collector);
    image->end = PROCESS_LOST;
    exit_status_of(image->pid, image->pidfd, &image->end, &image->status);
    drain_process_gone(collector->drain, image->slot);
    image->flush = drain_flush(collector->drain);
}

/* The root process lives, or how it ended is still to be told. */
static bool collector_awaits_root(const struct collector *collector)
{
    return !collector->root_ended && (collector->socket >= 0 || collector->root_pidfd >= 0);
}

/* Ends an image unless a lane of it is still to be read, or how it ended is not known yet. */
static void collector_finish_image(struct collector *collector, struct image *image)
{
    image->complete = true;
    if (image->lane_n)
        return;
    bool is_root = image->pid == collector->root_pid && !image->execed;
    enum process_end end = image->execed                      ? PROCESS_EXECED
                           : is_root && collector->root_ended ? collector->root_end
                                                              : image->end;
    int status = is_root && collector->root_ended ? collector->root_status : image->status;
    if (is_root && collector_awaits_root(collector))
        return; /* somebody will say how it ended */
    collector->end_ns = image->end_ns;
    allocators_name_ended(&collector->images, image);
    residents_end(&collector->images, image,
                  is_root && collector->root_ended ? collector->root_rss_bytes : 0);
    drain_process_reset(collector->drain, image->slot);
    tally_end(&collector->tally, image->slot);
    collector->model->loss.event_n += images_lost(&collector->images, image);
    images_finish(&collector->images, image, end, image->execed ? 0 : status, image->end_ns);
}

/* Ends images whose lanes have all been read; while there are any, the drain hurries. */
static void collector_finish_images(struct collector *collector)
{
    bool finishing = collector->root_ended && !collector->images.live_n;
    for (uint32_t i = 0; i < collector->segment->process_n; i++) {
        struct image *image = &collector->images.at[i];
        if (!image->used || !image->gone)
            continue;
        finishing = true;
        if (collector->flushed >= image->flush)
            collector_finish_image(collector, image);
    }
    drain_hurry(collector->drain, finishing);
}

static void collector_scan(struct collector *collector)
{
    uint64_t now = collector_now(collector);
    if (collector->scanned_at &&
        now - collector->scanned_at < images_scan_pause_ns(&collector->images))
        return;
    collector->scanned_at = now;
    governor_step(&collector->governor, collector->order.event_n, now);
    images_scan(&collector->images);
    for (uint32_t i = 0; i < collector->segment->process_n; i++) {
        struct image *image = &collector->images.at[i];
        bool ended = collector->root_ended && image->pid == collector->root_pid;
        if (image->used && (image->execed || image->dead || ended))
            collector_image_gone(collector, image);
    }
    uint64_t fed_ns = ticks_to_ns(&collector->ticks, collector->order.end_stamp);
    feed_time(collector->model, fed_ns);
    journal_event(&collector->journal,
                  &(struct events_event){.kind = EVENTS_TIME, .at_ns = fed_ns});
    symbols_step(&collector->symbols);
    order_retire(&collector->order, now);
    if (now - collector->slow_scanned_at >= COLLECTOR_SLOW_SCAN_NS) {
        collector->slow_scanned_at = now;
        images_slow_scan(&collector->images);
    }
    residents_look(&collector->images, now);
    collector_save(collector);
}

/* Takes and feeds what the drain has copied. Returns whether there was anything. */
static bool collector_feed(struct collector *collector)
{
    struct intake_batch batch;
    intake_take(&collector->intake, &batch);
    bool any = batch.first || batch.opened_n || batch.closed_n;
    governor_heed(&collector->governor);
    order_take(&collector->order, &batch);
    tally_take(&collector->tally, &batch);
    tally_feed(&collector->tally, batch.watermark);
    if (batch.watermark > collector->fed)
        collector->fed = batch.watermark;
    order_note_closed(&collector->order, &batch);
    order_close(&collector->order);
    if (batch.flush > collector->flushed)
        collector->flushed = batch.flush;
    collector_finish_images(collector);
    intake_batch_done(&batch);
    return any;
}

static void collector_heed(struct collector *collector)
{
    struct collector_message message;
    if (collector_receive(collector->socket, &message) != 0) {
        close(collector->socket);
        collector->socket = -1;
        return;
    }
    if (message.kind == COLLECTOR_CANCEL)
        collector->cancelled = true;
    if (message.kind == COLLECTOR_ENDED) {
        collector->root_ended = true;
        collector->root_end = (enum process_end)message.end;
        collector->root_status = message.status;
        collector->root_rss_bytes = message.rss_peak_bytes;
        collector->scanned_at = 0;
        own_cost_end(&collector->governor.own, (int)collector->root_pid, &message);
    }
}

/* The root process, which has no launcher, has ended. */
static void collector_root_gone(struct collector *collector)
{
    collector->root_end = PROCESS_LOST;
    exit_status_of(collector->root_pid, collector->root_pidfd, &collector->root_end,
                   &collector->root_status);
    collector->root_ended = true;
    collector->scanned_at = 0;
    close(collector->root_pidfd);
    collector->root_pidfd = -1;
}

/* Waits for whatever comes first. */
static void collector_wait(struct collector *collector)
{
    enum { WATCHED_FIXED = 3, WATCHED_MAX = WIRE_PROCESSES_MAX + WATCHED_FIXED };
    static struct pollfd watched[WATCHED_MAX];
    static struct image *watched_image[WATCHED_MAX];
    nfds_t n = 0;
    watched[n++] = (struct pollfd){.fd = collector->intake.event_fd, .events = POLLIN};
    watched[n++] = (struct pollfd){.fd = collector->socket, .events = POLLIN};
    watched[n++] = (struct pollfd){.fd = collector->root_pidfd, .events = POLLIN};
    n += images_watch(&collector->images, watched + n, watched_image + n, WATCHED_MAX - n);
    if (poll(watched, n, COLLECTOR_WAIT_MS) <= 0)
        return;
    uint64_t count;
    if (watched[0].revents && read(collector->intake.event_fd, &count, sizeof count) < 0)
        return;
    if (watched[1].revents)
        collector_heed(collector);
    if (watched[2].revents)
        collector_root_gone(collector);
    for (nfds_t i = WATCHED_FIXED; i < n; i++) {
        if (watched[i].revents)
            collector_image_gone(collector, watched_image[i]);
    }
}

/* Stamps that no clock gives are never fed: the drain, which has no room, ends its round. */
static void collector_force(struct collector *collector)
{
    drain_pause(collector->drain);
    while (collector_feed(collector))
        ;
    drain_resume(collector->drain);
    standstill_over(&collector->standstill);
}

/* Images that have ended are read to their end in a moment, or never by themselves. */
static void collector_unblock(struct collector *collector, bool fed)
{
    if (fed || !images_any_gone(&collector->images) || collector_awaits_root(collector))
        standstill_over(&collector->standstill);
    else if (standstill_look(&collector->standstill, collector_now(collector)))
        collector_force(collector);
}

/* Everything that was committed before now is in the model when this returns. */
static void collector_catch_up(struct collector *collector)
{
    uint64_t wanted = drain_flush(collector->drain);
    struct standstill standstill = {0};
    while (collector->flushed < wanted) {
        if (collector_feed(collector)) {
            standstill_over(&standstill);
        } else if (standstill_look(&standstill, collector_now(collector))) {
            collector_force(collector);
            return;
        } else {
            intake_wait(&collector->intake, COLLECTOR_WAIT_MS);
        }
    }
}

static void collector_answer(struct collector *collector, enum collector_message_kind kind,
                             const char *text)
{
    struct collector_message message = {.kind = kind};
    collector_tell_images(&message, &collector->images);
    snprintf(message.text, sizeof message.text, "%s", text);
    if (collector->socket >= 0)
        collector_send(collector->socket, &message);
}

/* The program has ended and so have all its processes: the recording is made whole. */
static void collector_complete(struct collector *collector)
{
    while (collector_feed(collector))
        ;
    tally_feed(&collector->tally, UINT64_MAX);
    execs_look(&collector->images.execs, &collector->images, true);
    ancestry_look(&collector->images, true);
    if (collector->root_ended)
        execs_root_ended(collector->model, (uint32_t)collector->root_pid, collector->root_end,
                         collector->root_status);
    symbols_finish(&collector->symbols, (uint64_t)COLLECTOR_SYMBOL_WAIT_S * 1000000000u);
    task_names_from_spawn(collector->model);
    collector->model->finished = true;
    collector_checkpoint(collector, true, CHECKPOINTS_NONE);
    if (collector->writer && recording_is_off(collector->writer) && collector->socket < 0)
        return;
    recording_place_settle(&collector->place);
}

/* The program could not be executed. */
static void collector_leave_nothing(struct collector *collector)
{
    recording_close(collector->writer);
    collector->writer = NULL;
    unlink(recording_place_now(&collector->place));
}

/* The command has ended, but processes of it go on: the launcher need not wait for them. */
static void collector_answer_early(struct collector *collector)
{
    if (collector->answered || !collector->root_ended || collector->request->wait)
        return;
    collector_catch_up(collector);
    symbols_step(&collector->symbols);
    collector_checkpoint(collector, false, CHECKPOINTS_TIME);
    collector_answer(collector, COLLECTOR_DONE, recording_place_now(&collector->place));
    collector->answered = true;
    /* Whoever reads the program's standard error need not wait for its daemons. */
    if (collector->report_fd >= 0)
        close(collector->report_fd);
    collector->report_fd = -1;
}

/*
 * True when the session is over: no image lives, and nobody has the segment mapped who might yet
 * become one (a forked child is seen only when it first allocates).
 */
static bool collector_is_over(struct collector *collector)
{
    if (collector->cancelled)
        return true;
    if (collector->serve.stop) {
        collector_catch_up(collector);
        drain_pause(collector->drain);
        collector->end_ns = collector_now(collector);
        return true;
    }
    if (collector_awaits_root(collector))
        return false;
    images_scan(&collector->images);
    uint64_t now = collector_now(collector);
    if (collector->images.live_n) {
        if (!images_has(&collector->images, collector->root_pid) &&
            images_any_runs(&collector->images))
            collector_answer_early(collector);
        return false;
    }
    if (collector->answered && now - collector->shared_asked_at < COLLECTOR_SLOW_SCAN_NS)
        return false;
    if (execs_awaited(&collector->images))
        return false;
    collector->shared_asked_at = now;
    drain_pause(collector->drain);
    if (!segment_is_shared(collector->segment))
        return true;
    drain_resume(collector->drain);
    collector_answer_early(collector);
    return false;
}

/* Without a socket the session cannot be asked or steered; it is recorded all the same. */
static void collector_open_control(struct collector *collector)
{
    const struct serve_session session = {
            .request = collector->request,
            .segment = collector->segment,
            .model = collector->model,
            .images = &collector->images,
            .order = &collector->order,
            .symbols = &collector->symbols,
            .governor = &collector->governor,
            .drain = collector->drain,
            .tally = &collector->tally,
            .ticks = &collector->ticks,
            .root_pid = (uint32_t)collector->root_pid,
    };
    struct diag diag = {0};
    if (serve_init(&collector->serve, &session, collector->intake.event_fd, &diag) < 0)
        model_fact_set(collector->model, "control_error", diag.text);
}

/* Greets the launcher and learns from it what is recorded. */
static int collector_meet(struct collector *collector)
{
    struct collector_message message = {.kind = COLLECTOR_HELLO, .pid = collector_proc_pid()};
    if (collector_send(collector->socket, &message) < 0)
        return ERR_STATE;
    segment_keep(collector->segment);
    segment_offer(collector->segment, COLLECTOR_FIRST_PAGES);
    if (collector_receive(collector->socket, &message) != 0 ||
        (message.kind != COLLECTOR_BEGIN && message.kind != COLLECTOR_BECOME))
        return ERR_STATE;
    collector->root_pid = message.pid;
    collector->launcher_cpu_ns = message.launcher_cpu_ns;
    if (message.kind == COLLECTOR_BECOME)
        collector->root_pidfd = (int)syscall(SYS_pidfd_open, collector->root_pid, 0);
    else
        collector->root_parent = getppid();
    return 0;
}

/* The model and all that feeds it, and what of the session is known by now. */
static int collector_build(struct collector *collector, struct diag *diag)
{
    int err = collector_init(collector, diag);
    if (err < 0)
        return err;
    if (collector->request->detailed)
        collector->journal.writer = collector->writer;
    facts_begin(collector->model, collector->request, collector->segment);
    model_fact_set(collector->model, "reason", collector->reason);
    model_fact_set(collector->model, "evidence", collector->evidence);
    /* A program may ask as soon as it runs. */
    collector_open_control(collector);
    /* Whoever is killed in the first second leaves a recording, too. */
    collector_checkpoint(collector, false, CHECKPOINTS_TIME);
    return 0;
}

/*
 * The launcher's program goes as soon as there is a recording to write to: the rest gets ready
 * while it is loaded. Events that are there before wait in the segment.
 */
static int collector_begin(struct collector *collector, struct diag *diag)
{
    if (!collector->asked && collector_meet(collector) != 0)
        return ERR_STATE;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    collector->start_unix_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    int err = collector_open_recording(collector, diag);
    if (!collector->asked)
        collector_tell_ready(collector->socket, err, diag);
    if (err == 0) {
        err = collector_build(collector, diag);
        if (err < 0)
            collector_leave_nothing(collector);
    }
    if (collector->asked)
        collector_tell_door(collector->socket, collector->segment, err, diag);
    return err;
}

int collector_main(const struct collector_start *start)
{
    struct collector collector = {.request = start->request,
                                  .reason = start->reason,
                                  .evidence = start->evidence,
                                  .segment = start->segment,
                                  .socket = start->socket,
                                  .root_pid = start->asker,
                                  .root_pidfd = -1,
                                  .report_fd = start->report_fd,
                                  .asked = start->asker != 0};
    struct diag diag = {0};
    priority_step_back();
    own_limits_raise();
    if (collector.asked)
        collector.root_pidfd = (int)syscall(SYS_pidfd_open, collector.root_pid, 0);
    if (collector_begin(&collector, &diag) < 0)
        return 125;
    collector.scanned_at = collector_now(&collector);
    while (!collector_is_over(&collector)) {
        bool fed = collector_feed(&collector);
        if (!fed)
            collector_wait(&collector);
        collector_unblock(&collector, fed);
        collector_scan(&collector);
        serve_step(&collector.serve, collector.fed, collector.flushed);
    }
    if (collector.cancelled)
        collector_leave_nothing(&collector);
    else
        collector_complete(&collector);
    if (!collector.answered)
        collector_answer(&collector, COLLECTOR_DONE, collector.place.path);
    serve_done(&collector.serve, collector.place.path);
    if (start->request->on_done && !collector.cancelled)
        start->request->on_done(start->request->on_done_context, collector.place.path,
                                collector.root_pid, collector.report_fd);
    /* What else is held goes with the process, at once: millions of blocks may be among it. */
    symbols_done(&collector.symbols);
    return 0;
}
