/* SPDX-License-Identifier: Apache-2.0 */
/* Reads no more of an ELF file than its header and program headers. */
#include "collect/elf_file.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ELF_FILE_HEADERS_MAX = 256 };

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
