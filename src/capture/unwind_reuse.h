/* SPDX-License-Identifier: Apache-2.0 */
/* The previous capture of a thread, and how the next one re-uses it. */
#ifndef MEMSCOPE_CAPTURE_UNWIND_REUSE_H
#define MEMSCOPE_CAPTURE_UNWIND_REUSE_H

#include "capture/stack.h"
#include "capture/unwind.h"
#include "capture/unwind_step.h"

enum { UNWIND_LIVE_BIT = 31 };

struct unwind_frame {
    struct unwind_state state;
    struct stack_key key; /* of the stack from the root up to here */
    uint64_t id;          /* its id, 0 when not looked up */
    uintptr_t bp_at;      /* where the caller's bp was saved, 0 when this frame left it alone */
    uint32_t rule;        /* bit 31: some step from here to the root depends on bp */
    uint16_t checks_end;  /* checks of all frames from the root up to here */
    uint16_t flags;       /* WIRE_STACK_*, of the stack up to here */
};

struct unwind_check {
    uintptr_t address, value;
};

struct unwind_pending {
    struct unwind_state state;
    uint32_t rule;
};

struct unwind_walked {
    uint32_t kept;                  /* frames 1..kept stand */
    uint32_t pending;               /* and these lie above them */
    enum unwind_step_result result; /* how the walk ended when kept is 0 */
    uintptr_t end;                  /* sp after the last step, for UNWIND_ZERO */
};

/* Walks from `leaf` until the rest of the stack is proven to be as it was, or to the root.
 * Negative when the walk met what is not re-used, positive when the stack is deeper than the
 * arrays may grow: the pending ones are then its leaf side. The cache is as before. */
int unwind_reuse_walk(struct unwind_thread *thread, struct unwind_state leaf,
                      struct unwind_walked *ret_walked);

/* Whether frames 1..count still have all the words that they depend on. */
bool unwind_reuse_holds(const struct unwind_thread *thread, uint32_t count);

/* Puts what was walked on top of what stands. Negative when there is no room. */
int unwind_reuse_push(struct unwind_thread *thread, const struct unwind_walked *walked);

/* Doubles the arrays up to UNWIND_DEPTH_MAX; keeps `pending` entries. Negative when it cannot. */
int unwind_reuse_grow(struct unwind_thread *thread, uint32_t pending);

#endif
