/* SPDX-License-Identifier: Apache-2.0 */
/* Deliberate faults in the re-use of stacks, so that the tests can show that they would notice.
 * The library is built with none. */
#ifndef MEMSCOPE_CAPTURE_UNWIND_MUTATION_H
#define MEMSCOPE_CAPTURE_UNWIND_MUTATION_H

#ifndef UNWIND_MUTATION
#define UNWIND_MUTATION 0
#endif

enum {
    UNWIND_MUTATE_NOTHING,
    UNWIND_MUTATE_NO_CHECKS,      /* believe the old stack from a matching frame on */
    UNWIND_MUTATE_NO_BP_CHECKS,   /* do not compare saved frame pointers */
    UNWIND_MUTATE_STALE_BP,       /* after a difference go on with the old frame pointer */
    UNWIND_MUTATE_BP_NOT_MATCHED, /* take frames for equal whatever their frame pointer */
    UNWIND_MUTATE_NO_MEMO_CHECKS, /* believe that a stack with a known leaf has come again */
    UNWIND_MUTATE_MEMO_BP,        /* take leaves for equal whatever their frame pointer */
};

static inline int unwind_mutated(int mutation)
{
    return UNWIND_MUTATION == mutation;
}

#endif
