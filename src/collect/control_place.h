/* SPDX-License-Identifier: Apache-2.0 */
/* Where control sockets lie, for those who make them and those who look for them. */
#ifndef MEMSCOPE_COLLECT_CONTROL_PLACE_H
#define MEMSCOPE_COLLECT_CONTROL_PLACE_H

#include <stddef.h>

#include "base/diag.h"

enum { CONTROL_PLACES_MAX = 64, CONTROL_PATH_MAX = 4096 };

/* A folder of ours, open. */
struct control_place {
    int fd;
    char path[CONTROL_PATH_MAX];
};

/*
 * Opens the folder for new sockets, and makes it (0700) where needed: in $XDG_RUNTIME_DIR, else in
 * the user's state directory. A folder that is not ours alone is refused.
 */
int control_place_make(struct control_place *ret_place, struct diag *diag);

/*
 * Opens the folders that may hold sockets whose sessions we may ask: our own, for root everybody's.
 * Returns how many.
 */
size_t control_places(struct control_place *places, size_t max);

void control_place_done(struct control_place *place);

#endif
