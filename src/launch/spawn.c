/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The target is a child of the launcher, in its process group and on its terminal, exactly as the
 * shell would have started it: signal mask, dispositions, limits and descriptors are as inherited.
 */
#include "launch/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Passed on when somebody sends them to us; from the terminal the program has its own. */
static const int spawn_signals[] = {SIGTERM, SIGHUP,  SIGUSR1, SIGUSR2, SIGINT,
                                    SIGQUIT, SIGCONT, SIGTSTP, SIGWINCH};

enum { SPAWN_SIGNALS_N = sizeof spawn_signals / sizeof *spawn_signals, SPAWN_FD_LEAST = 1000 };

static volatile sig_atomic_t spawn_target;

/* The user's own preloads keep their place in the environment, behind ours. NULL: no memory. */
static char *spawn_preload(const char *library, const char *users)
{
    char *variable;
    if (asprintf(&variable, "LD_PRELOAD=%s%s%s", library, users ? ":" : "", users ? users : "") < 0)
        return NULL;
    return variable;
}

char **spawn_environment(const char *library, const char *door)
{
    size_t n = 0;
    while (environ[n])
        n++;
    char **copy = calloc(n + 3, sizeof *copy);
    size_t to = 0;
    bool preloaded = false;
    for (size_t i = 0; copy && i < n; i++) {
        if (strncmp(environ[i], "MEMSCOPE_DOOR=", 14) == 0)
            continue;
        bool is_preload = !preloaded && strncmp(environ[i], "LD_PRELOAD=", 11) == 0;
        copy[to] = is_preload ? spawn_preload(library, environ[i] + 11) : strdup(environ[i]);
        preloaded = preloaded || is_preload;
        if (!copy[to++])
            break;
    }
    if (!copy)
        return NULL;
    if (!preloaded)
        copy[to++] = spawn_preload(library, NULL);
    if (asprintf(&copy[to], "MEMSCOPE_DOOR=%s", door) < 0)
        copy[to] = NULL;
    return copy;
}

void spawn_environment_free(char **environment)
{
    for (char **at = environment; at && *at; at++)
        free(*at);
    free(environment);
}

/* Pipes of ours sit above what programs count from, in the moment between fork and exec. */
static int spawn_pipe(int fds[2])
{
    int low[2];
    if (pipe2(low, O_CLOEXEC) < 0)
        return ERR_IO;
    for (int i = 0; i < 2; i++) {
        fds[i] = fcntl(low[i], F_DUPFD_CLOEXEC, SPAWN_FD_LEAST);
        if (fds[i] < 0)
            fds[i] = low[i];
        else
            close(low[i]);
    }
    return 0;
}

void spawn_execute(const char *path, char *const *argv, char *const *envp)
{
    execve(path, argv, envp ? envp : environ);
    int error = errno;
    if (error == ENOEXEC) {
        /* As shells do: a file without a known format is a script. */
        size_t n = 0;
        while (argv[n])
            n++;
        char **script = calloc(n + 2, sizeof *script);
        if (script) {
            script[0] = (char[]){"/bin/sh"};
            script[1] = (char *)(uintptr_t)path;
            memcpy(script + 2, argv + 1, n * sizeof *script);
            execve("/bin/sh", script, envp ? envp : environ);
        }
    }
    errno = error;
}

/* A group of its own, so that everything of it can be ended. */
static void spawn_set_apart(void)
{
    int nowhere = open("/dev/null", O_RDWR);
    setpgid(0, 0);
    for (int fd = 0; nowhere >= 0 && fd <= STDERR_FILENO; fd++)
        dup2(nowhere, fd);
    if (nowhere > STDERR_FILENO)
        close(nowhere);
}

static void spawn_child(enum spawn_place place, const char *path, char *const *argv,
                        char *const *envp, int go_fd, int error_fd)
{
    char go;
    if (read(go_fd, &go, 1) != 1)
        _exit(125);
    if (place == SPAWN_HERE) {
        spawn_execute(path, argv, envp);
    } else {
        spawn_set_apart();
        execve(path, argv, envp ? envp : environ);
    }
    int error = errno;
    ssize_t written = write(error_fd, &error, sizeof error);
    _exit(written < 0 ? 126 : 127);
}

int spawn_prepare(enum spawn_place place, const char *path, char *const *argv, char *const *envp,
                  struct spawn *ret_spawn, struct diag *diag)
{
    int go[2], error[2];
    if (spawn_pipe(go) < 0 || spawn_pipe(error) < 0)
        return diag_set_errno(diag, ERR_IO, errno, "cannot make a pipe");
    pid_t pid = fork();
    if (pid < 0)
        return diag_set_errno(diag, ERR_IO, errno, "cannot start a process");
    if (pid == 0) {
        close(go[1]);
        close(error[0]);
        spawn_child(place, path, argv, envp, go[0], error[1]);
    }
    close(go[0]);
    close(error[1]);
    *ret_spawn = (struct spawn){.pid = pid, .go_fd = go[1], .error_fd = error[0]};
    return 0;
}

int spawn_go(struct spawn *spawn)
{
    int error = 0;
    ssize_t written = write(spawn->go_fd, "g", 1);
    close(spawn->go_fd);
    spawn->go_fd = -1;
    ssize_t n;
    do
        n = read(spawn->error_fd, &error, sizeof error);
    while (n < 0 && errno == EINTR);
    close(spawn->error_fd);
    spawn->error_fd = -1;
    if (written == 1 && n != (ssize_t)sizeof error)
        return 0;
    waitpid(spawn->pid, NULL, 0);
    return error ? error : EPIPE;
}

void spawn_cancel(struct spawn *spawn)
{
    close(spawn->go_fd);
    close(spawn->error_fd);
    waitpid(spawn->pid, NULL, 0);
}

static void spawn_forward(int number, siginfo_t *info, void *context)
{
    int error = errno;
    if (info->si_code != SI_KERNEL)
        kill((pid_t)spawn_target, number);
    errno = error;
}

/* Processor time of a child; also when it has ended, until it is waited for. */
static uint64_t spawn_cpu_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return 0;
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* Waits for the end; stops and goes on with the child, so that the shell's job control holds. */
static int spawn_wait_end(pid_t pid, struct spawn_usage *ret_usage)
{
    int status = 0;
    struct rusage used = {0};
    siginfo_t ended;
    for (;;) {
        if (waitid(P_PID, (id_t)pid, &ended, WEXITED | WSTOPPED | WNOWAIT) == 0)
            ret_usage->cpu_ns = spawn_cpu_ns(pid);
        if (wait4(pid, &status, WUNTRACED, &used) < 0) {
            if (errno == EINTR)
                continue;
            return 0;
        }
        if (!WIFSTOPPED(status)) {
            ret_usage->fault_n = (uint64_t)(used.ru_minflt + used.ru_majflt);
            ret_usage->switch_n = (uint64_t)(used.ru_nvcsw + used.ru_nivcsw);
            return status;
        }
        raise(SIGSTOP);
        kill(pid, SIGCONT);
    }
}

static struct sigaction spawn_before[SPAWN_SIGNALS_N];

void spawn_forward_signals(const struct spawn *spawn)
{
    struct sigaction forward = {.sa_sigaction = spawn_forward, .sa_flags = SA_RESTART | SA_SIGINFO};
    spawn_target = spawn->pid;
    for (int i = 0; i < SPAWN_SIGNALS_N; i++)
        sigaction(spawn_signals[i], &forward, &spawn_before[i]);
}

int spawn_wait(const struct spawn *spawn, struct spawn_usage *ret_usage)
{
    *ret_usage = (struct spawn_usage){0};
    int status = spawn_wait_end(spawn->pid, ret_usage);
    for (int i = 0; i < SPAWN_SIGNALS_N; i++)
        sigaction(spawn_signals[i], &spawn_before[i], NULL);
    return status;
}
