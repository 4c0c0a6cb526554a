/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/PID/smaps, mapping by mapping:
 *
 *  - memscope's own are known by their names, and its private memory by a pair of flags (wiped by
 *    fork, left out of core dumps) that nobody else gives to memory without a name;
 *  - the program's own are those that its mmap calls told of; where the kernel has merged one with
 *    a neighbour /proc/PID/pagemap tells whose pages are there;
 *  - files are code and data, and so is memory without a name right behind a file's data, as far as
 *    the file's own headers ask for it (.bss);
 *  - a thread's stack has a small guard right below it;
 *  - memory without a name that may be executed is the program's own, too: a runtime maps it for
 *    the code that it makes, some without libc, and no allocator asks for it;
 *  - what is left is where the allocator's blocks lie.
 */
#include "collect/resident.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#include "base/file.h"
#include "heap/feed.h"

enum {
    RESIDENT_SMAPS_MAX = 256 << 20,
    RESIDENT_STATUS_MAX = 64 << 10,
    RESIDENT_GUARD_MAX = 1 << 20, /* malloc's arenas are reserved in larger pieces */
    RESIDENT_PAGE_BYTES = 4096,
    RESIDENT_PAGES = 8192,   /* looked at in one call */
    RESIDENT_SEGMENTS = 512, /* of one file */
};

struct resident_map {
    uint64_t start, end, rss_bytes, anonymous_bytes;
    char protection[5];
    char name[64];    /* its end, but for the first letter */
    const char *path; /* all of it, path_n bytes */
    size_t path_n;
    bool is_self; /* by its flags */
};

struct resident_look {
    int pid;
    const struct model *model;
    uint32_t process;
    struct model_resident parts;
    uint64_t file_bytes; /* as the kernel counts: without pages that were written to */
    struct resident_map before;
    int pagemap;              /* -1: not opened, or not to be had */
    bool all_may_be_executed; /* the process asked for that: it tells nothing */
};

bool resident_read(int pid, uint64_t *ret_bytes, uint64_t *ret_peak)
{
    char path[64], *text;
    size_t n;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    if (file_read_all(path, RESIDENT_STATUS_MAX, &text, &n, NULL) < 0)
        return false;
    const char *now = strstr(text, "\nVmRSS:"), *peak = strstr(text, "\nVmHWM:");
    bool known = now && peak;
    if (known) {
        *ret_bytes = strtoull(now + 7, NULL, 10) * 1024;
        *ret_peak = strtoull(peak + 7, NULL, 10) * 1024;
    }
    free(text);
    return known;
}

bool resident_read_now(const char *statm, uint64_t *ret_bytes)
{
    char *text;
    size_t n;
    if (file_read_all(statm, RESIDENT_STATUS_MAX, &text, &n, NULL) < 0)
        return false;
    const char *second = strchr(text, ' ');
    if (second)
        *ret_bytes = strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
    free(text);
    return second != NULL;
}

/* Pages of [start, end) that are in memory. 0: the kernel does not tell. */
static uint64_t resident_pages(struct resident_look *look, uint64_t start, uint64_t end)
{
    static const uint64_t present = 1ull << 63;
    uint64_t pages[RESIDENT_PAGES], bytes = 0;
    if (look->pagemap < 0) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/pagemap", look->pid);
        look->pagemap = open(path, O_RDONLY | O_CLOEXEC);
    }
    for (uint64_t at = start / RESIDENT_PAGE_BYTES; at < end / RESIDENT_PAGE_BYTES;) {
        uint64_t left = end / RESIDENT_PAGE_BYTES - at;
        size_t wanted = left < RESIDENT_PAGES ? left : RESIDENT_PAGES;
        ssize_t n = pread(look->pagemap, pages, wanted * sizeof *pages, (off_t)(at * 8));
        if (n <= 0)
            break;
        for (size_t i = 0; i < (size_t)n / sizeof *pages; i++)
            bytes += pages[i] & present ? RESIDENT_PAGE_BYTES : 0;
        at += (size_t)n / sizeof *pages;
    }
    return bytes;
}

/* How much of a mapping's resident memory the program has mapped itself. */
static uint64_t resident_own(struct resident_look *look, const struct resident_map *map)
{
    uint64_t own = feed_mapped_within(look->model, look->process, map->start, map->end);
    if (own == 0 || map->rss_bytes == 0)
        return 0;
    if (own >= map->end - map->start)
        return map->rss_bytes;
    uint64_t bytes = 0, start, end;
    for (uint64_t at = map->start;
         feed_mapped_next(look->model, look->process, at, map->end, &start, &end); at = end)
        bytes += resident_pages(look, start, end);
    return bytes < map->rss_bytes ? bytes : map->rss_bytes;
}

static bool resident_is_file(const struct resident_map *map)
{
    return map->name[0] == '/' || strcmp(map->name, "[vdso]") == 0 ||
           strcmp(map->name, "[vvar]") == 0 || strcmp(map->name, "[vsyscall]") == 0;
}

static bool resident_is_stack(const struct resident_look *look, const struct resident_map *map)
{
    const struct resident_map *before = &look->before;
    return strncmp(map->name, "[stack", 6) == 0 ||
           (!map->name[0] && map->protection[1] == 'w' && before->end == map->start &&
            strncmp(before->protection, "---", 3) == 0 &&
            before->end - before->start <= RESIDENT_GUARD_MAX);
}

/* The last name of the path is our library's. */
static bool resident_is_self(const struct resident_map *map)
{
    return map->is_self || strncmp(map->name, "/memfd:memscope", 15) == 0 ||
           strstr(map->name, "libmemscope.so");
}

/* How many bytes without a file the program headers of the file ask for behind its data. They may
 * lie anywhere in it: what edits executables moves them to the end. */
static uint64_t resident_headers_ask(int fd)
{
    Elf64_Ehdr elf;
    uint64_t bytes = 0;
    if (pread(fd, &elf, sizeof elf, 0) != (ssize_t)sizeof elf ||
        memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 || elf.e_phentsize != sizeof(Elf64_Phdr))
        return 0;
    for (unsigned i = 0; i < elf.e_phnum && i < RESIDENT_SEGMENTS; i++) {
        Elf64_Phdr segment;
        uint64_t at = elf.e_phoff + i * sizeof segment;
        if (pread(fd, &segment, sizeof segment, (off_t)at) != (ssize_t)sizeof segment)
            break;
        if (segment.p_type == PT_LOAD && segment.p_memsz > segment.p_filesz)
            bytes = segment.p_memsz - segment.p_filesz;
    }
    return (bytes + RESIDENT_PAGE_BYTES - 1) & ~(uint64_t)(RESIDENT_PAGE_BYTES - 1);
}

static uint64_t resident_bss_bytes(int pid, const struct resident_map *file)
{
    char path[4096];
    int length =
            snprintf(path, sizeof path, "/proc/%d/root%.*s", pid, (int)file->path_n, file->path);
    int fd = length < (int)sizeof path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    uint64_t bytes = fd >= 0 ? resident_headers_ask(fd) : 0;
    if (fd >= 0)
        close(fd);
    return bytes;
}

/* What of a mapping without a name is the .bss of the file before it. The kernel may have merged
 * that with what came to lie behind. */
static uint64_t resident_bss(struct resident_look *look, const struct resident_map *map)
{
    const struct resident_map *before = &look->before;
    if (map->name[0] || before->end != map->start || before->name[0] != '/' ||
        before->protection[1] != 'w' || map->rss_bytes == 0)
        return 0;
    uint64_t bytes = resident_bss_bytes(look->pid, before);
    if (bytes >= map->end - map->start)
        return map->rss_bytes;
    return resident_pages(look, map->start, map->start + bytes);
}

static bool resident_is_code(const struct resident_look *look, const struct resident_map *map)
{
    return !map->name[0] && map->protection[2] == 'x' && !look->all_may_be_executed;
}

static bool resident_may_execute_all(int pid)
{
    char path[64], *text;
    size_t n;
    snprintf(path, sizeof path, "/proc/%d/personality", pid);
    if (file_read_all(path, RESIDENT_STATUS_MAX, &text, &n, NULL) < 0)
        return false;
    bool may = strtoul(text, NULL, 16) & READ_IMPLIES_EXEC;
    free(text);
    return may;
}

static void resident_sort(struct resident_look *look, const struct resident_map *map)
{
    struct model_resident *parts = &look->parts;
    bool is_file = resident_is_file(map);
    parts->bytes += map->rss_bytes;
    if (is_file && map->rss_bytes > map->anonymous_bytes && strncmp(map->name, "/memfd:", 7) != 0)
        look->file_bytes += map->rss_bytes - map->anonymous_bytes;
    if (resident_is_self(map)) {
        parts->self_bytes += map->rss_bytes;
    } else {
        uint64_t own = resident_own(look, map);
        uint64_t rest = map->rss_bytes - own, bss = resident_bss(look, map);
        bss = bss < rest ? bss : rest;
        rest -= bss;
        parts->mapped_bytes += own;
        parts->file_bytes += bss;
        if (is_file)
            parts->file_bytes += rest;
        else if (resident_is_stack(look, map))
            parts->stack_bytes += rest;
        else if (resident_is_code(look, map))
            parts->mapped_bytes += rest;
        else
            parts->heap_bytes += rest;
    }
    look->before = *map;
}

/* "start-end rw-p offset device inode   name" */
static bool resident_begin(const char *line, size_t n, struct resident_map *ret_map)
{
    struct resident_map map = {0};
    char *rest;
    map.start = strtoull(line, &rest, 16);
    if (*rest != '-')
        return false;
    map.end = strtoull(rest + 1, &rest, 16);
    if (*rest != ' ' || n < 20)
        return false;
    memcpy(map.protection, rest + 1, 4);
    const char *name = rest + 1;
    for (int field = 0; field < 4 && name; field++) {
        name = memchr(name, ' ', (size_t)(line + n - name));
        name = name ? name + 1 : NULL;
    }
    while (name && name < line + n && *name == ' ')
        name++;
    if (name && name < line + n) {
        size_t length = (size_t)(line + n - name), most = sizeof map.name - 1;
        /* The end of a path tells whose it is, its first letter that it is one. */
        bool cut = length > most;
        memcpy(map.name, cut ? line + n - most : name, cut ? most : length);
        map.name[0] = *name;
        map.path = name;
        map.path_n = length;
    }
    *ret_map = map;
    return true;
}

static void resident_line(struct resident_look *look, struct resident_map *map, const char *line,
                          size_t n)
{
    struct resident_map next;
    if (strncmp(line, "Rss:", 4) == 0) {
        map->rss_bytes = strtoull(line + 4, NULL, 10) * 1024;
    } else if (strncmp(line, "Anonymous:", 10) == 0) {
        map->anonymous_bytes = strtoull(line + 10, NULL, 10) * 1024;
    } else if (strncmp(line, "VmFlags:", 8) == 0) {
        map->is_self = !map->name[0] && memmem(line, n, " dd", 3) && memmem(line, n, " wf", 3);
    } else if (((*line >= '0' && *line <= '9') || (*line >= 'a' && *line <= 'f')) &&
               resident_begin(line, n, &next)) {
        if (map->end)
            resident_sort(look, map);
        *map = next;
    }
}

bool resident_explain(int pid, const struct model *model, uint32_t process,
                      struct model_resident *ret_parts, uint64_t *ret_file_bytes)
{
    struct resident_look look = {.pid = pid,
                                 .model = model,
                                 .process = process,
                                 .pagemap = -1,
                                 .all_may_be_executed = resident_may_execute_all(pid)};
    struct resident_map map = {0};
    char path[64], *text;
    size_t n;
    snprintf(path, sizeof path, "/proc/%d/smaps", pid);
    if (file_read_all(path, RESIDENT_SMAPS_MAX, &text, &n, NULL) < 0)
        return false;
    for (const char *line = text; line < text + n;) {
        const char *end = memchr(line, '\n', (size_t)(text + n - line));
        if (!end)
            break;
        resident_line(&look, &map, line, (size_t)(end - line));
        line = end + 1;
    }
    if (map.end)
        resident_sort(&look, &map);
    free(text);
    if (look.pagemap >= 0)
        close(look.pagemap);
    look.parts.live_bytes = model->processes.at[process].sums.live_bytes;
    *ret_parts = look.parts;
    *ret_file_bytes = look.file_bytes;
    return look.parts.bytes > 0;
}
