/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detection by running: the program is started and looked at from outside until it ends or the time
 * is up, then ended with all that it started. It runs without memscope, sees an empty standard
 * input and writes nowhere.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "launch/detect.h"
#include "launch/program.h"
#include "launch/spawn.h"

enum {
    DETECT_RUN_MS = 5000,
    DETECT_RUN_STEP_MS = 2, /* between two looks */
    DETECT_RUN_END_MS = 500 /* to end after SIGTERM */
};

static uint64_t run_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void run_pause(void)
{
    const struct timespec step = {.tv_nsec = DETECT_RUN_STEP_MS * 1000000L};
    nanosleep(&step, NULL);
}

/* Starts the program; negative: it does not run, and nothing is left of it. */
static int run_start(const char *path, char *const *argv, pid_t *ret_child, struct diag *diag)
{
    struct spawn spawn;
    int err = spawn_prepare(SPAWN_APART, path, argv, NULL, &spawn, diag);
    if (err < 0)
        return err;
    int error = spawn_go(&spawn);
    if (error)
        return diag_set_errno(diag, ERR_IO, error, "%s cannot be started", argv[0]);
    *ret_child = spawn.pid;
    return 0;
}

static bool run_ended(pid_t child, bool *ended)
{
    if (!*ended)
        *ended = waitpid(child, NULL, WNOHANG) == child;
    return *ended;
}

/* Looks until it ends or the time is up; true: it ended by itself. */
static bool run_watch(pid_t child, uint64_t until_ms, struct detect_seen *seen)
{
    bool ended = false;
    while (!run_ended(child, &ended) && run_now_ms() < until_ms) {
        detect_look(child, seen);
        run_pause();
    }
    return ended;
}

static void run_end(pid_t child, bool ended)
{
    uint64_t until_ms = run_now_ms() + DETECT_RUN_END_MS;
    kill(-child, SIGTERM);
    while (!run_ended(child, &ended) && run_now_ms() < until_ms)
        run_pause();
    kill(-child, SIGKILL);
    while (!ended && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
}

int detect_run(char *const *argv, const struct detect_options *options, struct detect *ret_detect,
               struct diag *diag)
{
    struct program program;
    struct detect_seen seen = {0};
    int err = program_find(argv[0], &program, diag);
    if (err < 0)
        return err;
    pid_t child = 0;
    err = run_start(program.path, argv, &child, diag);
    if (err < 0)
        return err;
    uint64_t wait_ms = options->timeout_ms ? options->timeout_ms : DETECT_RUN_MS;
    seen.to_its_end = run_watch(child, run_now_ms() + wait_ms, &seen);
    run_end(child, seen.to_its_end);
    return detect_program_seen(argv[0], options, &seen, ret_detect, diag);
}
