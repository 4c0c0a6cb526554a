/* SPDX-License-Identifier: Apache-2.0 */
/* Records within a run of slots. */
#ifndef MEMSCOPE_COLLECT_RUNS_H
#define MEMSCOPE_COLLECT_RUNS_H

#include "collect/intake.h"

/* How many slots the record at slot i has, at least 1. */
unsigned run_record_slots(const struct intake_run *run, unsigned i);

/* Puts the records into the order of their stamps; see the function. */
void run_sort(struct intake_run *run);

#endif
