/* SPDX-License-Identifier: Apache-2.0 */
/* Learns the bounds of stacks without calling libc. */
#include "capture/unwind_range.h"

#include <stdatomic.h>
#include <stddef.h>

#include "capture/cpu/x86_64/cpu.h"

enum {
    /* The kernel keeps at least this much below the first thread's stack for it to grow. */
    MAIN_STACK_BYTES = 128 << 20,
    /* A thread's control block lies this near the end of its stack's mapping. */
    CONTROL_BLOCK_BYTES_MAX = 256 << 10,
    /* The widest frame that is looked across on a foreign stack. */
    EXTEND_BYTES_MAX = 1 << 20,
    MASK_WORD = 7,
};

static struct {
    uintptr_t main_end, main_thread; /* the first thread's stack end and thread pointer */
    _Atomic bool calls_forbidden;
    _Atomic uint32_t block_offset; /* of the stack's address in struct pthread, once seen */
} ranges;

void unwind_range_config(uintptr_t main_stack_end)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    ranges.main_end = main_stack_end & ~(uintptr_t)MASK_WORD;
    if (here < main_stack_end && main_stack_end - here < MAIN_STACK_BYTES)
        ranges.main_thread = cpu_thread_pointer();
}

void unwind_range_forbid_calls(void)
{
    atomic_store_explicit(&ranges.calls_forbidden, true, memory_order_relaxed);
}

/* Whether {address, size, guard size} at `words` describe a stack that holds sp and has the
 * control block at its end. */
static bool block_matches(const uintptr_t *words, uintptr_t thread, uintptr_t sp)
{
    uintptr_t start = words[0], size = words[1], guard = words[2];
    return start != 0 && start < sp && guard < size && size < (uintptr_t)1 << 40 &&
           start + guard <= sp && start + size > thread &&
           start + size - thread <= CONTROL_BLOCK_BYTES_MAX;
}

/*
 * A pthread's stack: libc keeps {address, size, guard size} in the control block that the thread
 * pointer points to. The block is searched to the end of its page, where libc puts it; the offset
 * is remembered for the next thread.
 */
static const uintptr_t *block_find(uintptr_t thread, uintptr_t sp)
{
    uint32_t known = atomic_load_explicit(&ranges.block_offset, memory_order_relaxed);
    if (known != 0) {
        const uintptr_t *words = (const uintptr_t *)(thread + known);
        return block_matches(words, thread, sp) ? words : NULL;
    }
    /* The first thread's block tells nothing of its stack. */
    uintptr_t end = thread == ranges.main_thread ? thread : (thread | (CPU_PAGE_BYTES - 1)) + 1;
    for (uintptr_t at = thread; at + 3 * sizeof(uintptr_t) <= end; at += sizeof(uintptr_t)) {
        if (!block_matches((const uintptr_t *)at, thread, sp))
            continue;
        atomic_store_explicit(&ranges.block_offset, (uint32_t)(at - thread), memory_order_relaxed);
        return (const uintptr_t *)at;
    }
    return NULL;
}

static bool thread_range(uintptr_t thread, uintptr_t sp, struct unwind_range *ret_range)
{
    const uintptr_t *block = block_find(thread, sp);
    if (block == NULL)
        return false;
    uintptr_t lo = block[0] + block[2];
    *ret_range = (struct unwind_range){(lo + MASK_WORD) & ~(uintptr_t)MASK_WORD,
                                       thread & ~(uintptr_t)MASK_WORD, true};
    return true;
}

struct unwind_range unwind_range_of(uintptr_t sp)
{
    struct unwind_range range = {sp, sp, false};
    uintptr_t thread = cpu_thread_pointer();
    if (sp < ranges.main_end && ranges.main_end - sp < MAIN_STACK_BYTES)
        return (struct unwind_range){ranges.main_end - MAIN_STACK_BYTES, ranges.main_end, true};
    if (sp < thread && thread_range(thread, sp, &range))
        return range;
    range.lo = range.hi = sp & ~(uintptr_t)(CPU_PAGE_BYTES - 1);
    unwind_range_extend(&range, sp & ~(uintptr_t)MASK_WORD);
    return range;
}

bool unwind_range_readable(uintptr_t address)
{
    return !atomic_load_explicit(&ranges.calls_forbidden, memory_order_relaxed) &&
           cpu_readable(address);
}

bool unwind_range_extend(struct unwind_range *range, uintptr_t address)
{
    if (range->own || address < range->hi || address - range->hi > EXTEND_BYTES_MAX)
        return false;
    while (address >= range->hi) {
        if (!unwind_range_readable(range->hi))
            return false;
        range->hi += CPU_PAGE_BYTES;
    }
    return true;
}
