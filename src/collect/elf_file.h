/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a module of another process: opened as that process sees it, read with suspicion. */
#ifndef MEMSCOPE_COLLECT_ELF_FILE_H
#define MEMSCOPE_COLLECT_ELF_FILE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Opens a path as process pid sees it (a relative one from its working directory), or its
 * executable when path is "". -1: cannot.
 */
int elf_file_open(int pid, const char *path);

/*
 * The same for a module that is mapped at map_start: its own file, not one that has taken its name
 * since a time (the start of the session).
 */
int elf_file_open_mapped(int pid, const char *path, uint64_t map_start, uint64_t since_unix_ns);

/*
 * What to subtract from an address of the module that is mapped from map_start on to get the
 * address its ELF file speaks of. Without a readable file the module is taken to begin at 0.
 */
uint64_t elf_file_bias(int fd, uint64_t map_start);

#endif
