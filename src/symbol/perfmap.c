/* SPDX-License-Identifier: Apache-2.0 */
/* Reading perf maps: lines of start, size and name, in hexadecimal. */
#include "symbol/perfmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"

enum {
    PERFMAP_SCAN_MAX = 4096, /* overlapping entries that a find looks at */
    PERFMAP_PATH_BYTES = 96,
};

struct perfmap_entry {
    uint64_t low, high;
    uint64_t reach; /* the highest `high` up to here */
    uint32_t name, name_n;
    uint32_t line;
};

struct perfmap {
    char *bytes;
    size_t n;
    uint64_t changed_unix_ns;
    VEC(struct perfmap_entry) entries; /* by low, then by line */
};

static int perfmap_check(struct perfmap *map, int fd, uid_t owner, const char *path, size_t *ret_n,
                         struct diag *diag)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return diag_set_errno(diag, ERR_IO, errno, "%s", path);
    if (!S_ISREG(status.st_mode) || status.st_uid != owner || (status.st_mode & S_IWOTH))
        return diag_set(diag, ERR_DENIED, "%s is not a file of the program's user alone", path);
    if (status.st_size > PERFMAP_BYTES_MAX)
        return diag_set(diag, ERR_LIMIT, "%s is larger than %d MiB", path, PERFMAP_BYTES_MAX >> 20);
    *ret_n = (size_t)status.st_size;
    map->changed_unix_ns =
            (uint64_t)status.st_mtim.tv_sec * 1000000000u + (uint64_t)status.st_mtim.tv_nsec;
    return 0;
}

/* Reads at most the n bytes that the file had when it was checked. */
static int perfmap_read(struct perfmap *map, int fd, size_t n, const char *path, struct diag *diag)
{
    map->bytes = malloc(n + 1);
    if (!map->bytes)
        return diag_set(diag, ERR_MEMORY, "no memory for %s", path);
    while (map->n < n) {
        ssize_t got = read(fd, map->bytes + map->n, n - map->n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return diag_set_errno(diag, ERR_IO, errno, "%s", path);
        if (got == 0)
            break;
        map->n += (size_t)got;
    }
    map->bytes[map->n] = 0;
    return 0;
}

/* The value of a hexadecimal digit, or -1. */
static int perfmap_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool perfmap_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* A hexadecimal number at *at, with what blanks follow it; false: none, or over 64 bits. */
static bool perfmap_number(const char **at, const char *end, uint64_t *ret_value)
{
    uint64_t value = 0;
    const char *p = *at;
    if (end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x')
        p += 2;
    const char *digits = p;
    for (; p < end && perfmap_digit(*p) >= 0; p++) {
        if (value >> 60)
            return false;
        value = value << 4 | (unsigned)perfmap_digit(*p);
    }
    if (p == digits || p == end || !perfmap_is_blank(*p))
        return false;
    while (p < end && perfmap_is_blank(*p))
        p++;
    *at = p;
    *ret_value = value;
    return true;
}

/* Lines that are not of the form are passed over: the file may be cut in mid-write. */
static int perfmap_parse(struct perfmap *map)
{
    const char *at = map->bytes, *end = map->bytes + map->n;
    for (uint32_t line = 0; at < end; line++) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        const char *stop = next ? next : end;
        uint64_t low, size, high;
        if (perfmap_number(&at, stop, &low) && perfmap_number(&at, stop, &size) && at < stop &&
            size && !__builtin_add_overflow(low, size, &high)) {
            struct perfmap_entry entry = {
                    .low = low,
                    .high = high,
                    .name = (uint32_t)(at - map->bytes),
                    .name_n = (uint32_t)(stop - at),
                    .line = line,
            };
            if (!VEC_PUSH(&map->entries, PERFMAP_ENTRIES_MAX, entry))
                return ERR_LIMIT;
        }
        at = stop + 1;
    }
    return 0;
}

static int perfmap_compare(const void *left, const void *right)
{
    const struct perfmap_entry *a = left, *b = right;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    return a->line < b->line ? -1 : 1;
}

static void perfmap_index(struct perfmap *map)
{
    if (map->entries.n)
        qsort(map->entries.at, map->entries.n, sizeof *map->entries.at, perfmap_compare);
    uint64_t reach = 0;
    for (size_t i = 0; i < map->entries.n; i++) {
        if (map->entries.at[i].high > reach)
            reach = map->entries.at[i].high;
        map->entries.at[i].reach = reach;
    }
}

int perfmap_open(const char *path, uid_t owner, struct perfmap **ret_map, struct diag *diag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return diag_set_errno(diag, errno == ELOOP ? ERR_DENIED : ERR_MISSING, errno, "%s", path);
    struct perfmap *map = calloc(1, sizeof *map);
    size_t n = 0;
    int err = map ? perfmap_check(map, fd, owner, path, &n, diag) : ERR_MEMORY;
    if (err == 0)
        err = perfmap_read(map, fd, n, path, diag);
    close(fd);
    if (err == 0)
        err = perfmap_parse(map);
    if (err < 0) {
        perfmap_free(map);
        return diag_set(diag, err, "%s could not be read whole", path);
    }
    perfmap_index(map);
    *ret_map = map;
    return 0;
}

/* The user of a process; our own when it is gone. */
static uid_t perfmap_owner(pid_t pid)
{
    char path[PERFMAP_PATH_BYTES];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    return stat(path, &status) == 0 ? status.st_uid : geteuid();
}

int perfmap_open_process(pid_t pid, pid_t namespace_pid, struct perfmap **ret_map,
                         struct diag *diag)
{
    uid_t owner = perfmap_owner(pid);
    if (owner != geteuid() && geteuid() != 0)
        return diag_set(diag, ERR_DENIED, "process %d is another user's", (int)pid);
    char path[PERFMAP_PATH_BYTES];
    struct diag ignored = {0};
    snprintf(path, sizeof path, "/proc/%d/root/tmp/perf-%d.map", (int)pid, (int)namespace_pid);
    int err = perfmap_open(path, owner, ret_map, &ignored);
    if (err != ERR_MISSING)
        return err < 0 ? diag_set(diag, err, "%s", ignored.text) : 0;
    snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)pid);
    return perfmap_open(path, owner, ret_map, diag);
}

uint64_t perfmap_changed_unix_ns(const struct perfmap *map)
{
    return map->changed_unix_ns;
}

void perfmap_free(struct perfmap *map)
{
    if (!map)
        return;
    free(map->bytes);
    vec_done(&map->entries);
    free(map);
}

const char *perfmap_find(const struct perfmap *map, uint64_t address, size_t *ret_n)
{
    size_t low = 0, high = map->entries.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (map->entries.at[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    const struct perfmap_entry *found = NULL;
    for (size_t i = low; i > 0 && low - i < PERFMAP_SCAN_MAX; i--) {
        const struct perfmap_entry *entry = &map->entries.at[i - 1];
        if (entry->reach <= address)
            break;
        if (entry->high > address && (!found || entry->line > found->line))
            found = entry;
    }
    if (!found)
        return NULL;
    *ret_n = found->name_n;
    return map->bytes + found->name;
}
