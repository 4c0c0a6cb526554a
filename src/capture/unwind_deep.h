/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks that are deeper than a thread's arrays may grow. */
#ifndef MEMSCOPE_CAPTURE_UNWIND_DEEP_H
#define MEMSCOPE_CAPTURE_UNWIND_DEEP_H

#include "capture/unwind_reuse.h"

/* The id of such a stack, flagged truncated; 0 when it could not be written. The thread's arrays
 * have their full size, and the pending ones hold the stack from the leaf on. */
uint64_t unwind_deep_id(struct unwind_thread *thread, struct unwind_state leaf);

#endif
