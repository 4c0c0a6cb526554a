/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that are not just an offset from the stack or frame pointer. */
#include "capture/unwind_step.h"

#include <stddef.h>

/* Reads the return address below `cfa`, which must lie above the present stack pointer. */
static enum unwind_step_result step_to(struct unwind_state *state, uintptr_t cfa, uintptr_t pc_at,
                                       uintptr_t bp, struct unwind_range *range)
{
    uintptr_t pc;
    if (cfa < state->sp + 8 || pc_at < state->sp || !unwind_read(range, pc_at, &pc))
        return UNWIND_UNREADABLE;
    state->sp = cfa;
    if (pc == 0)
        return UNWIND_ZERO;
    state->pc = pc;
    state->bp = bp;
    return UNWIND_STEPPED;
}

static enum unwind_step_result step_realigned(struct unwind_state *state, uint32_t rule,
                                              struct unwind_range *range)
{
    uintptr_t cfa, bp;
    uintptr_t at = state->bp - unwind_rule_offset(rule);
    if (at < state->sp || !unwind_read(range, at, &cfa) || !unwind_read(range, state->bp, &bp))
        return UNWIND_UNREADABLE;
    return step_to(state, cfa, cfa - 8, bp, range);
}

static enum unwind_step_result step_wide(struct unwind_state *state, uint32_t rule,
                                         struct unwind_range *range)
{
    const struct unwind_wide *wide = unwind_wide_of(rule);
    if (wide == NULL)
        return UNWIND_UNREADABLE;
    uintptr_t bp = state->bp;
    uintptr_t cfa = (wide->cfa_from_bp ? bp : state->sp) + (uintptr_t)wide->cfa_offset;
    if (wide->cfa_loaded && (cfa < state->sp || !unwind_read(range, cfa, &cfa)))
        return UNWIND_UNREADABLE;
    if (cfa < state->sp + 8)
        return UNWIND_UNREADABLE;
    const uintptr_t bases[] = {
            [UNWIND_BP_AT_CFA] = cfa,
            [UNWIND_BP_AT_BP] = state->bp,
            [UNWIND_BP_AT_SP] = state->sp,
    };
    if (wide->bp != UNWIND_BP_SAME) {
        uintptr_t at = bases[wide->bp] + (uintptr_t)wide->bp_offset;
        if (at < state->sp || !unwind_read(range, at, &bp))
            return UNWIND_UNREADABLE;
    }
    return step_to(state, cfa, cfa + (uintptr_t)(intptr_t)wide->pc_offset, bp, range);
}

/* The interrupted frame may be on another stack: the caller looks where the new sp lies. */
static enum unwind_step_result step_signal(struct unwind_state *state, struct unwind_range *range)
{
    uintptr_t pc, sp, bp;
    if (!unwind_read(range, state->sp + CPU_CONTEXT_BP, &bp) ||
        !unwind_read(range, state->sp + CPU_CONTEXT_SP, &sp) ||
        !unwind_read(range, state->sp + CPU_CONTEXT_PC, &pc) || sp % 8 != 0)
        return UNWIND_UNREADABLE;
    *state = (struct unwind_state){pc + 1, sp, bp};
    return UNWIND_STEPPED;
}

/* As if every function kept a frame pointer. */
static enum unwind_step_result step_guess(struct unwind_state *state, struct unwind_range *range)
{
    uintptr_t bp, pc;
    if (state->bp < state->sp || !unwind_read(range, state->bp, &bp) ||
        !unwind_read(range, state->bp + 8, &pc))
        return UNWIND_OUT;
    state->sp = state->bp + 16;
    if (pc == 0)
        return UNWIND_ZERO;
    state->pc = pc;
    state->bp = bp;
    return UNWIND_STEPPED;
}

enum unwind_step_result unwind_step_any(struct unwind_state *state, uint32_t rule,
                                        struct unwind_range *range)
{
    switch (unwind_rule_kind(rule)) {
    case UNWIND_REALIGNED:
        return step_realigned(state, rule, range);
    case UNWIND_WIDE:
        return step_wide(state, rule, range);
    case UNWIND_SIGNAL:
        return step_signal(state, range);
    case UNWIND_END:
        return UNWIND_ENDED;
    case UNWIND_GUESS:
        return step_guess(state, range);
    case UNWIND_COMPLEX:
        return UNWIND_NEEDS_REGISTERS;
    default:
        return unwind_step(state, rule, range);
    }
}
