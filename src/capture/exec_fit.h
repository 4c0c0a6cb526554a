/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a file that is about to be executed can take our library. */
#ifndef MEMSCOPE_CAPTURE_EXEC_FIT_H
#define MEMSCOPE_CAPTURE_EXEC_FIT_H

#include <stdint.h>

#include "wire/exec.h"

struct exec_fit {
    enum wire_unfit why;    /* WIRE_FITS: it can */
    uint64_t device, inode; /* of the ELF file at the end of a script's interpreters; 0 = unknown */
};

/*
 * Looks at the file as the kernel and the loader will: a 64-bit x86 ELF with glibc's loader that
 * gains no privileges fits, or a script for one. One that does not is where the loader would
 * complain on the program's stderr or ignore us. Makes system calls; leaves errno alone.
 */
struct exec_fit exec_fit(int folder_fd, const char *path, int flags);

/* The same for a name that is searched in PATH, of which `path_variable` is the value. */
struct exec_fit exec_fit_in_path(const char *name, const char *path_variable);

#endif
