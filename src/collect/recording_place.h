/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the recording lies: under a new name of ours, or in a neighbour of the file that the user
 * named, which takes that name when it is whole.
 */
#ifndef MEMSCOPE_COLLECT_RECORDING_PLACE_H
#define MEMSCOPE_COLLECT_RECORDING_PLACE_H

#include <stdint.h>

#include "base/diag.h"
#include "collect/run.h"
#include "recording/writer.h"

/* Zeroed = none. */
struct recording_place {
    char *path;  /* where it lies when it is done */
    char *other; /* where it lies until then; NULL: there already */
};

int recording_place_open(struct recording_place *place, const struct run_request *request,
                         int root_pid, uint64_t start_unix_ns, struct recording_writer **ret_writer,
                         struct diag *diag);

/* Where it lies now. */
const char *recording_place_now(const struct recording_place *place);

/* It is whole: gives it its name. Where that cannot be it stays where it is, and says so. */
void recording_place_settle(struct recording_place *place);

void recording_place_done(struct recording_place *place);

#endif
