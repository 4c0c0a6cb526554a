/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks only as far as the stack has changed, with proof.
 *
 * One step is a function of the frame's state (pc, sp, bp), its rule and the words it reads. The
 * cache holds the states of the last capture and every word that its steps read. Where a new
 * walk comes to a state that the cache has, and all words from there to the root still have
 * their values, every later state is equal by induction: those frames stand. The first differing
 * word, from the leaf, tells how far the states are proven; the walk goes on from there and may
 * meet the old stack again above.
 *
 * What must hold:
 *  - bp is part of the state where it is live: where a step between here and the root uses it
 *    before some frame restores it. Liveness is relative to the frames above as they are now, so
 *    frames whose ancestors changed are pushed anew, and their bp is read again, never copied:
 *    while it was dead nobody compared it.
 *  - the end of the stack is a function of the state, or of a word that is among the checks.
 *  - checks lie on the thread's own stack, which stays mapped.
 * A longjmp out of here must leave a true cache: `depth` covers finished frames only.
 */
#include "capture/unwind_reuse.h"

#include <stddef.h>

#include "capture/pool.h"
#include "capture/unwind_mutation.h"
#include "wire/event.h"

enum { INITIAL_ENTRIES = 64 };

static uintptr_t word_at(uintptr_t address)
{
    return *(const uintptr_t *)address;
}

static uintptr_t check_difference(const struct unwind_check *check)
{
    return word_at(check->address) ^ check->value;
}

/* One past the leaf-most check in [first, end) that fails; `first` when all hold. */
static const struct unwind_check *checks_verify(const struct unwind_check *first,
                                                const struct unwind_check *end)
{
    if (unwind_mutated(UNWIND_MUTATE_NO_CHECKS))
        return first;
    while (end - first >= 4) {
        if ((check_difference(end - 1) | check_difference(end - 2) | check_difference(end - 3) |
             check_difference(end - 4)) != 0)
            break;
        end -= 4;
    }
    while (end > first && check_difference(end - 1) == 0)
        end--;
    return end;
}

bool unwind_reuse_holds(const struct unwind_thread *thread, uint32_t count)
{
    return checks_verify(thread->checks, thread->checks + thread->frames[count].checks_end) ==
           thread->checks;
}

/* sp and pc in one branch: alone, sp often agrees by chance. */
static bool frame_matches(const struct unwind_frame *frame, const struct unwind_state *state)
{
    return ((frame->state.sp ^ state->sp) | (frame->state.pc ^ state->pc)) == 0 &&
           (frame->state.bp == state->bp || frame->rule >> UNWIND_LIVE_BIT == 0 ||
            unwind_mutated(UNWIND_MUTATE_BP_NOT_MATCHED));
}

static uint32_t frame_rule(const struct unwind_frame *frame)
{
    return frame->rule & ((1u << UNWIND_LIVE_BIT) - 1);
}

/*
 * Frames from `match`, where the walk stands, down to `changed`, the owner of the failed check:
 * proven, but their ancestors are not. All but `changed` go to the pending ones, with the bp that
 * is there now; returns how many there are then, and in *state that of `changed`.
 */
static uint32_t reuse_proven(struct unwind_pending *walked, const struct unwind_frame *match,
                             const struct unwind_frame *changed, struct unwind_state *state,
                             uint32_t pending)
{
    for (const struct unwind_frame *frame = match; frame > changed; frame--) {
        walked[pending++] = (struct unwind_pending){*state, frame_rule(frame)};
        uintptr_t bp = state->bp;
        if (frame->bp_at != 0)
            bp = word_at(frame->bp_at);
        if (unwind_mutated(UNWIND_MUTATE_STALE_BP))
            bp = frame[-1].state.bp;
        *state = frame[-1].state;
        state->bp = bp;
    }
    return pending;
}

/* Whether a step that is not one of the two usual kinds leaves a walk that can be re-used. */
static bool step_reusable(enum unwind_step_result result, uint32_t rule, uintptr_t sp_before,
                          uintptr_t stack_end, const struct unwind_state *state)
{
    uint32_t kind = unwind_rule_kind(rule);
    if (result != UNWIND_STEPPED)
        return kind == UNWIND_END || (kind == UNWIND_GUESS && result < UNWIND_UNREADABLE);
    return kind != UNWIND_SIGNAL || (state->sp > sp_before && state->sp < stack_end);
}

/* One frame towards the root when the cursor's sp is below. */
static inline const struct unwind_frame *cursor_back(const struct unwind_frame *cursor,
                                                     uintptr_t sp)
{
    uintptr_t below = -(uintptr_t)(cursor->state.sp < sp);
    return (const struct unwind_frame *)((uintptr_t)cursor - (below & sizeof(*cursor)));
}

/*
 * Brings the cursor near the frame whose sp is the walk's. For the first frames by a loop, whose
 * branches the processor has learned where captures resemble each other. Then without a branch
 * that depends on the sizes of frames, since these are what differs: two frames for each of the
 * walk keep up, and where they do not, the loop is taken again. A match that is missed on the way
 * costs time, not truth.
 */
static inline const struct unwind_frame *cursor_follow(const struct unwind_frame *cursor,
                                                       uintptr_t sp, uint32_t walked)
{
    enum { LEARNED_FRAMES = 8, FAR_BYTES = 2048 };
    if (walked > LEARNED_FRAMES) {
        cursor = cursor_back(cursor, sp);
        cursor = cursor_back(cursor, sp);
        if (__builtin_expect(sp - cursor->state.sp - FAR_BYTES >= (uintptr_t)1 << 62, 1))
            return cursor;
    }
    while (cursor->state.sp < sp)
        cursor--;
    return cursor;
}

/* The first failed check's owner, from the cursor towards the root. */
static const struct unwind_frame *owner_of(const struct unwind_frame *cursor, ptrdiff_t checks)
{
    while (cursor[-1].checks_end >= checks)
        cursor--;
    return cursor;
}

int unwind_reuse_walk(struct unwind_thread *thread, struct unwind_state state,
                      struct unwind_walked *ret_walked)
{
    struct unwind_range range = thread->range;
    /* The arrays as they are now: a handler that captures may exchange them, see unwind.h. */
    const struct unwind_frame *frames = thread->frames;
    const struct unwind_check *checks = thread->checks;
    struct unwind_pending *walked = thread->pending;
    uint32_t capacity = thread->capacity, captures = thread->captures;
    const struct unwind_frame *cursor = frames + thread->depth;
    uint32_t pending = 0;
    for (;;) {
        uint32_t rule;
        cursor = cursor_follow(cursor, state.sp, pending);
        if (frame_matches(cursor, &state)) {
            const struct unwind_check *end = checks_verify(checks, checks + cursor->checks_end);
            if (end == checks) {
                *ret_walked = (struct unwind_walked){(uint32_t)(cursor - frames), pending,
                                                     UNWIND_STEPPED, 0};
                return 0;
            }
            const struct unwind_frame *changed = owner_of(cursor, end - checks);
            /* Pending and standing frames together are never more than the entries. */
            pending = reuse_proven(walked, cursor, changed, &state, pending);
            rule = frame_rule(changed);
            cursor = changed - 1;
        } else {
            rule = unwind_rule_get(state.pc);
        }
        uintptr_t sp = state.sp;
        walked[pending++] = (struct unwind_pending){state, rule};
        enum unwind_step_result result = unwind_step(&state, rule, &range);
        if (__builtin_expect(unwind_rule_kind(rule) > UNWIND_FROM_BP, 0) &&
            !step_reusable(result, rule, sp, range.hi, &state))
            return -1;
        if (__builtin_expect(result != UNWIND_STEPPED, 0)) {
            *ret_walked = (struct unwind_walked){0, pending, result, state.sp};
            return 0;
        }
        uint32_t standing = (uint32_t)(cursor - frames);
        if (__builtin_expect(pending + standing + 1 >= capacity, 0)) {
            if (thread->captures != captures)
                return -1;
            if (unwind_reuse_grow(thread, pending) < 0) {
                if (pending + 2 >= capacity)
                    return capacity == UNWIND_DEPTH_MAX ? 1 : -1;
                standing = (capacity - pending - 1) / 2; /* what stands need not match */
            }
            frames = thread->frames;
            checks = thread->checks;
            walked = thread->pending;
            capacity = thread->capacity;
            cursor = frames + standing;
        }
    }
}

/* What a frame's step read, beyond the two usual kinds. */
struct step_words {
    struct unwind_check extra; /* address 0: none */
    uintptr_t pc_at, bp_at;    /* bp_at 0: bp was left alone */
    uintptr_t pc_value;
    bool uses_bp;
};

static struct step_words words_of_wide(const struct unwind_pending *frame,
                                       const struct unwind_state *caller)
{
    const struct unwind_wide *wide = unwind_wide_of(frame->rule);
    struct step_words words = {.pc_value = caller->pc};
    uintptr_t base = wide->cfa_from_bp ? frame->state.bp : frame->state.sp;
    if (wide->cfa_loaded)
        words.extra = (struct unwind_check){base + (uintptr_t)wide->cfa_offset, caller->sp};
    words.pc_at = caller->sp + (uintptr_t)(intptr_t)wide->pc_offset;
    words.uses_bp = wide->cfa_from_bp || wide->bp == UNWIND_BP_AT_BP;
    const uintptr_t bases[] = {
            [UNWIND_BP_SAME] = 0,
            [UNWIND_BP_AT_CFA] = caller->sp,
            [UNWIND_BP_AT_BP] = frame->state.bp,
            [UNWIND_BP_AT_SP] = frame->state.sp,
    };
    if (wide->bp != UNWIND_BP_SAME)
        words.bp_at = bases[wide->bp] + (uintptr_t)wide->bp_offset;
    return words;
}

static struct step_words words_of(const struct unwind_pending *frame,
                                  const struct unwind_state *caller)
{
    uintptr_t sp = frame->state.sp, bp = frame->state.bp;
    switch (unwind_rule_kind(frame->rule)) {
    case UNWIND_REALIGNED:
        return (struct step_words){
                .extra = {bp - unwind_rule_offset(frame->rule), caller->sp},
                .pc_at = caller->sp - 8,
                .bp_at = bp,
                .pc_value = caller->pc,
                .uses_bp = true,
        };
    case UNWIND_SIGNAL:
        return (struct step_words){
                .extra = {sp + CPU_CONTEXT_SP, caller->sp},
                .pc_at = sp + CPU_CONTEXT_PC,
                .bp_at = sp + CPU_CONTEXT_BP,
                .pc_value = caller->pc - 1,
        };
    case UNWIND_GUESS:
        return (struct step_words){
                .pc_at = bp + 8, .bp_at = bp, .pc_value = caller->pc, .uses_bp = true};
    default:
        return words_of_wide(frame, caller);
    }
}

/* Fills in `frame` from a pending one of a rare kind; returns the end of the checks. */
static struct unwind_check *push_rare(struct unwind_frame *frame,
                                      const struct unwind_pending *pending,
                                      struct unwind_check *check)
{
    const struct unwind_frame *caller = frame - 1;
    struct step_words words = words_of(pending, &caller->state);
    bool caller_live = caller->rule >> UNWIND_LIVE_BIT != 0;
    if (words.extra.address != 0)
        *check++ = words.extra;
    *check++ = (struct unwind_check){words.pc_at, words.pc_value};
    if (words.bp_at != 0 && caller_live)
        *check++ = (struct unwind_check){words.bp_at, caller->state.bp};
    bool live = words.uses_bp || (words.bp_at == 0 && caller_live);
    frame->bp_at = words.bp_at;
    frame->rule = pending->rule | (uint32_t)live << UNWIND_LIVE_BIT;
    return check;
}

/* The root's own step ended the walk. */
static struct unwind_check *push_root(struct unwind_frame *frame,
                                      const struct unwind_pending *pending,
                                      const struct unwind_walked *walked,
                                      struct unwind_check *check)
{
    uint32_t kind = unwind_rule_kind(pending->rule);
    bool live = kind == UNWIND_FROM_BP || kind == UNWIND_GUESS;
    if (walked->result == UNWIND_ZERO)
        *check++ = (struct unwind_check){walked->end - 8, 0};
    frame->bp_at = 0;
    frame->rule = pending->rule | (uint32_t)live << UNWIND_LIVE_BIT;
    return check;
}

static struct unwind_check *push_usual(struct unwind_frame *frame,
                                       const struct unwind_pending *pending,
                                       struct unwind_check *check)
{
    const struct unwind_frame *caller = frame - 1;
    uint32_t rule = pending->rule;
    uint32_t slot = unwind_rule_slot(rule);
    uint32_t caller_live = caller->rule >> UNWIND_LIVE_BIT;
    uintptr_t bp_at = caller->state.sp - 8 * (uintptr_t)slot;
    check[0] = (struct unwind_check){caller->state.sp - 8, caller->state.pc};
    check[1] = (struct unwind_check){bp_at, caller->state.bp};
    uint32_t live = unwind_rule_kind(rule) | (caller_live & (slot == 0));
    frame->bp_at = slot != 0 ? bp_at : 0;
    frame->rule = rule | live << UNWIND_LIVE_BIT;
    return check + 1 + (caller_live & (slot != 0) & !unwind_mutated(UNWIND_MUTATE_NO_BP_CHECKS));
}

/* The keys of the frames that are pushed: before all else, for the table is far from here. */
static void push_keys(struct unwind_thread *thread, const struct unwind_walked *walked)
{
    struct unwind_frame *frame = thread->frames + walked->kept;
    struct stack_key key = frame->key;
    for (uint32_t left = walked->pending; left-- > 0;) {
        const struct unwind_pending *pending = &thread->pending[left];
        key = stack_key_push(key, pending->state.pc,
                             unwind_rule_kind(pending->rule) == UNWIND_GUESS);
        (++frame)->key = key;
    }
    stack_table_prefetch(key);
}

int unwind_reuse_push(struct unwind_thread *thread, const struct unwind_walked *walked)
{
    struct unwind_frame *frame = thread->frames + walked->kept;
    struct unwind_check *check = thread->checks + frame->checks_end;
    if (walked->kept == 0) {
        uint32_t rule = thread->pending[walked->pending - 1].rule;
        frame->flags = unwind_truncated(walked->result, rule) ? WIRE_STACK_TRUNCATED : 0;
        frame->key = stack_key_root(thread->generation, frame->flags);
    }
    const struct unwind_check *check_limit = thread->checks + 2 * thread->capacity - 3;
    thread->depth = walked->kept;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    push_keys(thread, walked);
    for (uint32_t left = walked->pending; left-- > 0;) {
        const struct unwind_pending *pending = &thread->pending[left];
        uint32_t kind = unwind_rule_kind(pending->rule);
        frame++;
        if (check > check_limit)
            return -1;
        if (frame == thread->frames + 1)
            check = push_root(frame, pending, walked, check);
        else if (kind <= UNWIND_FROM_BP)
            check = push_usual(frame, pending, check);
        else
            check = push_rare(frame, pending, check);
        frame->state = pending->state;
        frame->id = 0;
        frame->checks_end = (uint16_t)(check - thread->checks);
        frame->flags = frame[-1].flags | (kind == UNWIND_GUESS ? WIRE_STACK_GUESSED : 0);
    }
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    thread->depth = walked->kept + walked->pending;
    return 0;
}

int unwind_reuse_grow(struct unwind_thread *thread, uint32_t pending)
{
    uint32_t entries = thread->capacity == 0 ? INITIAL_ENTRIES : 2 * thread->capacity;
    if (entries > UNWIND_DEPTH_MAX)
        return -1;
    const size_t frame_bytes = sizeof(struct unwind_frame) + 2 * sizeof(struct unwind_check) +
                               sizeof(struct unwind_pending);
    struct unwind_frame *frames = pool_take(entries * frame_bytes);
    if (frames == NULL)
        return -1;
    struct unwind_check *checks = (struct unwind_check *)(frames + entries);
    struct unwind_pending *waiting = (struct unwind_pending *)(checks + 2 * (size_t)entries);
    uint32_t checks_count = 0;
    if (thread->capacity != 0) {
        for (uint32_t i = 0; i <= thread->depth; i++)
            frames[i] = thread->frames[i];
        checks_count = frames[thread->depth].checks_end;
    }
    for (uint32_t i = 0; i < checks_count; i++)
        checks[i] = thread->checks[i];
    for (uint32_t i = 0; i < pending; i++)
        waiting[i] = thread->pending[i];
    /* Nothing on any stack has an sp this high: the cursor stops here. */
    frames[0].state.sp = UINTPTR_MAX;
    thread->frames = frames;
    thread->checks = checks;
    thread->pending = waiting;
    thread->capacity = entries;
    return 0;
}
