/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line says about which processes are recorded, as the segment holds it. */
#ifndef MEMSCOPE_LAUNCH_CHOICE_H
#define MEMSCOPE_LAUNCH_CHOICE_H

#include <stdbool.h>

#include "base/diag.h"
#include "launch/request.h"
#include "wire/choice.h"

/*
 * Fills the lists: the request's patterns, and the tools that the root command implies (cargo run
 * and npm test are about the program, make and cargo build are not). ERR_LIMIT: too many patterns.
 */
int choice_fill(struct wire_choice *ret_choice, const struct run_request *request,
                struct diag *diag);

/* True under `sh -c COMMAND`: the first image of the session is passed over. */
bool choice_passes_root(const struct run_request *request);

/*
 * The sentence for programs that start others elsewhere, out of our reach ("docker run"); NULL:
 * none. Points into static memory.
 */
const char *choice_elsewhere(char *const *argv);

#endif
