/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that need registers beyond the stack and frame pointer. */
#ifndef MEMSCOPE_CAPTURE_UNWIND_FULL_H
#define MEMSCOPE_CAPTURE_UNWIND_FULL_H

#include "capture/unwind_walk.h"

/*
 * Leaves the walk's present frame, whose rule is UNWIND_COMPLEX. All registers are known only
 * where a signal saved them: the walk is repeated from the last signal frame, this time with
 * every register, up to the present frame. UNWIND_NEEDS_REGISTERS when no signal frame was
 * passed.
 */
enum unwind_step_result unwind_full_step(struct unwind_walk *walk);

/* A frame that was left with all its registers. */
struct unwind_full_frame {
    uintptr_t start, cfa; /* its function, and its end on the stack */
    uint32_t owned;       /* bit per register: the function saved it, and uses it itself */
    uintptr_t saved[CPU_REGISTERS]; /* where, for those */
};

/* Leaves the frame at *pc (as in unwind_rule.h) whose preserved registers are given: both become
 * the caller's. False at the outermost frame, and where there are no rules. ret_frame
 * may be NULL. */
bool unwind_full_leave(uint64_t *registers, uintptr_t *pc, struct unwind_range *range,
                       struct unwind_full_frame *ret_frame);

#endif
