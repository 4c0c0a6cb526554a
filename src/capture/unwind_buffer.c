/* SPDX-License-Identifier: Apache-2.0 */
/* Gives an id to a stack in a thread's pending array. */
#include "capture/unwind_buffer.h"

#include "capture/stack_log.h"
#include "capture/unwind_walk.h"
#include "wire/event.h"

struct intern {
    struct unwind_thread *thread;
    struct stack_key key;
    uint64_t id; /* of what has been taken in so far */
    uint32_t depth, flags;
    uint32_t piece;    /* frames waiting in thread->piece */
    uint32_t captures; /* as when it began: afterwards the piece may be another's */
    bool define;
};

/* The frames so far are a piece of the log: found there, or written to it. */
static bool intern_piece(struct intern *intern)
{
    const struct unwind_thread *thread = intern->thread;
    uint64_t known = stack_table_find(intern->key);
    if (known == 0) {
        known = stack_log_append(intern->id, intern->depth - intern->piece, intern->flags,
                                 intern->piece, thread->piece);
        if (known == 0 || *(const volatile uint32_t *)&thread->captures != intern->captures)
            return false;
        stack_table_put(intern->key, known);
    }
    intern->id = known;
    intern->piece = 0;
    return true;
}

static bool intern_frame(struct intern *intern, uintptr_t pc, uint32_t rule)
{
    bool guess = unwind_rule_kind(rule) == UNWIND_GUESS;
    intern->key = stack_key_push(intern->key, pc, guess);
    intern->flags |= guess ? WIRE_STACK_GUESSED : 0;
    intern->depth++;
    if (!intern->define)
        return true;
    intern->thread->piece[intern->piece++] = pc;
    return intern->piece < UNWIND_PIECE_FRAMES || intern_piece(intern);
}

static uint64_t intern_all(struct unwind_thread *thread, uint32_t cached, uint32_t pending,
                           uint32_t root_flags, bool define)
{
    struct intern intern = {
            .thread = thread,
            .key = stack_key_root(module_generation(), root_flags),
            .flags = root_flags,
            .captures = thread->captures,
            .define = define,
    };
    for (uint32_t i = 1; i <= cached; i++) {
        uint32_t rule = thread->frames[i].rule & ((1u << UNWIND_LIVE_BIT) - 1);
        if (!intern_frame(&intern, thread->frames[i].state.pc, rule))
            return 0;
    }
    for (uint32_t i = pending; i-- > 0;) {
        if (!intern_frame(&intern, thread->pending[i].state.pc, thread->pending[i].rule))
            return 0;
    }
    if (!define)
        return stack_table_find(intern.key);
    return intern.piece == 0 || intern_piece(&intern) ? intern.id : 0;
}

uint64_t unwind_buffer_id(struct unwind_thread *thread, uint32_t cached, uint32_t pending,
                          uint32_t root_flags)
{
    uint64_t id = intern_all(thread, cached, pending, root_flags, false);
    return id != 0 ? id : intern_all(thread, cached, pending, root_flags, true);
}

uint64_t unwind_foreign_id(struct unwind_thread *thread, struct unwind_state leaf)
{
    struct unwind_walk walk;
    uint32_t pending = 0;
    uint32_t captures = ++thread->captures;
    unwind_walk_start(&walk, leaf);
    do {
        if (pending == thread->capacity && unwind_reuse_grow(thread, pending) < 0)
            return 0;
        thread->pending[pending++] =
                (struct unwind_pending){walk.state, unwind_rule_get(walk.state.pc)};
    } while (unwind_walk_next(&walk));
    if (*(volatile uint32_t *)&thread->captures != captures)
        return 0;
    return unwind_buffer_id(thread, 0, pending, walk.flags & ~(uint32_t)WIRE_STACK_GUESSED);
}
