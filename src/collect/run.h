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

#endif
