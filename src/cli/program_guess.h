/* SPDX-License-Identifier: Apache-2.0 */
/* Did you mean, for programs: the executable nearest to a name that was not found. */
#ifndef MEMSCOPE_CLI_PROGRAM_GUESS_H
#define MEMSCOPE_CLI_PROGRAM_GUESS_H

#include "base/text.h"

/*
 * Appends the path or name of the executable that is nearest to `program`, as one would type it:
 * in its folder if it names one; else in PATH, and "./program" if it lies in the working folder.
 * Nothing is appended when nothing is near.
 */
void program_add_guess(struct text *text, const char *program);

#endif
