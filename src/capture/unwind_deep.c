/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks that are deeper than a thread's arrays may grow: endless recursions, mostly.
 *
 * What is kept are the frames nearest the leaf and the last few at the root. The latter are in
 * the cache since an earlier capture, and stand as long as the words that they depend on do, so
 * that only the first deep stack is walked to its end. Where the leaf side is cut is chosen by
 * the frames' own addresses and not by counting: while a recursion grows, the cut stays at the
 * same frame, so that each stack differs from the one before by few frames and the log grows by
 * few.
 */
#include "capture/unwind_buffer.h"
#include "wire/event.h"

enum {
    /* As many as a walk has pending when it gives up, less what the root's frames could overlap. */
    LEAF_FRAMES_MAX = UNWIND_DEPTH_MAX - 2 * UNWIND_ROOT_FRAMES,
    LEAF_FRAMES_MIN = LEAF_FRAMES_MAX / 2,
    WALK_STEPS_MAX = 1 << 20,
};

/* Walks up to `max` frames into the pending ones, over and over from the start of the array when
 * they are more; their number. Negative when the walk met what is not re-used. */
static int64_t deep_walk(struct unwind_thread *thread, struct unwind_state leaf, int64_t max,
                         struct unwind_walked *ret_end)
{
    struct unwind_state state = leaf;
    struct unwind_range range = thread->range;
    int64_t count = 0;
    while (count < max) {
        uint32_t rule = unwind_rule_get(state.pc);
        uint32_t kind = unwind_rule_kind(rule);
        thread->pending[count++ % UNWIND_DEPTH_MAX] = (struct unwind_pending){state, rule};
        enum unwind_step_result result = unwind_step(&state, rule, &range);
        if (result == UNWIND_STEPPED && (kind != UNWIND_SIGNAL || state.sp < range.hi))
            continue;
        *ret_end = (struct unwind_walked){.result = result, .end = state.sp};
        return result == UNWIND_STEPPED || result >= UNWIND_UNREADABLE ? -1 : count;
    }
    return count;
}

/* Makes frames 1..UNWIND_ROOT_FRAMES of the cache those of the root, by a walk to the end; the
 * pending ones are the leaf side again afterwards. */
static bool root_renew(struct unwind_thread *thread, struct unwind_state leaf)
{
    struct unwind_walked walked;
    int64_t count = deep_walk(thread, leaf, WALK_STEPS_MAX, &walked);
    if (count < LEAF_FRAMES_MAX + UNWIND_ROOT_FRAMES || count == WALK_STEPS_MAX)
        return false;
    /* The last ones may stand across the array's end, so by way of the stack. */
    struct unwind_pending root[UNWIND_ROOT_FRAMES];
    for (int64_t i = 0; i < UNWIND_ROOT_FRAMES; i++)
        root[i] = thread->pending[(count - UNWIND_ROOT_FRAMES + i) % UNWIND_DEPTH_MAX];
    for (int i = 0; i < UNWIND_ROOT_FRAMES; i++)
        thread->pending[i] = root[i];
    walked.kept = 0;
    walked.pending = UNWIND_ROOT_FRAMES;
    thread->base_kept = 0;
    return unwind_reuse_push(thread, &walked) == 0 &&
           deep_walk(thread, leaf, LEAF_FRAMES_MAX, &walked) == LEAF_FRAMES_MAX;
}

/* How many of the pending frames are kept: the one whose address hashes highest is the last. */
static uint32_t cut_choose(const struct unwind_thread *thread)
{
    uint64_t highest = 0;
    uint32_t cut = LEAF_FRAMES_MIN;
    for (uint32_t i = LEAF_FRAMES_MIN; i < LEAF_FRAMES_MAX; i++) {
        uint64_t hash = thread->pending[i].state.sp * 0x9e3779b97f4a7c15ull;
        if (hash > highest) {
            highest = hash;
            cut = i;
        }
    }
    return cut + 1;
}

uint64_t unwind_deep_id(struct unwind_thread *thread, struct unwind_state leaf)
{
    if ((thread->depth < UNWIND_ROOT_FRAMES || !unwind_reuse_holds(thread, UNWIND_ROOT_FRAMES)) &&
        !root_renew(thread, leaf))
        return 0;
    return unwind_buffer_id(thread, UNWIND_ROOT_FRAMES, cut_choose(thread), WIRE_STACK_TRUNCATED);
}
