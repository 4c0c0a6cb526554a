/* SPDX-License-Identifier: Apache-2.0 */
/* Files as the tool writes them: private, never through a link, replaced whole or not at all. */
#ifndef MEMSCOPE_BASE_FILE_H
#define MEMSCOPE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"

/*
 * An output under way. It is written to a temporary file beside its name (mode 0600, O_EXCL) and
 * takes the name by rename at file_out_commit. "-" is standard output; a device or a pipe is
 * written to directly.
 */
struct file_out {
    int fd;
    bool is_stdout;
    bool failed; /* sticky: a write failed, its sentence is in the diag of the failing call */
    uint64_t written_bytes;
    char *name;
    char *temporary;
};

/* Opens the output; an existing file of that name is replaced at commit. */
int file_out_open(struct file_out *ret_out, const char *name, struct diag *diag);

/* Writes all n bytes. ERR_IO leaves `failed` set. */
int file_out_write(struct file_out *out, const void *bytes, size_t n, struct diag *diag);

/* Gives the file its name and closes. On failure nothing of that name has changed. */
int file_out_commit(struct file_out *out, struct diag *diag);

/* Gives up: removes the temporary file and closes. Does nothing after a commit. */
void file_out_abandon(struct file_out *out);

/* For what will be renamed to name: ERR_IO where that would replace a device, a pipe, a folder. */
int file_check_replaceable(const char *name, struct diag *diag);

/*
 * Creates a new file with O_EXCL in folder: stem + suffix, or stem.N + suffix where taken.
 * *ret_name is malloc'd. Returns 0 and the open descriptor.
 */
int file_create_new(const char *folder, const char *stem, const char *suffix, char **ret_name,
                    int *ret_fd, struct diag *diag);

/* Reads a whole file of at most max_bytes into malloc'd memory, with a 0 byte behind it. */
int file_read_all(const char *name, size_t max_bytes, char **ret_bytes, size_t *ret_n,
                  struct diag *diag);

/* write(2) until all n bytes are out; returns 0 or ERR_IO with errno set. */
int file_write_all(int fd, const void *bytes, size_t n);

#endif
