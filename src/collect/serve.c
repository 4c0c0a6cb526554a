/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Most answers are given at once. Those that promise to hold everything up to a moment wait until
 * the model was fed up to it, or some seconds: a stopped thread with an open record must not keep a
 * client for ever.
 */
#include "collect/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/facts.h"
#include "collect/governor.h"
#include "collect/resident.h"
#include "collect/snapshot.h"

enum { SERVE_MARKS_MAX = 4096, SERVE_MARK_BYTES = 512 };

static const uint64_t serve_wait_ns = 5000000000u;

static uint64_t serve_now_ns(const struct serve *serve)
{
    return ticks_to_ns(serve->session.ticks, segment_now(serve->session.segment));
}

/* Resident bytes of a process; 0: not to be had. */
static uint64_t serve_resident(int pid)
{
    char path[64];
    uint64_t bytes;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    return resident_read_now(path, &bytes) ? bytes : 0;
}

static bool serve_lives(const struct image *image)
{
    return image->used && !image->gone && !image->dead && !image->execed;
}

/* The image of a live process of the session, or NULL. */
static const struct image *serve_image(const struct serve *serve, uint32_t pid)
{
    const struct images *images = serve->session.images;
    for (uint32_t i = 0; i < serve->session.segment->process_n; i++) {
        if (serve_lives(&images->at[i]) && (uint32_t)images->at[i].pid == pid)
            return &images->at[i];
    }
    return NULL;
}

static uint32_t serve_state(const struct serve *serve)
{
    uint32_t recording = atomic_load(&serve->session.segment->at->recording);
    return recording == WIRE_PAUSED ? CONTROL_PAUSED
           : recording == WIRE_ON   ? CONTROL_RECORDING
                                    : CONTROL_OFF;
}

/* counts: the program's own, exact while its allocations are sampled; NULL: they are not. */
static void serve_status_sums(struct control_status *status, const struct model_sums *sums,
                              const struct model_counts *counts)
{
    status->alloc_n = sums->alloc_n;
    status->alloc_bytes = sums->alloc_bytes;
    status->free_n = sums->free_n;
    status->free_bytes = sums->free_bytes;
    status->live_n = sums->live_n;
    status->live_bytes = sums->live_bytes;
    status->peak_n = sums->peak_n;
    status->peak_bytes = sums->peak_bytes;
    status->peak_at_ns = sums->peak_at_ns;
    status->realloc_n = sums->realloc_n;
    status->temporary_n = sums->temporary_n;
    status->unknown_free_n = sums->unknown_free_n;
    if (!counts)
        return;
    status->alloc_n = counts->alloc_n;
    status->alloc_bytes = counts->alloc_bytes;
    status->free_n = counts->free_n;
    status->realloc_n = counts->realloc_n;
}

static void serve_status_fill(const struct serve *serve, struct control_status *status)
{
    const struct serve_session *session = &serve->session;
    const struct model *model = session->model;
    memset(status, 0, sizeof *status);
    snprintf(status->session, sizeof status->session, "%s", control_name(serve->control));
    snprintf(status->program, sizeof status->program, "%s", session->request->program);
    status->state = serve_state(serve);
    status->root_pid = session->root_pid;
    status->collector_pid = (uint32_t)getpid();
    status->start_unix_ns = model->start_unix_ns;
    status->now_ns = serve_now_ns(serve);
    status->stamp = serve->fed;
    status->event_n = session->order->event_n;
    status->lost_n = model->loss.event_n;
    uint32_t weight = wire_rate_weight(atomic_load(&session->segment->at->rate));
    status->rate = weight ? CONTROL_RATE_ONE / weight : 0;
    serve_status_sums(status, &model->sums, model->sampled ? &model->counts : NULL);
    for (uint32_t i = 0; i < session->segment->process_n; i++) {
        const struct image *image = &session->images->at[i];
        if (!serve_lives(image))
            continue;
        status->process_n++;
        status->rss_bytes += serve_resident(image->pid);
    }
    VEC_EACH (struct model_thread, thread, &model->threads)
        status->thread_n += thread->end_ns == 0 && model->processes.at[thread->process].end_ns == 0;
    for (size_t i = 1; i < model->tasks.n; i++)
        status->task_n += model->tasks.at[i].group != i && model->tasks.at[i].ended_ns == 0 &&
                          model->processes.at[model->tasks.at[i].process].end_ns == 0;
}

static void serve_status(const struct serve *serve, const struct control_job *job, uint64_t value)
{
    struct control_status status;
    const struct image *image = job->request.pid ? serve_image(serve, job->request.pid) : NULL;
    if (job->request.pid && !image) {
        control_refuse(serve->control, job, CONTROL_E_PROCESS, "this session does not record it");
        return;
    }
    serve_status_fill(serve, &status);
    const struct model *model = serve->session.model;
    if (image) {
        const struct model_process *process = &model->processes.at[image->process];
        serve_status_sums(&status, &process->sums, model->sampled ? &process->counts : NULL);
    }
    const struct control_reply reply = {.value = value};
    control_answer(serve->control, job, &reply, &status, sizeof status, -1);
}

static void serve_process_fill(const struct serve *serve, const struct image *image,
                               struct control_process *ret_process)
{
    const struct model *model = serve->session.model;
    const struct model_process *process = &model->processes.at[image->process];
    const struct model_sums *sums = &process->sums;
    const char *exe = model_string_at(model, process->exe);
    const char *slash = strrchr(exe, '/');
    memset(ret_process, 0, sizeof *ret_process);
    ret_process->pid = (uint32_t)image->pid;
    ret_process->parent_pid =
            process->parent == MODEL_NONE ? 0 : model->processes.at[process->parent].pid;
    ret_process->start_ns = process->start_ns;
    ret_process->live_n = sums->live_n;
    ret_process->live_bytes = sums->live_bytes;
    ret_process->peak_bytes = sums->peak_bytes;
    ret_process->alloc_n = sums->alloc_n;
    ret_process->free_n = sums->free_n;
    ret_process->rss_bytes = serve_resident(image->pid);
    snprintf(ret_process->program, sizeof ret_process->program, "%s", slash ? slash + 1 : exe);
}

static void serve_processes(const struct serve *serve, const struct control_job *job)
{
    enum { MOST = CONTROL_BODY_MAX / sizeof(struct control_process) };
    struct control_process *processes = calloc(MOST, sizeof *processes);
    struct control_reply reply = {.value = 0};
    size_t n = 0;
    for (uint32_t i = 0; processes && i < serve->session.segment->process_n; i++) {
        const struct image *image = &serve->session.images->at[i];
        if (!serve_lives(image))
            continue;
        reply.value++;
        if (n < MOST)
            serve_process_fill(serve, image, &processes[n++]);
    }
    if (processes)
        control_answer(serve->control, job, &reply, processes, n * sizeof *processes, -1);
    else
        control_refuse(serve->control, job, CONTROL_E_FAILED, "no memory in the recorder");
    free(processes);
}

/* A mark of the session, now. */
static bool serve_mark(struct serve *serve, const char *kind, const char *text)
{
    struct model *model = serve->session.model;
    struct model_mark mark = {
            .at_ns = serve_now_ns(serve),
            .kind = model_string_add(model, kind, strlen(kind)),
            .text = model_string_add(model, text, strlen(text)),
    };
    return mark.kind != MODEL_NONE && mark.text != MODEL_NONE &&
           VEC_PUSH(&model->marks, SERVE_MARKS_MAX, mark);
}

static void serve_done_job(const struct serve *serve, const struct control_job *job)
{
    const struct control_reply reply = {.value = 0};
    control_answer(serve->control, job, &reply, NULL, 0, -1);
}

/* Sums up for how long recording was paused, for whoever reads the figures. */
static void serve_note_pause(struct serve *serve, bool pauses)
{
    uint64_t now_ns = serve_now_ns(serve);
    if (!pauses)
        serve->paused_ns += now_ns - serve->paused_at_ns;
    serve->paused_at_ns = pauses ? now_ns : 0;
}

/* Before figures are given away or written. */
static void serve_tell_pause(const struct serve *serve)
{
    char text[32];
    uint64_t ns = serve->paused_ns;
    if (serve->paused_at_ns)
        ns += serve_now_ns(serve) - serve->paused_at_ns;
    if (!ns)
        return;
    snprintf(text, sizeof text, "%llu", (unsigned long long)ns);
    model_fact_set(serve->session.model, "paused_ns", text);
}

/* Switches between recording and paused; doing it twice does no harm. */
static void serve_switch(struct serve *serve, const struct control_job *job, uint32_t from,
                         uint32_t to, const char *mark)
{
    _Atomic uint32_t *recording = &serve->session.segment->at->recording;
    uint32_t was = atomic_load(recording);
    /* A recording that is off for want of our heartbeat counts as on. */
    bool other = was == from || (was == WIRE_OFF && from == WIRE_ON);
    if (was == WIRE_ENDED) {
        control_refuse(serve->control, job, CONTROL_E_ENDED, "the recording has ended");
        return;
    }
    if (other && atomic_compare_exchange_strong(recording, &was, to)) {
        serve_mark(serve, mark, "");
        serve_note_pause(serve, to == WIRE_PAUSED);
    }
    serve_done_job(serve, job);
}

static void serve_mark_job(struct serve *serve, const struct control_job *job)
{
    if (job->request.text_bytes == 0 || job->request.text_bytes > SERVE_MARK_BYTES)
        control_refuse(serve->control, job, CONTROL_E_BAD, "a mark has 1 to 512 bytes");
    else if (!serve_mark(serve, "mark", job->text))
        control_refuse(serve->control, job, CONTROL_E_FAILED, "there are too many marks");
    else
        serve_done_job(serve, job);
}

static void serve_rate(struct serve *serve, const struct control_job *job)
{
    struct wire_segment *at = serve->session.segment->at;
    if (job->request.value == 0 || job->request.value > CONTROL_RATE_ONE) {
        control_refuse(serve->control, job, CONTROL_E_BAD, "a rate is above 0 and at most 1");
        return;
    }
    double share = (double)job->request.value / (double)CONTROL_RATE_ONE;
    atomic_store(&at->wanted_weight, wire_weight_of_share(share));
    serve_done_job(serve, job);
}

static void serve_snapshot(const struct serve *serve, const struct control_job *job, uint64_t value)
{
    struct serve_session session = serve->session;
    struct diag diag = {0};
    uint64_t bytes = 0;
    int fd = -1;
    session.model->end_ns = serve_now_ns(serve);
    serve_tell_pause(serve);
    facts_update(session.model, session.segment, session.order, session.images, session.drain,
                 session.ticks);
    governor_facts(session.governor, session.drain, session.order->event_n);
    int err = job->request.kind == CONTROL_TOP
                      ? snapshot_top(session.model, (size_t)job->request.value, &fd, &bytes, &diag)
                      : snapshot_whole(session.model, &fd, &bytes, &diag);
    if (err < 0) {
        control_refuse(serve->control, job, CONTROL_E_FAILED, diag.text);
        return;
    }
    const struct control_reply reply = {.value = value, .fd_bytes = bytes};
    control_answer(serve->control, job, &reply, NULL, 0, fd);
}

/* Gives the answer of a job that waited, or need not. */
static void serve_give(const struct serve *serve, const struct control_job *job, uint64_t value)
{
    if (job->request.kind == CONTROL_COLLECT)
        serve_status(serve, job, value);
    else
        serve_snapshot(serve, job, value);
}

/* Puts a job aside until everything up to its stamp is in the model. */
static void serve_wait(struct serve *serve, const struct control_job *job)
{
    uint64_t now = segment_now(serve->session.segment);
    struct serve_job *waiting = NULL;
    size_t place = 0;
    while (place < SERVE_JOBS_MAX && serve->waiting[place])
        place++;
    if (place < SERVE_JOBS_MAX)
        waiting = malloc(sizeof *waiting);
    if (!waiting) {
        control_refuse(serve->control, job, CONTROL_E_BUSY, "too many requests: try again");
        return;
    }
    /* A stamp that lies in the future is no more than a wish. */
    uint64_t stamp = job->request.stamp && job->request.stamp < now ? job->request.stamp : now;
    *waiting = (struct serve_job){.job = *job,
                                  .stamp = stamp,
                                  .deadline =
                                          now + ticks_from_ns(serve->session.ticks, serve_wait_ns)};
    waiting->flush = drain_flush(serve->session.drain);
    serve->waiting[place] = waiting;
}

static void serve_stop(struct serve *serve, const struct control_job *job)
{
    serve_wait(serve, job);
    if (serve->stop)
        return;
    serve->stop = true;
    atomic_store(&serve->session.segment->at->recording, WIRE_ENDED);
    serve_mark(serve, "stop", "");
}

static void serve_job(struct serve *serve, const struct control_job *job)
{
    switch (job->request.kind) {
    case CONTROL_STATUS:
        serve_status(serve, job, 0);
        return;
    case CONTROL_PROCESSES:
        serve_processes(serve, job);
        return;
    case CONTROL_TOP:
        if (job->request.value == 0 || job->request.value > CONTROL_TOP_MAX)
            control_refuse(serve->control, job, CONTROL_E_BAD, "1 to 1000 sites can be asked for");
        else
            serve_snapshot(serve, job, 0);
        return;
    case CONTROL_SNAPSHOT:
    case CONTROL_COLLECT:
        serve_wait(serve, job);
        return;
    case CONTROL_PAUSE:
        serve_switch(serve, job, WIRE_ON, WIRE_PAUSED, "pause");
        return;
    case CONTROL_RESUME:
        serve_switch(serve, job, WIRE_PAUSED, WIRE_ON, "resume");
        return;
    case CONTROL_STOP:
        serve_stop(serve, job);
        return;
    case CONTROL_MARK:
        serve_mark_job(serve, job);
        return;
    case CONTROL_RATE:
        serve_rate(serve, job);
        return;
    default:
        control_refuse(serve->control, job, CONTROL_E_UNKNOWN,
                       "the recorder does not know this request");
    }
}

/* Its first byte last: whoever sees that sees all. */
static void serve_tell_path(const struct segment *segment, const char *path)
{
    char *to = segment->at->control;
    memcpy(to + 1, path + 1, strlen(path));
    __atomic_store_n(to, *path, __ATOMIC_RELEASE);
}

int serve_init(struct serve *ret_serve, const struct serve_session *session, int event_fd,
               struct diag *diag)
{
    char name[CONTROL_NAME_MAX];
    *ret_serve = (struct serve){.session = *session};
    snprintf(name, sizeof name, "session_%llu",
             (unsigned long long)(session->model->start_unix_ns / 1000000u));
    int err = control_start(name, event_fd, &ret_serve->control, diag);
    if (err < 0) {
        serve_tell_path(session->segment, WIRE_CONTROL_NONE);
        return err;
    }
    const char *path = control_path(ret_serve->control);
    serve_tell_path(session->segment, strlen(path) < WIRE_CONTROL_PATH ? path : WIRE_CONTROL_NONE);
    return 0;
}

/* Events as well as counts: these are read at a flush, and fed when the watermark has passed them.
 */
static bool serve_is_due(const struct serve *serve, const struct serve_job *waiting,
                         uint64_t flushed)
{
    return serve->fed >= waiting->stamp && flushed >= waiting->flush &&
           tally_is_fed(serve->session.tally, waiting->stamp);
}

void serve_step(struct serve *serve, uint64_t fed, uint64_t flushed)
{
    if (!serve->control)
        return;
    if (fed > serve->fed)
        serve->fed = fed;
    struct control_job job;
    while (control_take(serve->control, &job))
        serve_job(serve, &job);
    uint64_t now = segment_now(serve->session.segment);
    for (size_t i = 0; i < SERVE_JOBS_MAX; i++) {
        struct serve_job *waiting = serve->waiting[i];
        if (!waiting || waiting->job.request.kind == CONTROL_STOP ||
            (!serve_is_due(serve, waiting, flushed) && now < waiting->deadline))
            continue;
        serve_give(serve, &waiting->job, serve->fed < waiting->stamp ? CONTROL_PARTIAL : 0);
        free(waiting);
        serve->waiting[i] = NULL;
    }
}

void serve_note(const struct serve *serve)
{
    if (serve->control)
        serve_tell_pause(serve);
}

void serve_done(struct serve *serve, const char *recording_path)
{
    if (!serve->control)
        return;
    for (size_t i = 0; i < SERVE_JOBS_MAX; i++) {
        struct serve_job *waiting = serve->waiting[i];
        if (!waiting)
            continue;
        const struct control_reply reply = {.value = 0};
        if (waiting->job.request.kind == CONTROL_STOP && recording_path)
            control_answer(serve->control, &waiting->job, &reply, recording_path,
                           strlen(recording_path), -1);
        else
            control_refuse(serve->control, &waiting->job, CONTROL_E_ENDED,
                           "the recording has ended");
        free(waiting);
    }
    control_free(serve->control);
    *serve = (struct serve){.control = NULL};
}
