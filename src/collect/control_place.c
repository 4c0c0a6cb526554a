/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders are opened without following their last link, and used through the descriptor: what was
 * checked is what is used.
 */
#include "collect/control_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Who may own a folder that we use. */
static bool place_is_trusted(int fd, bool any_owner)
{
    struct stat info;
    return fstat(fd, &info) == 0 && S_ISDIR(info.st_mode) &&
           (any_owner || info.st_uid == geteuid()) && (info.st_mode & 077) == 0;
}

/* base/part/part, the parts made 0700 where they are missing. */
static int place_open(const char *base, const char *parts, bool make, bool any_owner,
                      struct control_place *ret_place)
{
    struct control_place place = {.fd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (place.fd < 0 ||
        snprintf(place.path, sizeof place.path, "%s/%s", base, parts) >= (int)sizeof place.path) {
        control_place_done(&place);
        return ERR_MISSING;
    }
    char names[64];
    snprintf(names, sizeof names, "%s", parts);
    char *state = NULL;
    for (char *name = strtok_r(names, "/", &state); name; name = strtok_r(NULL, "/", &state)) {
        if (make)
            (void)mkdirat(place.fd, name, 0700);
        int next = openat(place.fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(place.fd);
        place.fd = next;
        if (next < 0)
            return ERR_MISSING;
    }
    if (!place_is_trusted(place.fd, any_owner)) {
        control_place_done(&place);
        return ERR_MISSING;
    }
    *ret_place = place;
    return 0;
}

static const char *place_home(char *space, size_t space_bytes)
{
    const char *home = getenv("HOME");
    if (home && *home == '/')
        return home;
    struct passwd user, *found = NULL;
    if (getpwuid_r(geteuid(), &user, space, space_bytes, &found) != 0 || !found || !user.pw_dir)
        return NULL;
    return *user.pw_dir == '/' ? user.pw_dir : NULL;
}

/* $XDG_RUNTIME_DIR must be the user's own: sudo often leaves another's. */
static int place_runtime(bool make, struct control_place *ret_place)
{
    char folder[64];
    struct stat info;
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (!runtime || *runtime != '/') {
        snprintf(folder, sizeof folder, "/run/user/%d", (int)geteuid());
        runtime = folder;
    }
    if (stat(runtime, &info) < 0 || info.st_uid != geteuid())
        return ERR_MISSING;
    return place_open(runtime, "memscope", make, false, ret_place);
}

static int place_state(bool make, struct control_place *ret_place)
{
    char space[4096];
    const char *state = getenv("XDG_STATE_HOME");
    if (state && *state == '/' &&
        place_open(state, "memscope/sessions", make, false, ret_place) == 0)
        return 0;
    const char *home = place_home(space, sizeof space);
    return home ? place_open(home, ".local/state/memscope/sessions", make, false, ret_place) : -1;
}

int control_place_make(struct control_place *ret_place, struct diag *diag)
{
    if (place_runtime(true, ret_place) == 0 || place_state(true, ret_place) == 0)
        return 0;
    return diag_set(diag, ERR_IO,
                    "no folder for the control socket: neither XDG_RUNTIME_DIR nor the state "
                    "directory can be written");
}

size_t control_places(struct control_place *places, size_t max)
{
    size_t n = 0;
    n += n < max && place_runtime(false, &places[n]) == 0;
    n += n < max && place_state(false, &places[n]) == 0;
    DIR *users = geteuid() == 0 ? opendir("/run/user") : NULL;
    for (struct dirent *entry; users && n < max && (entry = readdir(users));) {
        char base[300];
        snprintf(base, sizeof base, "/run/user/%s", entry->d_name);
        n += entry->d_name[0] != '.' && strcmp(entry->d_name, "0") != 0 &&
             place_open(base, "memscope", false, true, &places[n]) == 0;
    }
    if (users)
        closedir(users);
    return n;
}

void control_place_done(struct control_place *place)
{
    if (place->fd >= 0)
        close(place->fd);
    place->fd = -1;
}
