/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drain: a thread that copies committed records out of the segment, gives pages back, and
 * keeps the clock. It never writes to a descriptor (but to wake the model thread), never waits for
 * the model while there is room, and takes nothing in the segment on trust.
 */
#ifndef MEMSCOPE_COLLECT_DRAIN_H
#define MEMSCOPE_COLLECT_DRAIN_H

#include <stdatomic.h>

#include "base/diag.h"
#include "collect/intake.h"
#include "collect/segment.h"

struct drain;

int drain_start(struct segment *segment, struct intake *intake, struct drain **ret_drain,
                struct diag *diag);

/* All threads of this process slot are gone for good: its lanes can be closed. */
void drain_process_gone(struct drain *drain, uint32_t process_slot);

/* The slot may be used by another process: every lane of the last one was reported closed. */
void drain_process_reset(struct drain *drain, uint32_t process_slot);

/*
 * Asks for a full round. Whatever was committed before the call is in the batches up to the first
 * one whose `flush` has reached the returned number.
 */
uint64_t drain_flush(struct drain *drain);

/* While somebody waits for the last rounds of a process: the thread naps as briefly as it can. */
void drain_hurry(struct drain *drain, bool hurry);

/* Stops the thread, with everything committed so far in the intake, and lets it go on. */
void drain_pause(struct drain *drain);
int drain_resume(struct drain *drain);

/* Ends the thread, unless it is paused, and frees the drain. */
void drain_free(struct drain *drain);

/* How long recording was off because no collector was looking. */
uint64_t drain_gap_ticks(const struct drain *drain);

/* What the rounds found waiting; a round begins when the one before is over. */
struct drain_found {
    uint64_t slots_n, rounds_n; /* rounds that found any */
    uint64_t most;              /* slots in one round */
};
struct drain_found drain_found(const struct drain *drain);

/* The lanes' counters; only what is atomic in it may be read. */
const struct counts *drain_counts(const struct drain *drain);

#endif
