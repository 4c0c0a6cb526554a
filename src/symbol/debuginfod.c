/* SPDX-License-Identifier: Apache-2.0 */
/* Asking debuginfod by its own client program, so that no network code is in ours. */
#include "symbol/debuginfod.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"

enum {
    DEBUGINFOD_WAIT_MS = 45000,
    DEBUGINFOD_PATH_BYTES_MAX = 4096,
};

static int debuginfod_spawn(char *const arguments[], int out, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ERR_MEMORY;
    int err = 0;
    if (posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO) != 0 ||
        posix_spawn(ret_pid, arguments[0], &actions, NULL, arguments, environ) != 0)
        err = ERR_MISSING;
    posix_spawn_file_actions_destroy(&actions);
    return err;
}

/* Reads up to the end of file or the time limit. */
static int debuginfod_read(int in, char *bytes, size_t capacity, size_t *ret_n)
{
    size_t n = 0;
    struct pollfd wait = {.fd = in, .events = POLLIN};
    while (n < capacity) {
        int ready = poll(&wait, 1, DEBUGINFOD_WAIT_MS);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return ERR_MISSING;
        ssize_t got = read(in, bytes + n, capacity - n);
        if (got < 0)
            return ERR_IO;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    *ret_n = n;
    return 0;
}

/* Runs the program; answer gets at most capacity bytes of its output. */
static int debuginfod_run(char *const arguments[], char *answer, size_t capacity, size_t *ret_n)
{
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return ERR_IO;
    pid_t pid = -1;
    int err = debuginfod_spawn(arguments, pipe_fds[1], &pid);
    close(pipe_fds[1]);
    if (err == 0) {
        err = debuginfod_read(pipe_fds[0], answer, capacity, ret_n);
        if (err < 0)
            kill(pid, SIGKILL);
        int status = 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (err == 0 && status != 0)
            err = ERR_MISSING;
    }
    close(pipe_fds[0]);
    return err;
}

int debuginfod_find(const struct symbol_options *options, const uint8_t *build_id, size_t n,
                    struct text *path)
{
    char id[2 * SYMBOL_BUILD_ID_BYTES_MAX + 1] = "";
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n && i < SYMBOL_BUILD_ID_BYTES_MAX; i++) {
        id[2 * i] = digits[build_id[i] >> 4];
        id[2 * i + 1] = digits[build_id[i] & 15];
    }
    const char *program =
            options->debuginfod_find ? options->debuginfod_find : "/usr/bin/debuginfod-find";
    char *const arguments[] = {(char *)(uintptr_t)program, (char[]){"debuginfo"}, id, NULL};
    char answer[DEBUGINFOD_PATH_BYTES_MAX];
    size_t answer_n = 0;
    int err = debuginfod_run(arguments, answer, sizeof answer, &answer_n);
    if (err < 0)
        return err;
    while (answer_n && answer[answer_n - 1] == '\n')
        answer_n--;
    if (answer_n == 0 || answer[0] != '/' || memchr(answer, 0, answer_n))
        return ERR_MISSING;
    text_add_n(path, answer, answer_n);
    return path->failed ? ERR_MEMORY : 0;
}
