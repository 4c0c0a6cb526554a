/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a collector from inside the program: by hand-set variables, or by the API. */
#ifndef MEMSCOPE_CAPTURE_BEGIN_H
#define MEMSCOPE_CAPTURE_BEGIN_H

#include <stdint.h>

#include "wire/begin.h"
#include "wire/segment.h"

/*
 * Starts `executable collect -- options` for this process, by system calls alone: no SIGCHLD, no
 * child that the program's waits could see. Takes at most BEGIN_WAIT_S. On success door.variable
 * is set, *ret_fd is to be closed with begin_release once the segment is mapped (door_open), and 0
 * is returned; otherwise a negative errno, and *ret_reply has the collector's sentence or "".
 * envp is the program's own environment; the collector gets it without our variables.
 */
long begin_collector(const char *executable, const char *options, char *const *envp, long *ret_fd,
                     struct begin_reply *ret_reply);
void begin_release(long fd);

/*
 * LD_PRELOAD with our library and a variable MEMSCOPE: the user's way to be recorded without
 * `memscope run`. Begins a session and maps the first view_bytes of its segment; our variables are
 * taken out of envp. NULL: not asked for, or it failed, which is said on standard error.
 */
struct wire_segment *begin_by_hand(char **envp, uint64_t view_bytes);

/* The executable that begin_collector should start: $MEMSCOPE_EXE, else the installed one. */
const char *begin_executable(char *const *envp);

#endif
