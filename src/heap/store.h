/* SPDX-License-Identifier: Apache-2.0 */
/* The model in a recording: checkpoints out, the newest whole checkpoint in. */
#ifndef MEMSCOPE_HEAP_STORE_H
#define MEMSCOPE_HEAP_STORE_H

#include "base/diag.h"
#include "heap/model.h"
#include "recording/reader.h"
#include "recording/writer.h"

struct store; /* what of the model is in the file already */

/* The writer stays the caller's, and open; for store_free. NULL: no memory. */
struct store *store_new(struct recording_writer *writer);
void store_free(struct store *store);

/*
 * Appends what changed since the last call and a commit chunk; `finished` marks the last one.
 * When the file has grown past twice its live size, and at the end, it is rewritten and takes the
 * name by rename (never with events in it). Settles the model; its cost is a pass over cells, rows
 * and live blocks. Returns 0, RECORDING_OFF when the file failed before, or a negative result.
 *
 * A model without a feed (loaded, then symbolized) can be written once, with finished as it was.
 */
int store_checkpoint(struct store *store, struct model *model, bool finished, struct diag *diag);

/*
 * Writes the whole model into a new recording, beside the session's own: what a store has noted as
 * saved stays so. Settles the model. Results as store_checkpoint.
 */
int store_snapshot(struct recording_writer *writer, struct model *model, struct diag *diag);

/*
 * Loads the newest whole checkpoint; every index in it is valid, and it is settled. Returns 0, or 1
 * when the recording was not finished or is cut or damaged behind that checkpoint (diag says where
 * it ends and how much time is missing), or a negative result.
 */
int store_load(struct recording_reader *reader, struct model **ret_model, struct diag *diag);

#endif
