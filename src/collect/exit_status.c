/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exit statuses from /proc/PID/stat and by an ioctl on a pidfd, whose structure and numbers older
 * headers lack.
 */
#include "collect/exit_status.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "base/file.h"

struct exit_info {
    uint64_t mask, cgroup;
    uint32_t pid, tgid, ppid, ids[8];
    int32_t exit_code;
};

#define EXIT_GET_INFO _IOWR(0xff, 11, struct exit_info)

enum {
    EXIT_INFO_EXIT = 1 << 3,
    EXIT_STAT_FIELDS = 49, /* between the state and the exit code of /proc/PID/stat */
};

_Static_assert(sizeof(struct exit_info) == 64, "the kernel's first version of it");

static bool exit_from_pidfd(int pidfd, int *ret_status)
{
    struct exit_info info = {.mask = EXIT_INFO_EXIT};
    if (pidfd < 0 || ioctl(pidfd, EXIT_GET_INFO, &info) < 0 || !(info.mask & EXIT_INFO_EXIT))
        return false;
    *ret_status = info.exit_code;
    return true;
}

/* The last field of a zombie's line is its status, for those who may trace it. */
static bool exit_from_proc(int pid, int *ret_status)
{
    char path[64], *text;
    size_t n;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (file_read_all(path, 8192, &text, &n, NULL) < 0)
        return false;
    const char *at = strrchr(text, ')');
    bool is_zombie = at && (at[2] == 'Z' || at[2] == 'X');
    at = is_zombie ? at + 2 : NULL;
    for (int i = 0; at && i < EXIT_STAT_FIELDS; i++) {
        at = strchr(at, ' ');
        at += at != NULL;
    }
    if (at)
        *ret_status = (int)strtol(at, NULL, 10);
    free(text);
    return at != NULL;
}

bool exit_status_of(int pid, int pidfd, enum process_end *ret_end, int *ret_status)
{
    int status;
    if (!exit_from_pidfd(pidfd, &status) && !exit_from_proc(pid, &status))
        return false;
    *ret_end = WIFSIGNALED(status) ? PROCESS_SIGNALED : PROCESS_EXITED;
    *ret_status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    return true;
}
