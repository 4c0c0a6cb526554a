/* SPDX-License-Identifier: Apache-2.0 */
/* Output by rename of a private temporary file, and reading with a limit. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_TRIES = 10000 };

int file_write_all(int fd, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n) {
        ssize_t written = write(fd, at, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return ERR_IO;
        at += written;
        n -= (size_t)written;
    }
    return 0;
}

/* Opens "<name>.<n>.part" for the first n that is free. */
static int file_temporary_open(struct file_out *out)
{
    for (int i = 0; i < FILE_TRIES; i++) {
        free(out->temporary);
        if (asprintf(&out->temporary, "%s.%d.part", out->name, i) < 0) {
            out->temporary = NULL;
            return ENOMEM;
        }
        out->fd = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (out->fd >= 0)
            return 0;
        if (errno != EEXIST)
            return errno;
    }
    return EEXIST;
}

/* A device, a pipe or a terminal is written to as it is: it cannot be replaced. */
static int file_special_open(struct file_out *out, const char *name)
{
    out->fd = open(name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return out->fd < 0 ? errno : 0;
}

/* What is there already where a file is to be written. */
enum file_there { FILE_REPLACEABLE, FILE_FOLDER, FILE_SPECIAL };

static enum file_there file_there_is(const char *name)
{
    struct stat info;
    if (stat(name, &info) < 0 || S_ISREG(info.st_mode))
        return FILE_REPLACEABLE;
    return S_ISDIR(info.st_mode) ? FILE_FOLDER : FILE_SPECIAL;
}

static int file_refuse(const char *name, enum file_there there, struct diag *diag)
{
    return diag_set(diag, ERR_IO, "cannot write %s: it is %s", name,
                    there == FILE_FOLDER ? "a directory" : "no regular file");
}

int file_check_replaceable(const char *name, struct diag *diag)
{
    enum file_there there = file_there_is(name);
    return there == FILE_REPLACEABLE ? 0 : file_refuse(name, there, diag);
}

int file_out_open(struct file_out *ret_out, const char *name, struct diag *diag)
{
    struct file_out out = {.fd = -1, .is_stdout = strcmp(name, "-") == 0};
    if (out.is_stdout) {
        out.fd = STDOUT_FILENO;
        *ret_out = out;
        return 0;
    }
    enum file_there there = file_there_is(name);
    if (there == FILE_FOLDER)
        return file_refuse(name, there, diag);
    bool special = there == FILE_SPECIAL;
    out.name = strdup(name);
    int error = !out.name ? ENOMEM
                : special ? file_special_open(&out, name)
                          : file_temporary_open(&out);
    if (error) {
        free(out.name);
        free(out.temporary);
        return diag_set_errno(diag, ERR_IO, error, "cannot write %s", name);
    }
    *ret_out = out;
    return 0;
}

int file_out_write(struct file_out *out, const void *bytes, size_t n, struct diag *diag)
{
    if (out->failed)
        return ERR_IO;
    if (file_write_all(out->fd, bytes, n) < 0) {
        out->failed = true;
        return diag_set_errno(diag, ERR_IO, errno, "cannot write %s",
                              out->is_stdout ? "to standard output" : out->name);
    }
    out->written_bytes += n;
    return 0;
}

static void file_out_release(struct file_out *out)
{
    free(out->name);
    free(out->temporary);
    *out = (struct file_out){.fd = -1};
}

int file_out_commit(struct file_out *out, struct diag *diag)
{
    if (out->failed) {
        file_out_abandon(out);
        return ERR_IO;
    }
    if (out->is_stdout) {
        file_out_release(out);
        return 0;
    }
    int error = 0;
    if (close(out->fd) < 0 || (out->temporary && rename(out->temporary, out->name) < 0))
        error = errno;
    if (error) {
        diag_set_errno(diag, ERR_IO, error, "cannot write %s", out->name);
        if (out->temporary)
            unlink(out->temporary);
    }
    file_out_release(out);
    return error ? ERR_IO : 0;
}

void file_out_abandon(struct file_out *out)
{
    if (out->name)
        close(out->fd);
    if (out->temporary)
        unlink(out->temporary);
    file_out_release(out);
}

int file_create_new(const char *folder, const char *stem, const char *suffix, char **ret_name,
                    int *ret_fd, struct diag *diag)
{
    for (int i = 0; i < FILE_TRIES; i++) {
        char *name = NULL;
        int n = i == 0 ? asprintf(&name, "%s/%s%s", folder, stem, suffix)
                       : asprintf(&name, "%s/%s.%d%s", folder, stem, i, suffix);
        if (n < 0)
            return diag_set(diag, ERR_MEMORY, "no memory for a file name");
        int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0) {
            *ret_name = name;
            *ret_fd = fd;
            return 0;
        }
        int error = errno;
        free(name);
        if (error != EEXIST)
            return diag_set_errno(diag, ERR_IO, error, "cannot create a file in %s", folder);
    }
    return diag_set(diag, ERR_LIMIT, "too many files named %s%s in %s", stem, suffix, folder);
}

/* Reads until the end or until max_bytes were passed. */
static int file_read_fd(int fd, size_t max_bytes, char **ret_bytes, size_t *ret_n)
{
    size_t n = 0, capacity = 64 << 10;
    char *bytes = malloc(capacity);
    while (bytes) {
        ssize_t got = read(fd, bytes + n, capacity - n - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(bytes);
            return ERR_IO;
        }
        if (got == 0) {
            bytes[n] = 0;
            *ret_bytes = bytes;
            *ret_n = n;
            return 0;
        }
        n += (size_t)got;
        if (n > max_bytes) {
            free(bytes);
            return ERR_LIMIT;
        }
        if (n + 1 < capacity)
            continue;
        char *larger = realloc(bytes, capacity *= 2);
        if (!larger)
            free(bytes);
        bytes = larger;
    }
    return ERR_MEMORY;
}

int file_read_all(const char *name, size_t max_bytes, char **ret_bytes, size_t *ret_n,
                  struct diag *diag)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return diag_set_errno(diag, errno == ENOENT ? ERR_MISSING : ERR_IO, errno, "cannot open %s",
                              name);
    int err = file_read_fd(fd, max_bytes, ret_bytes, ret_n);
    int error = errno;
    close(fd);
    if (err == ERR_LIMIT)
        return diag_set(diag, err, "%s is larger than %zu bytes", name, max_bytes);
    if (err == ERR_MEMORY)
        return diag_set(diag, err, "no memory to read %s", name);
    return err < 0 ? diag_set_errno(diag, err, error, "cannot read %s", name) : 0;
}
