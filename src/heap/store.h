/* SPDX-License-Identifier: Apache-2.0 */
/* The model in a recording: checkpoints out, the newest whole checkpoint in. */
#ifndef MEMSCOPE_HEAP_STORE_H
#define MEMSCOPE_HEAP_STORE_H

#include "base/diag.h"
#include "heap/model.h"
#include "recording/reader.h"
#include "recording/writer.h"

struct store; /* what of the model is in the file already */

struct store *store_new(struct recording_writer *writer);
void store_free(struct store *store);

/*
 * Appends what changed since the last call and a commit chunk; `finished` marks the last one.
 * When the file has grown past twice its live size it is rewritten and takes the name by rename.
 */
int store_checkpoint(struct store *store, struct model *model, bool finished, struct diag *diag);

/*
 * Loads the newest whole checkpoint. Returns 0, or 1 when the file is cut or damaged behind it
 * (diag says where it ends and how much time is missing), or a negative result.
 */
int store_load(struct recording_reader *reader, struct model **ret_model, struct diag *diag);

#endif
