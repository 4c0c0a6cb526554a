/* SPDX-License-Identifier: Apache-2.0 */
/* How a backend is made from more than its public configuration. */
#ifndef MEMSCOPE_API_BACKEND_H
#define MEMSCOPE_API_BACKEND_H

#include <stdbool.h>

#include "memscope/memscope.h"

struct backend_plan {
    struct memscope_backend_config config;
    bool track_tasks;
};

int backend_new(const struct backend_plan *plan, memscope_backend **ret_backend,
                struct memscope_error *error);

#endif
