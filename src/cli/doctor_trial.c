/* SPDX-License-Identifier: Apache-2.0 */
/* The trial's program and its report come through one pipe; so does what went wrong. */
#include "cli/doctor_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"

enum { TRIAL_WAIT_MS = 20000, TRIAL_OUTPUT_MAX = 1 << 20 };

static int64_t trial_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Starts it with both outputs to fd; -1: it cannot be started. */
static pid_t trial_start(int fd)
{
    char self[] = "/proc/self/exe", *const words[] = {(char[]){"memscope"},
                                                      (char[]){"run"},
                                                      (char[]){"--no-recording"},
                                                      (char[]){"-e"},
                                                      (char[]){"json"},
                                                      (char[]){"-o"},
                                                      (char[]){"-"},
                                                      (char[]){"--"},
                                                      self,
                                                      (char[]){"--version"},
                                                      NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -1;
    if (posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, fd, STDERR_FILENO) != 0 ||
        posix_spawn(&pid, self, &actions, NULL, words, environ) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

/* Reads until the end; false: time is up. */
static bool trial_read(int fd, struct text *output)
{
    int64_t end_ms = trial_now_ms() + TRIAL_WAIT_MS;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    for (int64_t left_ms; (left_ms = end_ms - trial_now_ms()) > 0;) {
        char piece[4096];
        int polled = poll(&ready, 1, (int)left_ms);
        ssize_t n = polled > 0 ? read(fd, piece, sizeof piece) : -1;
        if (polled > 0 && n <= 0)
            return n == 0;
        if (n > 0 && output->n < TRIAL_OUTPUT_MAX)
            text_add_n(output, piece, (size_t)n);
    }
    return false;
}

/* The last that memscope said of itself, but for the line with the process's number. */
static void trial_explain(const char *output, struct text *why)
{
    static const char name[] = "memscope: ", usual[] = "tracking ";
    const char *said = NULL;
    for (const char *line = output; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, sizeof name - 1) == 0 &&
            strncmp(line + sizeof name - 1, usual, sizeof usual - 1) != 0)
            said = line + sizeof name - 1;
    }
    if (said)
        text_add_shown(why, said, strcspn(said, "\n"));
    else
        text_add(why, "nothing was recorded");
}

bool doctor_trial(struct text *why)
{
    static const char total[] = "\"total_allocations\": ";
    int ends[2];
    struct text output = {0};
    if (pipe2(ends, O_CLOEXEC) < 0) {
        struct diag diag = {""};
        diag_set_errno(&diag, ERR_IO, errno, "no pipe");
        text_add(why, diag.text);
        return false;
    }
    pid_t pid = trial_start(ends[1]);
    close(ends[1]);
    bool in_time = pid > 0 && trial_read(ends[0], &output);
    close(ends[0]);
    if (pid > 0 && !in_time)
        kill(pid, SIGKILL);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    const char *found = strstr(text_string(&output), total);
    bool recorded = in_time && found && strtoull(found + sizeof total - 1, NULL, 10) > 0;
    if (pid > 0 && !in_time)
        text_add(why, "it did not end within 20 s");
    else if (!recorded)
        trial_explain(text_string(&output), why);
    text_done(&output);
    return recorded;
}
