/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks of a thread that come again, recognised by their words: no walk, no key, no look-up.
 *
 * What a capture gives depends on the leaf's pc, sp and (where it is live) bp, and on the words
 * that its steps read. The re-use of the last capture knows all of these as its checks. A stack
 * that was captured twice from one place is kept here with them; where they all still have their
 * values a walk would give the same frames, so the id is the same. The last capture stays as it
 * was. A miss costs little, and a thread whose stacks do not come again does without for a while,
 * which grows with every try in vain.
 */
#ifndef MEMSCOPE_CAPTURE_UNWIND_MEMO_H
#define MEMSCOPE_CAPTURE_UNWIND_MEMO_H

#include <stdint.h>

#include "capture/unwind.h"

/* Captures until a thread begins to remember, and between one try and the next: after two tries
 * in vain twice as many each time. */
enum { UNWIND_MEMO_PAUSE = 8192, UNWIND_MEMO_VAIN_MOST = 6 };

static inline uint32_t unwind_memo_pause(const struct unwind_thread *thread)
{
    return (uint32_t)UNWIND_MEMO_PAUSE << thread->memo_vain >> (thread->memo_vain != 0);
}

/* The id of the stack with this leaf, 0 when it is not remembered. Only while thread->memos. */
uint64_t unwind_memo_find(const struct unwind_thread *thread, uintptr_t pc, uintptr_t sp,
                          uintptr_t bp);

/* It was not: the thread's last capture, of this leaf, has this id. */
void unwind_memo_missed(struct unwind_thread *thread, uintptr_t pc, uintptr_t sp, uintptr_t bp,
                        uint64_t id);

/* Begins to remember, where there is memory to spare. */
void unwind_memo_begin(struct unwind_thread *thread);

/* Nothing that is remembered holds any longer. */
void unwind_memo_forget(struct unwind_thread *thread);

#endif
