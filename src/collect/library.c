/* SPDX-License-Identifier: Apache-2.0 */
/* The library is looked for relative to the executable, so that the tree can be moved. */
#include "collect/library.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/owner.h"
#include "wire/segment.h"

enum { LIBRARY_PIECE = 16 << 10 };

static const char *const library_places[] = {
        "libmemscope.so",
        "../capture/libmemscope.so",
        "../lib/x86_64-linux-gnu/libmemscope.so",
        "../lib/libmemscope.so",
        "../lib64/libmemscope.so",
};

int library_find(char ret_path[LIBRARY_PATH_MAX], struct diag *diag)
{
    char folder[LIBRARY_PATH_MAX], path[2 * LIBRARY_PATH_MAX], real[4096];
    const char *named = secure_getenv("MEMSCOPE_LIBRARY");
    ssize_t n = readlink("/proc/self/exe", folder, sizeof folder - 1);
    folder[n < 0 ? 0 : n] = 0;
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = 0;
    size_t place_n = sizeof library_places / sizeof *library_places;
    for (size_t i = named ? 0 : 1; i <= place_n; i++) {
        if (i == 0)
            snprintf(path, sizeof path, "%s", named);
        else
            snprintf(path, sizeof path, "%s/%s", folder, library_places[i - 1]);
        if (access(path, R_OK) < 0 || !realpath(path, real))
            continue;
        /* The loader takes blanks and colons in LD_PRELOAD for separators. */
        if (strlen(real) >= LIBRARY_PATH_MAX || strpbrk(real, " :"))
            return diag_set(diag, ERR_USAGE,
                            "the path of libmemscope.so holds a blank or a colon, which the "
                            "loader cannot take: %s",
                            real);
        memcpy(ret_path, real, strlen(real) + 1);
        return 0;
    }
    if (n < 0)
        return diag_set(diag, ERR_MISSING, "libmemscope.so is not found without /proc");
    return diag_set(diag, ERR_MISSING,
                    "libmemscope.so is missing: it belongs into %s or its ../lib", folder);
}

/* Whether our note stands in the first n bytes. */
static bool library_has_note(const char *bytes, size_t n)
{
    const struct owner_note ours = OWNER_NOTE;
    size_t head_n = offsetof(struct owner_note, version);
    for (const char *at = bytes; (at = memmem(at, (size_t)(bytes + n - at), &ours, head_n));
         at += head_n) {
        if ((size_t)(bytes + n - at) >= sizeof ours && memcmp(at, &ours, sizeof ours) == 0)
            return true;
    }
    return false;
}

/* Piece by piece: the program waits for it, and one piece stays in the processor's cache. */
static bool library_seek_note(int fd)
{
    char piece[LIBRARY_PIECE];
    size_t kept = 0;
    ssize_t n;
    while ((n = read(fd, piece + kept, sizeof piece - kept)) > 0) {
        size_t end = kept + (size_t)n;
        if (library_has_note(piece, end))
            return true;
        /* What may be the beginning of one goes before the next piece. */
        kept = end < sizeof(struct owner_note) ? end : sizeof(struct owner_note) - 1;
        memmove(piece, piece + end - kept, kept);
    }
    return false;
}

int library_check(const char *path, struct diag *diag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return diag_set_errno(diag, ERR_IO, errno, "cannot open %s", path);
    bool same = library_seek_note(fd);
    close(fd);
    return same ? 0
                : diag_set(
                          diag, ERR_STATE,
                          "%s is of another version of memscope than this executable: install both "
                          "from one build",
                          path);
}
