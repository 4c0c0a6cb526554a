/* SPDX-License-Identifier: Apache-2.0 */
/* The plain walk: frame after frame by the rules, remembering nothing from the walk before. */
#ifndef MEMSCOPE_CAPTURE_UNWIND_WALK_H
#define MEMSCOPE_CAPTURE_UNWIND_WALK_H

#include "capture/unwind_step.h"

struct unwind_walk {
    struct unwind_state state; /* the present frame */
    struct unwind_range range;
    uintptr_t context; /* ucontext of the last signal frame passed, 0 when none */
    uint32_t flags;    /* WIRE_STACK_*, of the frames so far */
};

void unwind_walk_start(struct unwind_walk *walk, struct unwind_state leaf);

/* Goes on to the caller; false when the present frame is the last. */
bool unwind_walk_next(struct unwind_walk *walk);

#endif
