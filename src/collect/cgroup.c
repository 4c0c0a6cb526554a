/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both kinds of hierarchy: version 2 (memory.max, memory.current) and the memory controller of
 * version 1. A limit may stand at any level, so all of them up to the mount are read. Within a
 * container the path may be that of the host, while the mount shows the container's own group: what
 * is not there is passed over, and the mount itself is looked at, too.
 */
#include "collect/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { CGROUP_PATH_MAX = 4096, CGROUP_TEXT_MAX = 64 << 10, CGROUP_NUMBER_MAX = 64 };

/* Version 1 says "none" by the highest number of pages. */
static const uint64_t cgroup_no_limit = UINT64_C(1) << 60;

/* A hierarchy: where it is mounted and what its files are called. */
struct cgroup_kind {
    const char *mount, *usage, *limit;
};

static const struct cgroup_kind cgroup_v1 = {"/memory", "memory.usage_in_bytes",
                                             "memory.limit_in_bytes"};
/* Alone, and beside version 1. */
static const struct cgroup_kind cgroup_v2[] = {{"", "memory.current", "memory.max"},
                                               {"/unified", "memory.current", "memory.max"}};

/* The number in a file; cgroup_no_limit: it is none, or there is no such file. */
static uint64_t cgroup_number(int fd)
{
    char text[CGROUP_NUMBER_MAX];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n <= 0 || text[0] < '0' || text[0] > '9')
        return cgroup_no_limit;
    text[n] = 0;
    uint64_t number = strtoull(text, NULL, 10);
    return number < cgroup_no_limit ? number : cgroup_no_limit;
}

/* Takes the group in this folder when it has a limit. */
static void cgroup_level_add(struct cgroup *cgroup, const struct cgroup_kind *kind,
                             const char *folder)
{
    char path[CGROUP_PATH_MAX + 64];
    if (cgroup->level_n == CGROUP_LEVELS_MAX)
        return;
    snprintf(path, sizeof path, "%s/%s", folder, kind->limit);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t limit = fd >= 0 ? cgroup_number(fd) : cgroup_no_limit;
    if (fd >= 0)
        close(fd);
    if (limit == 0 || limit == cgroup_no_limit)
        return;
    snprintf(path, sizeof path, "%s/%s", folder, kind->usage);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        cgroup->levels[cgroup->level_n++] =
                (struct cgroup_level){.usage_fd = fd, .limit_bytes = limit};
}

/* All levels from a group up to the mount. */
static void cgroup_climb(struct cgroup *cgroup, const struct cgroup_kind *kind, const char *root,
                         const char *group, size_t group_n)
{
    char path[CGROUP_PATH_MAX];
    int mount_n = snprintf(path, sizeof path, "%s%s", root, kind->mount);
    if (mount_n < 0 || (size_t)mount_n + group_n >= sizeof path)
        return;
    /* A group outside of our namespace is not below this mount. */
    bool is_outside = memmem(group, group_n, "/..", 3) != NULL;
    memcpy(path + mount_n, group, is_outside ? 0 : group_n);
    size_t n = (size_t)mount_n + (is_outside ? 0 : group_n);
    while (n > (size_t)mount_n) {
        path[n] = 0;
        if (path[n - 1] != '/')
            cgroup_level_add(cgroup, kind, path);
        while (n > (size_t)mount_n && path[--n] != '/')
            ;
    }
    path[mount_n] = 0;
    cgroup_level_add(cgroup, kind, path);
}

/* "NUMBER:CONTROLLERS:PATH"; the number 0 without controllers is version 2. */
static void cgroup_line(struct cgroup *cgroup, const char *root, const char *line, size_t n)
{
    const char *names = memchr(line, ':', n);
    const char *group = names ? memchr(names + 1, ':', n - (size_t)(names + 1 - line)) : NULL;
    if (!group)
        return;
    names++;
    size_t names_n = (size_t)(group++ - names), group_n = n - (size_t)(group - line);
    if (names_n == 0) {
        for (size_t i = 0; i < sizeof cgroup_v2 / sizeof *cgroup_v2; i++)
            cgroup_climb(cgroup, &cgroup_v2[i], root, group, group_n);
        return;
    }
    const char *memory = memmem(names, names_n, "memory", 6);
    if (memory && (memory == names || memory[-1] == ',') &&
        (memory + 6 == names + names_n || memory[6] == ','))
        cgroup_climb(cgroup, &cgroup_v1, root, group, group_n);
}

void cgroup_open(struct cgroup *cgroup, const char *text, const char *root)
{
    cgroup_done(cgroup);
    for (const char *line = text; *line;) {
        const char *end = strchrnul(line, '\n');
        cgroup_line(cgroup, root, line, (size_t)(end - line));
        line = *end ? end + 1 : end;
    }
}

void cgroup_open_process(struct cgroup *cgroup, int pid)
{
    char path[64], *text;
    size_t n;
    snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
    if (file_read_all(path, CGROUP_TEXT_MAX, &text, &n, NULL) < 0) {
        cgroup_done(cgroup);
        return;
    }
    cgroup_open(cgroup, text, "/sys/fs/cgroup");
    free(text);
}

uint32_t cgroup_use_percent(const struct cgroup *cgroup)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < cgroup->level_n; i++) {
        uint64_t bytes = cgroup_number(cgroup->levels[i].usage_fd);
        if (bytes == cgroup_no_limit)
            continue; /* the group is gone */
        uint64_t percent = (uint64_t)((double)bytes * 100 / (double)cgroup->levels[i].limit_bytes);
        most = percent > most ? percent : most;
    }
    return most < 1000 ? (uint32_t)most : 1000;
}

void cgroup_done(struct cgroup *cgroup)
{
    for (uint32_t i = 0; i < cgroup->level_n; i++)
        close(cgroup->levels[i].usage_fd);
    *cgroup = (struct cgroup){0};
}
