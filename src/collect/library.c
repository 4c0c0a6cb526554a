/* SPDX-License-Identifier: Apache-2.0 */
/* The library is looked for relative to the executable, so that the tree can be moved. */
#include "collect/library.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "wire/owner.h"
#include "wire/segment.h"

enum { LIBRARY_BYTES_MAX = 64 << 20 };

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

int library_check(const char *path, struct diag *diag)
{
    const struct owner_note ours = OWNER_NOTE;
    size_t n, head_n = offsetof(struct owner_note, version);
    char *bytes;
    int err = file_read_all(path, LIBRARY_BYTES_MAX, &bytes, &n, diag);
    if (err < 0)
        return err;
    bool same = false;
    for (const char *at = bytes;
         !same && (at = memmem(at, (size_t)(bytes + n - at), &ours, head_n)); at += head_n)
        same = (size_t)(bytes + n - at) >= sizeof ours && memcmp(at, &ours, sizeof ours) == 0;
    free(bytes);
    return same ? 0
                : diag_set(
                          diag, ERR_STATE,
                          "%s is of another version of memscope than this executable: install both "
                          "from one build",
                          path);
}
