/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which memory a walk may read: the stack that the walk is on.
 *
 * A thread's own stack, from the present stack pointer to its end, is always mapped; its bounds
 * come from words that are there anyway, without a call. Any other stack (a signal's, a
 * coroutine's) is asked of the kernel page by page, on each walk anew, since it may have gone.
 */
#ifndef MEMSCOPE_CAPTURE_UNWIND_RANGE_H
#define MEMSCOPE_CAPTURE_UNWIND_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct unwind_range {
    uintptr_t lo, hi; /* [lo, hi) may be read; both multiples of 8 */
    bool own;         /* the thread's own stack: the bounds stay true while the thread lives */
};

/* The end of the first thread's stack: __libc_stack_end. */
void unwind_range_config(uintptr_t main_stack_end);

/* From now on no system call may be made: foreign stacks are one frame deep. */
void unwind_range_forbid_calls(void);

/* The range around `sp`. Empty (lo = hi) when the memory at sp cannot be asked for. */
struct unwind_range unwind_range_of(uintptr_t sp);

/* Makes `address` part of a range that is not the thread's own; false when it cannot be. */
bool unwind_range_extend(struct unwind_range *range, uintptr_t address);

/* Whether the kernel says that 8 bytes at `address` can be read; false when it may not be asked. */
bool unwind_range_readable(uintptr_t address);

/* Reads a word of the range. */
static inline bool unwind_read(struct unwind_range *range, uintptr_t address, uintptr_t *ret_word)
{
    if (address % 8 != 0 ||
        (address - range->lo >= range->hi - range->lo && !unwind_range_extend(range, address)))
        return false;
    *ret_word = *(const uintptr_t *)address;
    return true;
}

#endif
