/* SPDX-License-Identifier: Apache-2.0 */
/* Looking through folders for executables with similar names. */
#include "cli/program_guess.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/guess.h"

enum { PROGRAM_ENTRIES_MAX = 20000 };

static bool program_is_executable(const char *folder, const char *name)
{
    struct text path = {0};
    struct stat status;
    text_printf(&path, "%s/%s", folder, name);
    bool is = stat(text_string(&path), &status) == 0 && S_ISREG(status.st_mode) &&
              access(text_string(&path), X_OK) == 0;
    text_done(&path);
    return is;
}

/* Offers each executable of a folder; a better one replaces *best. */
static void program_scan(const char *folder, const char *word, struct text *best,
                         unsigned *distance)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    for (int i = 0; dir && i < PROGRAM_ENTRIES_MAX && (entry = readdir(dir)); i++) {
        struct guess guess = {.word = word};
        guess_offer(&guess, entry->d_name);
        if (!guess.best || guess.distance >= *distance ||
            !program_is_executable(folder, entry->d_name))
            continue;
        *distance = guess.distance;
        text_clear(best);
        text_add(best, entry->d_name);
    }
    if (dir)
        closedir(dir);
}

static void program_scan_path(const char *word, struct text *best, unsigned *distance)
{
    const char *path = getenv("PATH");
    for (const char *at = path ? path : ""; *at;) {
        size_t n = strcspn(at, ":");
        struct text folder = {0};
        text_add_n(&folder, at, n);
        if (n)
            program_scan(text_string(&folder), word, best, distance);
        text_done(&folder);
        at += n + (at[n] == ':');
    }
}

void program_add_guess(struct text *text, const char *program)
{
    const char *slash = strrchr(program, '/');
    struct text best = {0}, folder = {0};
    unsigned distance = 99;
    if (slash) {
        text_add_n(&folder, program, slash == program ? 1 : (size_t)(slash - program));
        program_scan(text_string(&folder), slash + 1, &best, &distance);
        if (best.n)
            text_printf(text, "%.*s/%s", (int)(slash - program), program, text_string(&best));
    } else if (program_is_executable(".", program)) {
        text_printf(text, "./%s", program);
    } else {
        program_scan_path(program, &best, &distance);
        text_add(text, text_string(&best));
    }
    text_done(&best);
    text_done(&folder);
}
