/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process's one recording, as the API sees it: found, or started; switched on while sessions
 * want it and off when none does; asked for what it has.
 *
 * All but recorder_forked wait for a lock that a fork cannot leave taken.
 */
#ifndef MEMSCOPE_API_RECORDER_H
#define MEMSCOPE_API_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "api/backend.h"
#include "wire/control.h"

/* What a session holds of the recording. Zeroed = nothing. */
struct recorder_hold {
    uint32_t image;   /* the memory it was taken in (lock_image); 0 = not held */
    uint32_t ordinal; /* of the recording in the process */
};

/*
 * Joins the recording, or starts one as the plan says, and verifies that hooks see allocations.
 * status: as it stands then.
 */
int recorder_take(const struct backend_plan *plan, struct recorder_hold *ret_hold,
                  struct control_status *ret_status, struct memscope_error *error);

/* Gives it back; the last one that does switches recording off where the API had switched it on. */
void recorder_give(struct recorder_hold *hold);

/* True when the hold is another process's: this one was forked. */
bool recorder_forked(const struct recorder_hold *hold);

/* A barrier: every event before the call is in the figures, unless *ret_partial. */
int recorder_status(struct control_status *ret_status, bool *ret_partial,
                    struct memscope_error *error);

/* The recording up to now, as a descriptor. */
int recorder_snapshot(long *ret_fd, bool *ret_partial, struct memscope_error *error);

/* The strategy in force, AUTO when nothing is recorded. */
int recorder_strategy(void);

#endif
