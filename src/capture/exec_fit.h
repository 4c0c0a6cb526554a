/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a file that is about to be executed can take our library. */
#ifndef MEMSCOPE_CAPTURE_EXEC_FIT_H
#define MEMSCOPE_CAPTURE_EXEC_FIT_H

#include <stdbool.h>

/*
 * Looks at the file as the kernel and the loader will: a 64-bit x86 ELF with glibc's loader that
 * gains no privileges, or a script for one. False where the loader would complain on the program's
 * stderr or ignore us. Makes system calls; leaves errno alone.
 */
bool exec_fits(int folder_fd, const char *path, int flags);

/* The same for a name that is searched in PATH, of which `path_variable` is the value. */
bool exec_fits_in_path(const char *name, const char *path_variable);

#endif
