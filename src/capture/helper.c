/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of the process (see child.h) puts its descriptors in place and execs; what it is given
 * lies in memory that is shared with it, so that it can say why it could not.
 */
#include "capture/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/child.h"
#include "capture/cpu/x86_64/syscall.h"
#include "capture/door.h"
#include "capture/exec_env.h"
#include "capture/next.h"
#include "capture/process.h"
#include "capture/words.h"

enum {
    HELPER_ENVIRONMENT_MAX = 4096, /* variables that are handed on */
    HELPER_FD_LEAST = 10,
    HELPER_LOOK_NS = 500000,
    HELPER_LOOK_MOST_NS = 10000000,
};

#pragma weak environ

static char **helper_environ(void)
{
    return &environ ? environ : NULL;
}

static bool helper_may_run(const char *path)
{
    return syscall_6(SYS_faccessat, AT_FDCWD, (long)(uintptr_t)path, X_OK, 0, 0, 0) == 0;
}

/* folder, up to n bytes of it, and tail; false: too long, or it is not there. */
static bool helper_try(char *path, const char *folder, size_t n, const char *tail)
{
    size_t tail_n = strlen(tail);
    if (n == 0 || n + tail_n >= HELPER_PATH_MAX)
        return false;
    memcpy(path, folder, n);
    memcpy(path + n, tail, tail_n + 1);
    return helper_may_run(path);
}

/* In the folder that holds the library, or one that belongs to it. */
static bool helper_beside(char *path, const char *file)
{
    static const char *const tails[] = {"/memscope", "/../bin/memscope", "/../../bin/memscope",
                                        "/../cli/memscope"};
    size_t n = 0;
    for (size_t i = 0; file[i]; i++) {
        if (file[i] == '/')
            n = i;
    }
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        if (helper_try(path, file, n, tails[i]))
            return true;
    }
    return false;
}

static bool helper_in_path(char *path, const char *folders)
{
    while (folders && *folders) {
        size_t n = 0;
        while (folders[n] && folders[n] != ':')
            n++;
        if (folders[0] == '/' && helper_try(path, folders, n, "/memscope"))
            return true;
        folders += n + (folders[n] == ':');
    }
    return false;
}

/* The executable that records this process, by its own entry in /proc: the one that fits best. */
static bool helper_of_collector(char *path)
{
    char tail[24] = "/";
    const char *pid = door.variable + sizeof DOOR_VARIABLE - 1;
    size_t n = 0;
    if (!door.variable[0])
        return false;
    while (pid[n] >= '0' && pid[n] <= '9' && n < 10)
        n++;
    memcpy(tail + 1, pid, n);
    memcpy(tail + 1 + n, "/exe", sizeof "/exe");
    return n && helper_try(path, "/proc", sizeof "/proc" - 1, tail);
}

/* A program that gained privileges does not run what its caller's environment names. */
static bool helper_trusts_environment(void)
{
    return syscall_3(SYS_getuid, 0, 0, 0) == syscall_3(SYS_geteuid, 0, 0, 0) &&
           syscall_3(SYS_getgid, 0, 0, 0) == syscall_3(SYS_getegid, 0, 0, 0);
}

int helper_find(char ret_path[HELPER_PATH_MAX])
{
    char own[HELPER_PATH_MAX];
    bool trusts = helper_environ() && helper_trusts_environment();
    const char *named = trusts ? exec_variable(helper_environ(), "MEMSCOPE_EXE=") : NULL;
    if (named && *named)
        return helper_try(ret_path, named, strlen(named), "") ? 0 : HELPER_MISSING;
    const char *library = next_own_path();
    if (!*library) {
        long n = syscall_3(SYS_readlink, (long)(uintptr_t) "/proc/self/exe", (long)(uintptr_t)own,
                           sizeof own - 1);
        own[n < 0 ? 0 : n] = 0;
        library = own;
    }
    const char *installed = MEMSCOPE_EXE_PATH;
    if (helper_of_collector(ret_path) || helper_beside(ret_path, library) ||
        helper_try(ret_path, installed, strlen(installed), "") ||
        (trusts && helper_in_path(ret_path, exec_variable(helper_environ(), "PATH="))))
        return 0;
    return HELPER_MISSING;
}

/* What the child needs, made ready before it is there, in memory that is shared with it. */
struct helper_child {
    char path[HELPER_PATH_MAX];
    const char *const *argv;
    const char *envp[HELPER_ENVIRONMENT_MAX];
    int fds[3];
    volatile long error; /* why it could not exec */
};

/* Everything but what tells the loader, or us, to get into the process. */
static void helper_fill_environment(struct helper_child *child)
{
    static const char *const ours[] = {"LD_", "MEMSCOPE_DOOR=", "MEMSCOPE="};
    size_t to = 0;
    for (char **from = helper_environ(); from && *from && to + 1 < HELPER_ENVIRONMENT_MAX; from++) {
        bool keep = true;
        for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
            keep = keep && !words_start(*from, ours[i]);
        if (keep)
            child->envp[to++] = *from;
    }
    child->envp[to] = NULL;
}

/* Puts the descriptors where they belong and execs. Runs in the copy; returns an errno. */
static long helper_become(struct helper_child *child)
{
    long high[3];
    for (int i = 0; i < 3; i++) {
        long fd = child->fds[i];
        if (fd < 0)
            fd = syscall_6(SYS_openat, AT_FDCWD, (long)(uintptr_t) "/dev/null", O_RDWR, 0, 0, 0);
        high[i] = syscall_3(SYS_fcntl, fd, F_DUPFD, HELPER_FD_LEAST);
        if (high[i] < 0)
            return -high[i];
    }
    for (int i = 0; i < 3; i++)
        syscall_3(SYS_dup2, high[i], i, 0);
    syscall_3(SYS_close_range, 3, ~0u, 0);
    for (int number = 1; number < NSIG; number++) {
        /* The kernel's struct sigaction: handler, flags, restorer, mask; all zero = default. */
        const uint64_t by_default[4] = {0};
        syscall_6(SYS_rt_sigaction, number, (long)(uintptr_t)by_default, 0, CHILD_SIGNAL_BYTES, 0,
                  0);
    }
    const uint64_t none = 0;
    syscall_6(SYS_rt_sigprocmask, SIG_SETMASK, (long)(uintptr_t)&none, 0, CHILD_SIGNAL_BYTES, 0, 0);
    return -syscall_3(SYS_execve, (long)(uintptr_t)child->path, (long)(uintptr_t)child->argv,
                      (long)(uintptr_t)child->envp);
}

/* The child's whole life. */
static void helper_child_run(void *context)
{
    struct helper_child *child = context;
    child->error = helper_become(child);
}

static uint64_t helper_now_ns(void)
{
    struct timespec now = {0};
    syscall_3(SYS_clock_gettime, CLOCK_MONOTONIC, (long)(uintptr_t)&now, 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Waits for the end; past the time it is killed. The status of wait(2), or -1: out of time. */
static int helper_wait(long pid, uint64_t timeout_ms)
{
    uint64_t end = helper_now_ns() + timeout_ms * 1000000u;
    struct timespec pause = {.tv_nsec = HELPER_LOOK_NS};
    bool killed = false;
    int status = 0;
    for (;;) {
        long got = syscall_6(SYS_wait4, pid, (long)(uintptr_t)&status, WNOHANG | __WALL, 0, 0, 0);
        if (got == pid || (got < 0 && got != -EINTR))
            return killed || got < 0 ? -1 : status;
        if (!killed && helper_now_ns() > end) {
            syscall_3(SYS_kill, pid, SIGKILL, 0);
            killed = true;
        }
        syscall_3(SYS_nanosleep, (long)(uintptr_t)&pause, 0, 0);
        if (pause.tv_nsec < HELPER_LOOK_MOST_NS)
            pause.tv_nsec += pause.tv_nsec / 4;
    }
}

/* The first line of what it wrote to standard error, without our own name before it. */
static void helper_read_text(struct helper *helper, int fd)
{
    static const char name[] = "memscope: ";
    long n =
            syscall_6(SYS_pread64, fd, (long)(uintptr_t)helper->text, HELPER_TEXT_MAX - 1, 0, 0, 0);
    n = n < 0 ? 0 : n;
    helper->text[n] = 0;
    for (long i = 0; i < n; i++) {
        if (helper->text[i] == '\n' || !helper->text[i]) {
            helper->text[i] = 0;
            n = i;
        }
    }
    size_t skip = sizeof name - 1;
    if ((size_t)n >= skip && memcmp(helper->text, name, skip) == 0)
        memmove(helper->text, helper->text + skip, (size_t)n - skip + 1);
}

int helper_run(struct helper *helper)
{
    helper->text[0] = 0;
    if (atomic_load(&process.quiet))
        return HELPER_FORBIDDEN;
    long at = syscall_6(SYS_mmap, 0, sizeof(struct helper_child), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at < 0)
        return (int)at;
    struct helper_child *child = (struct helper_child *)at;
    if (helper_find(child->path) != 0) {
        syscall_3(SYS_munmap, at, sizeof *child, 0);
        return HELPER_MISSING;
    }
    long text_fd =
            syscall_3(SYS_memfd_create, (long)(uintptr_t) "memscope", 1 /* close on exec */, 0);
    child->argv = helper->argv;
    child->fds[0] = helper->in_fd;
    child->fds[1] = helper->out_fd;
    child->fds[2] = (int)text_fd;
    helper_fill_environment(child);
    long pid = child_start(helper_child_run, child);
    int status = pid < 0 ? 0 : helper_wait(pid, helper->timeout_ms);
    long error = pid < 0 ? -pid : child->error;
    if (text_fd >= 0) {
        helper_read_text(helper, (int)text_fd);
        syscall_3(SYS_close, text_fd, 0, 0);
    }
    syscall_3(SYS_munmap, at, sizeof *child, 0);
    if (error)
        return -(int)error;
    if (status < 0)
        return HELPER_TIMEOUT;
    return status == 0 ? 0 : HELPER_FAILED;
}
