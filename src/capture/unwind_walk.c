/* SPDX-License-Identifier: Apache-2.0 */
/* The plain walk: frame after frame by the rules, remembering nothing from the walk before. */
#include "capture/unwind_walk.h"

#include "capture/unwind_full.h"
#include "wire/event.h"

void unwind_walk_start(struct unwind_walk *walk, struct unwind_state leaf)
{
    *walk = (struct unwind_walk){.state = leaf, .range = unwind_range_of(leaf.sp)};
    if (!walk->range.own)
        walk->flags |= WIRE_STACK_UNKNOWN_RANGE;
}

/* After a signal frame the interrupted frame may be on another stack. */
static void walk_find_range(struct unwind_walk *walk)
{
    uintptr_t sp = walk->state.sp;
    if (sp - walk->range.lo < walk->range.hi - walk->range.lo)
        return;
    walk->range = unwind_range_of(sp);
    if (!walk->range.own)
        walk->flags |= WIRE_STACK_UNKNOWN_RANGE;
}

bool unwind_walk_next(struct unwind_walk *walk)
{
    uint32_t rule = unwind_rule_get(walk->state.pc);
    uint32_t kind = unwind_rule_kind(rule);
    uintptr_t sp = walk->state.sp;
    enum unwind_step_result result = unwind_step(&walk->state, rule, &walk->range);
    if (__builtin_expect(kind > UNWIND_WIDE, 0)) {
        if (kind == UNWIND_COMPLEX)
            result = unwind_full_step(walk);
        if (kind == UNWIND_GUESS)
            walk->flags |= WIRE_STACK_GUESSED;
        if (kind == UNWIND_SIGNAL && result == UNWIND_STEPPED) {
            walk->context = sp;
            walk_find_range(walk);
        }
    }
    if (result == UNWIND_STEPPED)
        return true;
    if (unwind_truncated(result, rule))
        walk->flags |= WIRE_STACK_TRUNCATED;
    return false;
}
