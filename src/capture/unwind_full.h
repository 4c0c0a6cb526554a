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

#endif
