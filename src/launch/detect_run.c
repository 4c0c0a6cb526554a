/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detection by running: the program is started and looked at from outside until it ends or the time
 * is up, then ended with all that it started. It runs without memscope, sees an empty standard
 * input and writes nowhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launch/detect.h"
#include "launch/program.h"

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

/*
 * In the child: a group of its own, so that everything of it can be ended. Where the program cannot
 * be executed, `told` hears the error; otherwise it is closed.
 */
static _Noreturn void run_child(const char *path, char *const *argv, int told)
{
    int nowhere = open("/dev/null", O_RDWR);
    setpgid(0, 0);
    for (int fd = 0; nowhere >= 0 && fd <= STDERR_FILENO; fd++)
        dup2(nowhere, fd);
    if (nowhere > STDERR_FILENO)
        close(nowhere);
    execv(path, argv);
    int err = errno;
    _exit(write(told, &err, sizeof err) == sizeof err ? 127 : 126);
}

/* Waits until the child is the program: what it was before must not be looked at. */
static int run_executed(int told)
{
    int err = 0;
    ssize_t n;
    while ((n = read(told, &err, sizeof err)) < 0 && errno == EINTR)
        ;
    return n == sizeof err ? err : 0;
}

/* Starts the program; negative: it does not run, and nothing is left of it. */
static int run_start(const char *path, char *const *argv, pid_t *ret_child, struct diag *diag)
{
    int told[2];
    if (pipe2(told, O_CLOEXEC) < 0)
        return diag_set_errno(diag, ERR_IO, errno, "%s cannot be started", argv[0]);
    pid_t child = fork();
    if (child == 0)
        run_child(path, argv, told[1]);
    int err = child < 0 ? errno : 0;
    close(told[1]);
    if (child > 0) {
        setpgid(child, child);
        err = run_executed(told[0]);
    }
    close(told[0]);
    if (child > 0 && err)
        waitpid(child, NULL, 0);
    if (err)
        return diag_set_errno(diag, ERR_IO, err, "%s cannot be started", argv[0]);
    *ret_child = child;
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
