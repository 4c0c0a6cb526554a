/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks that a thread keeps only for as long as it takes to give them an id: in the pending
 * array, leaf side first. */
#ifndef MEMSCOPE_CAPTURE_UNWIND_BUFFER_H
#define MEMSCOPE_CAPTURE_UNWIND_BUFFER_H

#include "capture/unwind_reuse.h"

/* The id of the `pending` frames, with `cached` frames of the cache before them on the root side;
 * 0 when it could not be written. */
uint64_t unwind_buffer_id(struct unwind_thread *thread, uint32_t cached, uint32_t pending,
                          uint32_t root_flags);

/* The id of a stack that is not the thread's own (a coroutine's, a signal's), which is not
 * re-used; 0 when it is too deep or could not be written. */
uint64_t unwind_foreign_id(struct unwind_thread *thread, struct unwind_state leaf);

/* The id of a stack deeper than the arrays may grow, flagged truncated; 0 when it could not be
 * written. The arrays have their full size, and the pending ones hold the stack from the leaf. */
uint64_t unwind_deep_id(struct unwind_thread *thread, struct unwind_state leaf);

#endif
