/* SPDX-License-Identifier: Apache-2.0 */
/* run --live: views of the program while it runs, on standard error. */
#ifndef MEMSCOPE_CLI_RUN_LIVE_H
#define MEMSCOPE_CLI_RUN_LIVE_H

#include <sys/types.h>

/*
 * Starts `memscope live --plain` on the program, a view each interval_s, the first after one.
 * Returns its pid, or -1 when it cannot be started: the program runs all the same.
 */
pid_t run_live_begin(pid_t program, double interval_s);

/* Ends it and waits for its end; nothing with -1. */
void run_live_end(pid_t viewer);

#endif
