/* SPDX-License-Identifier: Apache-2.0 */
/* Which copy of the library owns the process, where an executable carries one and another comes. */
#ifndef MEMSCOPE_CAPTURE_OWNER_H
#define MEMSCOPE_CAPTURE_OWNER_H

#include <stdbool.h>

/*
 * True when the executable has a copy of the library linked into it and we are another one: its
 * malloc stands before ours, so the session is its. Needs the executable's program headers.
 */
bool owner_is_executable(void);

#endif
