/* SPDX-License-Identifier: Apache-2.0 */
/* A queue under one mutex, which is held for a few pointer moves a page of records. */
#include "collect/intake.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"

int intake_init(struct intake *intake)
{
    *intake = (struct intake){.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (intake->event_fd < 0)
        return ERR_IO;
    pthread_mutex_init(&intake->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&intake->taken, &attributes);
    pthread_condattr_destroy(&attributes);
    return 0;
}

static void intake_free_runs(struct intake_run *run)
{
    while (run) {
        struct intake_run *after = run->next;
        free(run);
        run = after;
    }
}

void intake_batch_done(struct intake_batch *batch)
{
    intake_free_runs(batch->first);
    free(batch->opened);
    free(batch->closed);
    vec_done(&batch->counts);
    *batch = (struct intake_batch){0};
}

void intake_done(struct intake *intake)
{
    intake_batch_done(&intake->waiting);
    intake_free_runs(intake->free_runs);
    pthread_cond_destroy(&intake->taken);
    pthread_mutex_destroy(&intake->lock);
    close(intake->event_fd);
}

struct intake_run *intake_run_get(struct intake *intake, uint32_t most)
{
    pthread_mutex_lock(&intake->lock);
    struct intake_run *run = intake->free_runs;
    bool may_grow = intake->run_n < most;
    if (run) {
        intake->free_runs = run->next;
        intake->free_n--;
    } else if (may_grow) {
        intake->run_n++;
    }
    pthread_mutex_unlock(&intake->lock);
    if (!run && may_grow) {
        run = malloc(sizeof *run);
        if (!run) {
            pthread_mutex_lock(&intake->lock);
            intake->run_n--;
            pthread_mutex_unlock(&intake->lock);
        }
    }
    if (run) {
        run->next = run->previous = NULL;
        run->n = run->at = 0;
    }
    return run;
}

void intake_run_put(struct intake *intake, struct intake_run *first)
{
    enum { KEPT_MOST = 2 * INTAKE_RUNS_BEHIND };
    struct intake_run *surplus = NULL;
    pthread_mutex_lock(&intake->lock);
    while (first) {
        struct intake_run *run = first;
        first = run->next;
        if (intake->free_n < KEPT_MOST) {
            run->next = intake->free_runs;
            intake->free_runs = run;
            intake->free_n++;
        } else {
            run->next = surplus;
            surplus = run;
            intake->run_n--;
        }
    }
    pthread_mutex_unlock(&intake->lock);
    intake_free_runs(surplus);
}

/* Moves news from one list behind another. */
static void intake_append(struct intake_news **to, size_t *to_n, struct intake_news *from,
                          size_t from_n)
{
    if (!from_n)
        return;
    struct intake_news *all = realloc(*to, (*to_n + from_n) * sizeof **to);
    if (all) {
        memcpy(all + *to_n, from, from_n * sizeof *from);
        *to = all;
        *to_n += from_n;
    }
    free(from);
}

void intake_give(struct intake *intake, struct intake_batch *batch, bool now)
{
    pthread_mutex_lock(&intake->lock);
    struct intake_batch *waiting = &intake->waiting;
    if (batch->first) {
        if (waiting->last)
            waiting->last->next = batch->first;
        else
            waiting->first = batch->first;
        waiting->last = batch->last;
    }
    intake_append(&waiting->opened, &waiting->opened_n, batch->opened, batch->opened_n);
    intake_append(&waiting->closed, &waiting->closed_n, batch->closed, batch->closed_n);
    VEC_EACH (struct counts_news, news, &batch->counts) {
        /* Without memory a later look says the same and more. */
        (void)!VEC_PUSH(&waiting->counts, COUNTS_NEWS_MAX, *news);
    }
    vec_done(&batch->counts);
    intake->waiting_n += batch->run_n;
    waiting->watermark = batch->watermark;
    waiting->flush = batch->flush;
    pthread_mutex_unlock(&intake->lock);
    *batch = (struct intake_batch){0};
    if (now)
        intake_wake(intake);
}

bool intake_has_room(struct intake *intake, uint32_t most)
{
    pthread_mutex_lock(&intake->lock);
    bool is_starved = intake->wake && !intake->waiting.first;
    bool has_room = is_starved || intake->run_n - intake->free_n < most;
    pthread_mutex_unlock(&intake->lock);
    return has_room;
}

void intake_wake(struct intake *intake)
{
    pthread_mutex_lock(&intake->lock);
    bool wake = intake->wake;
    intake->wake = false;
    pthread_mutex_unlock(&intake->lock);
    uint64_t one = 1;
    if (wake && write(intake->event_fd, &one, sizeof one) < 0)
        return; /* full: it is readable already */
}

bool intake_is_behind(struct intake *intake)
{
    pthread_mutex_lock(&intake->lock);
    bool behind = intake->waiting_n > INTAKE_RUNS_BEHIND;
    pthread_mutex_unlock(&intake->lock);
    return behind;
}

void intake_await_taken(struct intake *intake, long most_ns)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += most_ns;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    intake_wake(intake);
    pthread_mutex_lock(&intake->lock);
    intake->awaits_take = intake->waiting_n != 0;
    if (intake->awaits_take)
        pthread_cond_timedwait(&intake->taken, &intake->lock, &until);
    intake->awaits_take = false;
    pthread_mutex_unlock(&intake->lock);
}

void intake_take(struct intake *intake, struct intake_batch *ret_batch)
{
    pthread_mutex_lock(&intake->lock);
    *ret_batch = intake->waiting;
    intake->waiting_n = 0;
    intake->waiting =
            (struct intake_batch){.watermark = ret_batch->watermark, .flush = ret_batch->flush};
    intake->wake = !ret_batch->first;
    if (intake->awaits_take)
        pthread_cond_signal(&intake->taken);
    pthread_mutex_unlock(&intake->lock);
}

void intake_wait(struct intake *intake, int most_ms)
{
    struct pollfd event = {.fd = intake->event_fd, .events = POLLIN};
    uint64_t count;
    /* An interrupted read leaves the count for the next wait. */
    if (poll(&event, 1, most_ms) > 0 && read(intake->event_fd, &count, sizeof count) < 0)
        return;
}
