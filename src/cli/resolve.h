/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and lines for addresses of a recording that have none. Debug files are found by build-id;
 * a module without one is read only if its file is older than the recording.
 */
#ifndef MEMSCOPE_CLI_RESOLVE_H
#define MEMSCOPE_CLI_RESOLVE_H

#include <stdbool.h>

#include "base/diag.h"
#include "base/map.h"
#include "base/vec.h"
#include "heap/model.h"
#include "symbol/client.h"

/* Zeroed but for the model. */
struct resolve {
    struct model *model;
    struct symbol_client *client;
    VEC(uint32_t) model_module; /* by module of the client */
    struct map locations;       /* hash of module and offset -> location */
    size_t asked_n, named_n, lined_n;
};

/* A location that a debug file may tell more of. */
bool resolve_wants(const struct model *model, const struct model_location *location);

/*
 * Asks for all that is wanted, waits at most wait_s seconds, and adds what was found to the model.
 * debug_path: a folder of debug files, or NULL. debuginfod: servers may be asked as well.
 */
int resolve_model(struct resolve *work, const char *debug_path, bool debuginfod, unsigned wait_s,
                  struct diag *diag);
void resolve_done(struct resolve *work);

#endif
