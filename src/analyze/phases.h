/* SPDX-License-Identifier: Apache-2.0 */
/* The phases of the hybrid strategy: what it had to be from when on. */
#ifndef MEMSCOPE_ANALYZE_PHASES_H
#define MEMSCOPE_ANALYZE_PHASES_H

#include "heap/model.h"

enum { PHASES_MAX = 3 };

struct phase {
    const char *strategy; /* SingleThread, ThreadLocal or AsyncOptimized */
    uint64_t from_ns;
};

/*
 * The root process's phases in order of time: one thread, several, tasks. Fills ret_phases and
 * returns how many; 0: the session was not hybrid.
 */
size_t phases_of(const struct model *model, struct phase *ret_phases);

#endif
