/* SPDX-License-Identifier: Apache-2.0 */
/* What can be known of a program before it starts: where it is, and whether a preload reaches it.
 */
#ifndef MEMSCOPE_LAUNCH_PROGRAM_H
#define MEMSCOPE_LAUNCH_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

enum { PROGRAM_PATH_MAX = 4096 };

enum program_reach {
    PROGRAM_REACHED,    /* the library will be loaded into it */
    PROGRAM_STATIC,     /* no dynamic loader */
    PROGRAM_FOREIGN,    /* another architecture or word size */
    PROGRAM_OTHER_LIBC, /* a loader that is not glibc's */
    PROGRAM_SET_ID,     /* set-user-ID, set-group-ID or capabilities: the loader drops preloads */
    PROGRAM_SANITIZED,  /* built with ASan, TSan or MSan, which want to be first */
};

struct program {
    char path[PROGRAM_PATH_MAX];        /* what execve gets */
    char interpreter[PROGRAM_PATH_MAX]; /* of a script; "" otherwise */
    enum program_reach reach;           /* of the binary that will run in the end */
    bool imports_threads;               /* it names pthread_create itself */
};

/*
 * Finds argv0 as a shell would. 0; ERR_MISSING: there is none (diag says which, and "did you mean
 * ./x?" where that would do); ERR_DENIED: it is there and cannot be executed.
 */
int program_find(const char *argv0, struct program *ret_program, struct diag *diag);

/* Why it cannot be recorded, to go behind "PROGRAM runs unrecorded: "; NULL when it is reached. */
const char *program_reach_text(enum program_reach reach);

#endif
