/* SPDX-License-Identifier: Apache-2.0 */
/* One recorded run of a program, from its start to a finished recording. */
#ifndef MEMSCOPE_COLLECT_RUN_H
#define MEMSCOPE_COLLECT_RUN_H

#include "base/diag.h"
#include "launch/request.h"

/*
 * Runs the program of the request as if it had been started by itself, records it, and leaves a
 * finished recording. Signals that arrive meanwhile are handled as hazard 49 says: the terminal's
 * go to the program alone, others are passed on.
 *
 * Returns 0 and fills *ret_result when the program ran or could not be started (`end` tells), or a
 * negative result when memscope itself failed before it could start the program; `diag` then says
 * what and what to do. Not reentrant: one run at a time in a process.
 */
int run_program(const struct run_request *request, struct launch_result *ret_result,
                struct diag *diag);

/*
 * As run_program, but this process becomes the program: its pid stays. Returns only when that
 * failed: 0 with ret_result->end telling why, or a negative result.
 */
int run_become(const struct run_request *request, struct launch_result *ret_result,
               struct diag *diag);

/*
 * Becomes the collector of the process at the other end of `socket` (wire/begin.h); returns the
 * collector's exit status. The request's argv and program are those of the process.
 */
int run_asked(const struct run_request *request, pid_t asker, int socket);

#endif
