/* SPDX-License-Identifier: Apache-2.0 */
/* Where the library lies that goes into the target. */
#ifndef MEMSCOPE_COLLECT_LIBRARY_H
#define MEMSCOPE_COLLECT_LIBRARY_H

#include "base/diag.h"

enum { LIBRARY_PATH_MAX = 1024 };

/*
 * Finds libmemscope.so: MEMSCOPE_LIBRARY, beside the executable, ../lib of it (with or without the
 * multiarch folder), the build folder's place. ERR_MISSING: the diag says where it looked.
 */
int library_find(char ret_path[LIBRARY_PATH_MAX], struct diag *diag);

/*
 * Whether the library at path lays out shared memory as this executable does: one of another build
 * would leave every program unrecorded. 0, or ERR_STATE with the sentence.
 */
int library_check(const char *path, struct diag *diag);

#endif
