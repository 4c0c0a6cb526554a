/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads no more of an ELF file than its header and program headers.
 *
 * A file that was deleted, or whose name another one has taken, is still to be had as long as it is
 * mapped: the kernel's list of mappings says so, and /proc/PID/map_files leads to it, for those who
 * may (CAP_CHECKPOINT_RESTORE). The list is read only when the name leads nowhere, or to a file
 * that has changed since the session began.
 */
#include "collect/elf_file.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { ELF_FILE_HEADERS_MAX = 256, ELF_FILE_MAPS_MAX = 64 << 20 };

static const char elf_file_deleted[] = " (deleted)";

/*
 * Finds the mapping that holds an address: true when its file has no name any more; its range is
 * then written as map_files has it.
 */
static bool elf_file_lost_name(int pid, uint64_t address, char *range, size_t size)
{
    char path[64], *text;
    size_t n;
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    if (file_read_all(path, ELF_FILE_MAPS_MAX, &text, &n, NULL) < 0)
        return false;
    bool lost = false;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        char *rest;
        uint64_t from = strtoull(line, &rest, 16);
        uint64_t to = *rest == '-' ? strtoull(rest + 1, &rest, 16) : 0;
        if (address < from || address >= to)
            continue;
        size_t tail = sizeof elf_file_deleted - 1;
        lost = (size_t)(end - rest) > tail && memcmp(end - tail, elf_file_deleted, tail) == 0;
        snprintf(range, size, "%.*s", (int)(rest - line), line);
        break;
    }
    free(text);
    return lost;
}

int elf_file_open_mapped(int pid, const char *path, uint64_t map_start, uint64_t since_unix_ns)
{
    char range[64], name[128];
    struct stat info;
    int fd = elf_file_open(pid, path);
    if (fd >= 0 && fstat(fd, &info) == 0 &&
        (uint64_t)info.st_ctim.tv_sec < since_unix_ns / 1000000000u)
        return fd;
    if (path[0] != '/' || !elf_file_lost_name(pid, map_start, range, sizeof range))
        return fd;
    if (fd >= 0)
        close(fd);
    snprintf(name, sizeof name, "/proc/%d/map_files/%s", pid, range);
    return open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

int elf_file_open(int pid, const char *path)
{
    char name[4200];
    int n = path[0] == '/' ? snprintf(name, sizeof name, "/proc/%d/root%s", pid, path)
            : path[0]      ? snprintf(name, sizeof name, "/proc/%d/cwd/%s", pid, path)
                           : snprintf(name, sizeof name, "/proc/%d/exe", pid);
    if (n < 0 || (size_t)n >= sizeof name)
        return -1;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && path[0] == '/')
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info;
    if (fd >= 0 && (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode))) {
        close(fd);
        return -1;
    }
    return fd;
}

uint64_t elf_file_bias(int fd, uint64_t map_start)
{
    Elf64_Ehdr header;
    if (fd < 0 || pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > ELF_FILE_HEADERS_MAX)
        return map_start;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr segment;
        off_t at = (off_t)(header.e_phoff + i * sizeof segment);
        if (pread(fd, &segment, sizeof segment, at) != (ssize_t)sizeof segment)
            break;
        if (segment.p_type == PT_LOAD)
            return map_start - (segment.p_vaddr & ~(uint64_t)4095);
    }
    return map_start;
}
