/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting the `memscope` executable from inside the program, for calls that the program makes on
 * purpose; never from a hook. The program gets no SIGCHLD and its wait functions never see the
 * child: it is made with exit signal 0.
 */
#ifndef MEMSCOPE_CAPTURE_HELPER_H
#define MEMSCOPE_CAPTURE_HELPER_H

#include <stdint.h>

enum { HELPER_PATH_MAX = 896, HELPER_TEXT_MAX = 240 };

/* Results besides 0 and negative errnos. */
enum { HELPER_FAILED = 1, HELPER_TIMEOUT = 2, HELPER_MISSING = 3, HELPER_FORBIDDEN = 4 };

/* One run. Descriptors of -1 are /dev/null. */
struct helper {
    const char *const *argv; /* argv[0] is filled in by helper_run; ends with NULL */
    int in_fd, out_fd;
    uint64_t timeout_ms;
    char text[HELPER_TEXT_MAX]; /* HELPER_FAILED: what it said last, else "" */
};

/*
 * Finds the executable: $MEMSCOPE_EXE, the one that records this process, beside or above the
 * library, where it was to be installed, in PATH. 0, or HELPER_MISSING.
 */
int helper_find(char ret_path[HELPER_PATH_MAX]);

/* Runs it to its end. */
int helper_run(struct helper *helper);

#endif
