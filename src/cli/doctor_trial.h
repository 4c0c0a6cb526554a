/* SPDX-License-Identifier: Apache-2.0 */
/* A recording of this program itself: whether all that a recording needs works together. */
#ifndef MEMSCOPE_CLI_DOCTOR_TRIAL_H
#define MEMSCOPE_CLI_DOCTOR_TRIAL_H

#include <stdbool.h>

#include "base/text.h"

/*
 * Runs `memscope run` on `memscope --version` and waits for its JSON, 20 s at the most. False: no
 * allocation was recorded, and why is appended to the text (one clause, without memory nothing).
 */
bool doctor_trial(struct text *why);

#endif
