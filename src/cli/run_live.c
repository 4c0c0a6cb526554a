/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The viewer is the verb live in a process of its own, so that a slow terminal holds up neither the
 * launcher nor the recorder. It asks as any other client does.
 */
#include "cli/run_live.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUN_LIVE_EXE "/proc/self/exe"

/* In the viewer. Does not return. */
static _Noreturn void run_live_become(pid_t program, double interval_s)
{
    char interval[32], pid[16];
    snprintf(interval, sizeof interval, "%g", interval_s);
    snprintf(pid, sizeof pid, "%d", (int)program);
    /* The program has its first second: it is not in the session yet. */
    struct timespec pause = {.tv_sec = (time_t)interval_s};
    pause.tv_nsec = (long)((interval_s - (double)pause.tv_sec) * 1e9);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)nanosleep(&pause, NULL);
    if (dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
        execl(RUN_LIVE_EXE, "memscope", "live", "--plain", "--interval", interval, pid, NULL);
    _exit(1);
}

pid_t run_live_begin(pid_t program, double interval_s)
{
    pid_t viewer = fork();
    if (viewer == 0)
        run_live_become(program, interval_s);
    return viewer;
}

void run_live_end(pid_t viewer)
{
    if (viewer <= 0)
        return;
    (void)kill(viewer, SIGTERM);
    (void)waitpid(viewer, NULL, 0);
}
