/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door: how a new image finds the session.
 *
 * Two variables of the environment bring it: our entry in LD_PRELOAD, and
 * MEMSCOPE_DOOR=<collector pid>.<descriptor>.<key>, key being 32 hex digits. Both are taken out of
 * the environment in place before the program looks.
 */
#ifndef MEMSCOPE_CAPTURE_DOOR_H
#define MEMSCOPE_CAPTURE_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/segment.h"

#define DOOR_VARIABLE "MEMSCOPE_DOOR="
enum { DOOR_TEXT_MAX = 96, DOOR_PATH_MAX = 1024 };

/* What an exec hook needs to let the next image in. */
struct door {
    char variable[DOOR_TEXT_MAX]; /* the whole MEMSCOPE_DOOR=... */
    char library[DOOR_PATH_MAX];  /* our path, as it stood in LD_PRELOAD */
    bool is_foreign;              /* the session was found, it is of another version */
};

extern struct door door;

/*
 * Takes our variables out of envp, opens the segment they name and maps its first view_bytes.
 * Returns it, or NULL: there is no session, or it cannot be reached.
 */
struct wire_segment *door_enter(char **envp, uint64_t view_bytes);

/* The same for the session that door.variable names. */
struct wire_segment *door_open(uint64_t view_bytes);

/* Opens /proc/PID/stat of the collector: a descriptor or a negative errno. */
long door_collector_stat(void);

#endif
