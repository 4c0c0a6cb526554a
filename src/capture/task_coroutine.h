/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C++20 coroutines of gcc and clang, by a rule on the stack.
 *
 * The body of a coroutine is a function of its own, and its state a heap block that begins with the
 * address of that function. So the innermost frame that holds, in a register or a slot of its own,
 * the address of a block which begins with this frame's function, runs the coroutine of the block.
 * Only done in programs whose symbols name such functions (WIRE_FOUND_COROUTINES).
 */
#ifndef MEMSCOPE_CAPTURE_TASK_COROUTINE_H
#define MEMSCOPE_CAPTURE_TASK_COROUTINE_H

#include "capture/emit.h"
#include "capture/lane.h"

/* Makes the coroutine that the thread runs its current task; after the capture of a stack. */
void task_coroutine_find(struct lane_state *state, const struct hook_frame *frame);

#endif
