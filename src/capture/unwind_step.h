/* SPDX-License-Identifier: Apache-2.0 */
/* One step of a walk: from a frame to its caller. */
#ifndef MEMSCOPE_CAPTURE_UNWIND_STEP_H
#define MEMSCOPE_CAPTURE_UNWIND_STEP_H

#include "capture/unwind_range.h"
#include "capture/unwind_rule.h"

/* A frame: pc as in unwind_rule.h, and the registers as they are once its callee has returned. */
struct unwind_state {
    uintptr_t pc, sp, bp;
};

enum unwind_step_result {
    UNWIND_STEPPED = 0,
    UNWIND_ENDED = 1,      /* the outermost frame, by rule */
    UNWIND_ZERO = 2,       /* the outermost frame, by a return address of 0 at `sp - 8` */
    UNWIND_OUT = 3,        /* the state itself leads out of the stack: same state, same result */
    UNWIND_UNREADABLE = 4, /* words on the stack lead out of it */
    UNWIND_NEEDS_REGISTERS = 5,
};

/* Whether a walk that ended so has missed frames. A frame without rules ends as it may. */
static inline bool unwind_truncated(enum unwind_step_result result, uint32_t rule)
{
    return result >= UNWIND_OUT && unwind_rule_kind(rule) != UNWIND_GUESS;
}

/* Any kind of rule. The state is changed only by UNWIND_STEPPED, and by UNWIND_ZERO, which leaves
 * the CFA in state->sp. */
enum unwind_step_result unwind_step_any(struct unwind_state *state, uint32_t rule,
                                        struct unwind_range *range);

/* The two kinds that nearly all frames have. */
static inline enum unwind_step_result unwind_step(struct unwind_state *state, uint32_t rule,
                                                  struct unwind_range *range)
{
    uint32_t kind = unwind_rule_kind(rule);
    if (__builtin_expect(kind > UNWIND_FROM_BP, 0)) {
        /* A copy, so that the caller's state need not live in memory. */
        struct unwind_state rare = *state;
        enum unwind_step_result result = unwind_step_any(&rare, rule, range);
        *state = rare;
        return result;
    }
    uintptr_t sp = state->sp;
    uintptr_t cfa = (kind == UNWIND_FROM_SP ? sp : state->bp) + unwind_rule_offset(rule);
    uintptr_t slot = cfa - 8 * (uintptr_t)unwind_rule_slot(rule);
    if (__builtin_expect(cfa % 8 != 0 || cfa < sp + 8 || slot < sp, 0))
        return UNWIND_OUT;
    if (__builtin_expect(cfa - 8 >= range->hi && !unwind_range_extend(range, cfa - 8), 0))
        return UNWIND_OUT;
    uintptr_t pc = *(const uintptr_t *)(cfa - 8);
    state->sp = cfa;
    if (__builtin_expect(pc == 0, 0))
        return UNWIND_ZERO;
    /* Without a branch: which functions save bp follows no pattern. */
    uintptr_t words = unwind_rule_slot(rule);
    uintptr_t saved = -(uintptr_t)(words != 0);
    uintptr_t bp = *(const uintptr_t *)(slot - (~saved & 8));
    state->bp = (bp & saved) | (state->bp & ~saved);
    state->pc = pc;
    return UNWIND_STEPPED;
}

#endif
