/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers the stacks of a thread that come again. */
#include "capture/unwind_memo.h"

#include <stddef.h>

#include "capture/pool.h"
#include "capture/unwind_mutation.h"
#include "capture/unwind_reuse.h"

enum {
    MEMO_SET_BITS = 5,
    MEMO_WAYS = 4,
    MEMO_CHECKS = 48, /* stacks that depend on more words are not remembered */
    MEMO_MISSES = 1024,
    MEMO_HITS_LEAST = MEMO_MISSES / 2, /* in the time of so many misses, for it to be of use */
};

struct unwind_memo {
    uintptr_t pc, sp, bp;
    uintptr_t bp_mask; /* 0: bp is dead */
    uint64_t id;
    uint32_t count;               /* of words; 0: seen once, and not to be relied on */
    uint16_t places[MEMO_CHECKS]; /* of the words: how many lie between them and sp; leaf first */
    uint64_t values[MEMO_CHECKS];
};

enum { MEMO_BYTES = (sizeof(struct unwind_memo) * MEMO_WAYS) << MEMO_SET_BITS };

static inline struct unwind_memo *memo_set(struct unwind_memo *memos, uintptr_t pc, uintptr_t sp)
{
    uint64_t mixed = (pc ^ sp << 20) * 0x9e3779b97f4a7c15ull;
    return memos + (mixed >> (64 - MEMO_SET_BITS)) * MEMO_WAYS;
}

static inline uint64_t memo_difference(const struct unwind_memo *memo, const uint64_t *sp,
                                       uint32_t i)
{
    return sp[memo->places[i]] ^ memo->values[i];
}

/* Whether all words that the stack depends on are as they were. */
static inline bool memo_holds(const struct unwind_memo *memo, uintptr_t sp)
{
    const uint64_t *words = (const uint64_t *)sp;
    uint32_t count = memo->count, i = 0;
    if (unwind_mutated(UNWIND_MUTATE_NO_MEMO_CHECKS))
        return true;
    for (; i + 4 <= count; i += 4) {
        if ((memo_difference(memo, words, i) | memo_difference(memo, words, i + 1) |
             memo_difference(memo, words, i + 2) | memo_difference(memo, words, i + 3)) != 0)
            return false;
    }
    for (; i < count; i++) {
        if (memo_difference(memo, words, i) != 0)
            return false;
    }
    return true;
}

uint64_t unwind_memo_find(const struct unwind_thread *thread, uintptr_t pc, uintptr_t sp,
                          uintptr_t bp)
{
    const struct unwind_memo *memo = memo_set(thread->memos, pc, sp);
    for (unsigned i = 0; i < MEMO_WAYS; i++, memo++) {
        uintptr_t bp_differs =
                unwind_mutated(UNWIND_MUTATE_MEMO_BP) ? 0 : (memo->bp ^ bp) & memo->bp_mask;
        if (((memo->pc ^ pc) | (memo->sp ^ sp) | bp_differs) == 0 && memo->count != 0 &&
            memo_holds(memo, sp))
            return memo->id;
    }
    return 0;
}

/* Takes over the checks of the thread's last capture, whose leaf this is. */
static void memo_fill(const struct unwind_thread *thread, struct unwind_memo *memo, uintptr_t bp)
{
    const struct unwind_frame *leaf = &thread->frames[thread->depth];
    uint32_t count = leaf->checks_end;
    if (count == 0 || count > MEMO_CHECKS)
        return;
    for (uint32_t i = 0; i < count; i++) {
        const struct unwind_check *check = &thread->checks[count - 1 - i];
        uintptr_t place = (check->address - memo->sp) / sizeof(uint64_t);
        if (check->address % sizeof(uint64_t) != 0 || place > UINT16_MAX)
            return;
        memo->places[i] = (uint16_t)place;
        memo->values[i] = check->value;
    }
    memo->bp = bp;
    memo->bp_mask = -(uintptr_t)(leaf->rule >> UNWIND_LIVE_BIT);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    memo->count = count;
}

/* Stacks that do not come again are not worth the look. */
static void memo_weigh(struct unwind_thread *thread)
{
    if (++thread->memo_missed_n < MEMO_MISSES)
        return;
    if (thread->captures - thread->memo_since >= MEMO_MISSES + MEMO_HITS_LEAST) {
        thread->memo_vain = 0;
    } else {
        thread->memos = NULL;
        thread->memo_vain += thread->memo_vain < UNWIND_MEMO_VAIN_MOST;
    }
    thread->memo_missed_n = 0;
    thread->memo_since = thread->captures;
}

void unwind_memo_missed(struct unwind_thread *thread, uintptr_t pc, uintptr_t sp, uintptr_t bp,
                        uint64_t id)
{
    struct unwind_memo *set = memo_set(thread->memos, pc, sp);
    memo_weigh(thread);
    for (unsigned i = 0; i < MEMO_WAYS; i++) {
        struct unwind_memo *memo = &set[i];
        if (memo->id == id && memo->pc == pc && memo->sp == sp && memo->count == 0) {
            memo_fill(thread, memo, bp);
            return;
        }
    }
    struct unwind_memo *memo = &set[thread->memo_missed_n % MEMO_WAYS];
    memo->count = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    memo->pc = pc;
    memo->sp = sp;
    memo->id = id;
}

void unwind_memo_begin(struct unwind_thread *thread)
{
    if (!thread->memos_kept)
        thread->memos_kept = pool_take_spare(MEMO_BYTES);
    thread->memos = thread->memos_kept;
    thread->memo_missed_n = 0;
    thread->memo_since = thread->captures;
}

void unwind_memo_forget(struct unwind_thread *thread)
{
    for (unsigned i = 0; thread->memos_kept && i < MEMO_WAYS << MEMO_SET_BITS; i++)
        thread->memos_kept[i].count = 0;
}
