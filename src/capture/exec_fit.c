/* SPDX-License-Identifier: Apache-2.0 */
/* Reads headers of files with raw system calls; what cannot be read is taken not to fit. */
#include "capture/exec_fit.h"

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "capture/cpu/x86_64/syscall.h"
#include "capture/door.h"
#include "capture/words.h"

enum { FIT_SCRIPT_DEPTH = 3, FIT_SEGMENTS_MAX = 12, FIT_NAME_MAX = 256, FIT_PATH_MAX = 960 };

static long fit_read(long fd, void *to, size_t n, uint64_t at)
{
    return syscall_6(SYS_pread64, fd, (long)(uintptr_t)to, (long)n, (long)at, 0, 0);
}

/* Notes which file it is; true when executing it gains privileges. */
static bool fit_gains_privileges(long fd, struct exec_fit *fit)
{
    struct stat info;
    if (syscall_3(SYS_fstat, fd, (long)(uintptr_t)&info, 0) < 0)
        return true;
    fit->device = info.st_dev;
    fit->inode = info.st_ino;
    if (info.st_mode & S_ISUID && info.st_uid != (uid_t)syscall_3(SYS_geteuid, 0, 0, 0))
        return true;
    return info.st_mode & S_ISGID && info.st_gid != (gid_t)syscall_3(SYS_getegid, 0, 0, 0);
}

static bool fit_contains(const char *text, const char *word)
{
    for (; *text; text++) {
        size_t i = 0;
        while (word[i] && text[i] == word[i])
            i++;
        if (!word[i])
            return true;
    }
    return false;
}

/* A program fits whose loader is glibc's. */
static enum wire_unfit fit_elf(long fd, const Elf64_Ehdr *header)
{
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64 ||
        header->e_phentsize != sizeof(Elf64_Phdr))
        return WIRE_UNFIT_FOREIGN;
    for (unsigned i = 0; i < header->e_phnum && i < FIT_SEGMENTS_MAX; i++) {
        Elf64_Phdr segment;
        char loader[FIT_NAME_MAX];
        if (fit_read(fd, &segment, sizeof segment, header->e_phoff + i * sizeof segment) !=
            (long)sizeof segment)
            return WIRE_UNFIT_UNREADABLE;
        if (segment.p_type != PT_INTERP)
            continue;
        size_t n = segment.p_filesz < sizeof loader - 1 ? segment.p_filesz : sizeof loader - 1;
        if (fit_read(fd, loader, n, segment.p_offset) != (long)n)
            return WIRE_UNFIT_UNREADABLE;
        loader[n] = 0;
        return fit_contains(loader, "ld-linux") ? WIRE_FITS : WIRE_UNFIT_OTHER_LIBC;
    }
    return WIRE_UNFIT_STATIC;
}

/* The interpreter's path in a "#!" line, cut off in place. */
static char *fit_interpreter(char *line)
{
    char *name = line + 2;
    while (*name == ' ' || *name == '\t')
        name++;
    char *end = name;
    while (*end && *end != ' ' && *end != '\t' && *end != '\n')
        end++;
    *end = 0;
    return name;
}

static long fit_open(int folder_fd, const char *path)
{
    return syscall_6(SYS_openat, folder_fd, (long)(uintptr_t)path,
                     O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, 0, 0);
}

static enum wire_unfit fit_file(long fd, int depth, struct exec_fit *fit)
{
    union {
        Elf64_Ehdr elf;
        char text[FIT_NAME_MAX];
    } start;
    long n = fd < 0 ? fd : fit_read(fd, &start, sizeof start - 1, 0);
    if (n < 0)
        return WIRE_UNFIT_UNREADABLE;
    if (fit_gains_privileges(fd, fit))
        return WIRE_UNFIT_SET_ID;
    start.text[n] = 0;
    if (n >= 4 && start.text[0] == ELFMAG0 && start.text[1] == ELFMAG1)
        return n >= (long)sizeof start.elf ? fit_elf(fd, &start.elf) : WIRE_UNFIT_UNREADABLE;
    if (depth == 0)
        return WIRE_UNFIT_UNREADABLE;
    /* What is neither is a script too, for those who search PATH: libc has the shell run it. */
    bool named = n > 2 && start.text[0] == '#' && start.text[1] == '!';
    long interpreter = fit_open(AT_FDCWD, named ? fit_interpreter(start.text) : "/bin/sh");
    enum wire_unfit why = fit_file(interpreter, depth - 1, fit);
    if (interpreter >= 0)
        syscall_3(SYS_close, interpreter, 0, 0);
    return why;
}

struct exec_fit exec_fit(int folder_fd, const char *path, int flags)
{
    enum { READABLE = 4 };
    struct exec_fit fit = {.why = WIRE_UNFIT_UNREADABLE};
    char again[64];
    if (!path || (!path[0] && flags & AT_EMPTY_PATH)) {
        /* A descriptor may be for execution only (O_PATH): opened anew it can be read. */
        words_put_number(words_put(again, "/proc/self/fd/"), (uint32_t)folder_fd);
        path = again;
    }
    long fd = fit_open(folder_fd, path);
    if (fd < 0)
        return fit;
    fit.why = fit_file(fd, FIT_SCRIPT_DEPTH, &fit);
    syscall_3(SYS_close, fd, 0, 0);
    if (fit.why == WIRE_FITS &&
        syscall_3(SYS_access, (long)(uintptr_t)door.library, READABLE, 0) < 0)
        fit.why = WIRE_UNFIT_LIBRARY;
    return fit;
}

struct exec_fit exec_fit_in_path(const char *name, const char *path_variable)
{
    enum { EXECUTABLE = 1 };
    for (const char *at = name; *at; at++) {
        if (*at == '/')
            return exec_fit(AT_FDCWD, name, 0);
    }
    const char *folder = path_variable ? path_variable : "/bin:/usr/bin";
    while (*folder) {
        char path[FIT_PATH_MAX];
        size_t n = 0;
        while (*folder && *folder != ':' && n < sizeof path - 2)
            path[n++] = *folder++;
        while (*folder && *folder != ':')
            folder++;
        if (n)
            path[n++] = '/';
        for (size_t i = 0; name[i] && n < sizeof path - 1; i++)
            path[n++] = name[i];
        path[n] = 0;
        if (syscall_3(SYS_access, (long)(uintptr_t)path, EXECUTABLE, 0) == 0)
            return exec_fit(AT_FDCWD, path, 0);
        folder += *folder == ':';
    }
    return (struct exec_fit){.why = WIRE_UNFIT_UNREADABLE};
}
