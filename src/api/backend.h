/* SPDX-License-Identifier: Apache-2.0 */
/* Backends and the sessions that they hold: what both files, and the tracker, share. */
#ifndef MEMSCOPE_API_BACKEND_H
#define MEMSCOPE_API_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "memscope/memscope.h"

/* How tracking should be done. */
struct backend_plan {
    struct memscope_backend_config config;
    int strategy;     /* filled in by backend_new */
    bool is_forced;   /* no other strategy will do; filled in by backend_new */
    bool joins_any;   /* a recording under way is joined whatever it is */
    bool is_measured; /* a recording that is begun tells what it costs */
    bool track_tasks; /* also where the strategy does not ask for it */
};

/* Makes a backend of a plan, which is copied; the caller owns it. MEMSCOPE_E_INVALID,
 * MEMSCOPE_E_MEMORY. */
int backend_new(const struct backend_plan *plan, memscope_backend **ret_backend,
                struct memscope_error *error);

#endif
