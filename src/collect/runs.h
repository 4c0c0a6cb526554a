/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of one lane: runs in the order of their places, that is of reservation.
 *
 * For one address that order is the true one: a free is reserved before the real free and an
 * allocation after the real malloc. Stamps need not rise along it: a signal handler's records lie
 * behind the one that it interrupted and are older, and in a common lane another thread may be
 * stopped between its reservation and its stamp for any time. But what lies behind a record was
 * reserved after it, so a record may count as early as the earliest stamp behind it: it did not
 * return to the program before that. Stamps in a queue are lowered so, and rise.
 */
#ifndef MEMSCOPE_COLLECT_RUNS_H
#define MEMSCOPE_COLLECT_RUNS_H

#include <stdbool.h>

#include "collect/intake.h"

struct runs {
    struct intake_run *first, *last;
};

/* How many slots the record at slot i of a run has. */
unsigned run_record_slots(const struct intake_run *run, unsigned i);

/*
 * Puts a run where its place is; its stamps count as `latest` at the most. True: the stamp at the
 * front of the queue is another one than before. *ret_spare: a run that is no longer needed, or
 * NULL.
 */
bool runs_add(struct runs *runs, struct intake_run *run, uint64_t latest,
              struct intake_run **ret_spare);

/* Stamp of the first record that was not fed; the queue must have one. */
uint64_t runs_stamp(const struct runs *runs);

/* Takes the first run out. */
struct intake_run *runs_take(struct runs *runs);

#endif
