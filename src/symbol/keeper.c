/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: a process that stays small, so that forking a helper is cheap at any time.
 *
 * It is forked before the collector has grown. It also keeps the helper's pid from being reused:
 * the helper is its child and is reaped only when the client asks to stop it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "symbol/protocol.h"
#include "symbol/worker.h"

enum {
    KEEPER_SOCKET = 3, /* the only descriptor beyond the standard ones that a child keeps */
    KEEPER_FDS_MAX = 65536,
    KEEPER_REAP_MS = 200,
};

/* Leaves a forked child with `socket` as descriptor 3 and nothing of its parent's. */
static void keeper_detach(int socket, bool keep_stderr)
{
    dup2(socket, KEEPER_SOCKET);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        if (!keep_stderr)
            dup2(null, STDERR_FILENO);
    }
    if (close_range(KEEPER_SOCKET + 1, ~0U, 0) != 0) {
        for (int fd = KEEPER_SOCKET + 1; fd < KEEPER_FDS_MAX; fd++)
            close(fd);
    }
    fcntl(KEEPER_SOCKET, F_SETFD, FD_CLOEXEC);
}

/* Signals as a fresh program has them; those of the terminal are not ours. */
static void keeper_reset_signals(void)
{
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void keeper_helper_stop(pid_t *helper, struct keeper_answer *answer)
{
    if (*helper <= 0)
        return;
    kill(*helper, SIGKILL);
    answer->had_helper = 1;
    while (waitpid(*helper, &answer->status, 0) < 0 && errno == EINTR)
        ;
    *helper = 0;
}

/* Forks a helper; *ret_fd is the client's end of its socket, -1 on failure. */
static void keeper_helper_start(const struct worker_setup *setup, bool idle, pid_t *helper,
                                struct keeper_answer *answer, int *ret_fd)
{
    int ends[2];
    *ret_fd = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        answer->err = errno;
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        keeper_detach(ends[1], setup->limits.sanitizer);
        worker_run(setup, KEEPER_SOCKET, idle);
    }
    close(ends[1]);
    if (pid < 0) {
        answer->err = errno;
        close(ends[0]);
        return;
    }
    *helper = pid;
    answer->pid = pid;
    *ret_fd = ends[0];
}

/* At the end: reaps the helper if it dies soon, leaves one that the kernel holds to init. */
static void keeper_helper_abandon(pid_t helper)
{
    if (helper <= 0)
        return;
    kill(helper, SIGKILL);
    struct timespec pause = {.tv_nsec = 1000000};
    for (int i = 0; i < KEEPER_REAP_MS && waitpid(helper, NULL, WNOHANG) == 0; i++)
        nanosleep(&pause, NULL);
}

static _Noreturn void keeper_run(const struct worker_setup *setup, int socket)
{
    pid_t helper = 0;
    struct keeper_command command;
    int fd;
    while (protocol_receive(socket, &command, sizeof command, 0, &fd) == sizeof command) {
        struct keeper_answer answer = {0};
        int helper_fd = -1;
        keeper_helper_stop(&helper, &answer);
        if (command.kind == KEEPER_START)
            keeper_helper_start(setup, command.idle, &helper, &answer, &helper_fd);
        int sent = protocol_send(socket, &answer, sizeof answer, helper_fd);
        if (helper_fd >= 0)
            close(helper_fd);
        if (sent != 0)
            break;
    }
    keeper_helper_abandon(helper);
    _exit(0);
}

int keeper_start(const struct worker_setup *setup, pid_t *ret_pid, int *ret_socket,
                 struct diag *diag)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return diag_set_errno(diag, ERR_IO, errno, "no socket for the symbol helper");
    pid_t pid = fork();
    if (pid == 0) {
        keeper_reset_signals();
        keeper_detach(ends[1], setup->limits.sanitizer);
        keeper_run(setup, KEEPER_SOCKET);
    }
    int cause = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return diag_set_errno(diag, ERR_IO, cause, "the symbol helper could not be started");
    }
    *ret_pid = pid;
    *ret_socket = ends[0];
    return 0;
}
