/* SPDX-License-Identifier: Apache-2.0 */
/* Two looks at every session: totals of the second, rates from what happened in between. */
#include "cli/running.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNNING_TIMEOUT_S = 5, RUNNING_MOMENT_NS = 200000000 };

struct running_session {
    struct control_status status;
    struct control_process *before, *now;
    size_t before_n, now_n;
    uint64_t before_ns; /* when the first look was */
};

const char *running_state_name(uint32_t state)
{
    return state == CONTROL_RECORDING ? "recording" : state == CONTROL_PAUSED ? "paused" : "off";
}

/* The processes of a session, malloc'd; what is no whole record is left out. */
static struct control_process *running_ask(const struct control_session *session, size_t *ret_n)
{
    const struct control_request request = {.kind = CONTROL_PROCESSES};
    struct control_result result;
    struct diag ignored = {""};
    *ret_n = 0;
    if (control_ask(session, &request, NULL, RUNNING_TIMEOUT_S, &result, &ignored) < 0)
        return NULL;
    size_t n = result.reply.body_bytes / sizeof(struct control_process);
    struct control_process *processes = calloc(n ? n : 1, sizeof *processes);
    if (processes && n) {
        memcpy(processes, result.body, n * sizeof *processes);
        *ret_n = n;
    }
    for (size_t i = 0; i < *ret_n; i++)
        processes[i].program[CONTROL_PROGRAM_MAX - 1] = 0;
    control_result_done(&result);
    return processes;
}

static uint64_t running_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static double running_rate(const struct running_session *session,
                           const struct control_process *process, uint64_t now_ns)
{
    double seconds = (double)(now_ns - session->before_ns) / 1e9;
    uint64_t events = process->alloc_n + process->free_n;
    for (size_t i = 0; i < session->before_n; i++) {
        const struct control_process *before = &session->before[i];
        uint64_t then = before->alloc_n + before->free_n;
        if (before->pid == process->pid && before->start_ns == process->start_ns)
            return seconds > 0 && events > then ? (double)(events - then) / seconds : 0;
    }
    return 0;
}

static int running_order(const void *a, const void *b)
{
    const struct running_process *x = a, *y = b;
    uint64_t x_ns = x->status->start_unix_ns + x->process->start_ns;
    uint64_t y_ns = y->status->start_unix_ns + y->process->start_ns;
    if (x_ns != y_ns)
        return x_ns < y_ns ? -1 : 1;
    return x->process->pid < y->process->pid ? -1 : x->process->pid > y->process->pid;
}

static int running_fill(struct running *running, uint64_t now_ns)
{
    size_t n = 0;
    for (size_t i = 0; i < running->session_n; i++)
        n += running->sessions[i].now_n;
    running->rows = calloc(n ? n : 1, sizeof *running->rows);
    if (!running->rows)
        return ERR_MEMORY;
    for (size_t i = 0; i < running->session_n; i++) {
        const struct running_session *session = &running->sessions[i];
        for (size_t p = 0; p < session->now_n; p++)
            running->rows[running->n++] =
                    (struct running_process){&session->now[p], &session->status,
                                             running_rate(session, &session->now[p], now_ns)};
    }
    if (running->n)
        qsort(running->rows, running->n, sizeof *running->rows, running_order);
    return 0;
}

int running_look(struct running *ret_running, struct diag *diag)
{
    struct control_sessions sessions;
    struct running running = {.rows = NULL};
    int err = control_sessions_find(&sessions, diag);
    if (err)
        return err;
    running.sessions = calloc(sessions.n ? sessions.n : 1, sizeof *running.sessions);
    running.session_n = running.sessions ? sessions.n : 0;
    for (size_t i = 0; i < running.session_n; i++) {
        running.sessions[i].status = sessions.at[i].status;
        running.sessions[i].before_ns = running_now_ns();
        running.sessions[i].before = running_ask(&sessions.at[i], &running.sessions[i].before_n);
    }
    const struct timespec moment = {.tv_nsec = RUNNING_MOMENT_NS};
    if (running.session_n)
        nanosleep(&moment, NULL);
    for (size_t i = 0; i < running.session_n; i++)
        running.sessions[i].now = running_ask(&sessions.at[i], &running.sessions[i].now_n);
    control_sessions_done(&sessions);
    if (!running.sessions || running_fill(&running, running_now_ns()) < 0) {
        running_done(&running);
        return diag_set(diag, ERR_MEMORY, "no memory");
    }
    *ret_running = running;
    return 0;
}

void running_done(struct running *running)
{
    for (size_t i = 0; i < running->session_n; i++) {
        free(running->sessions[i].before);
        free(running->sessions[i].now);
    }
    free(running->sessions);
    free(running->rows);
    *running = (struct running){.rows = NULL};
}
