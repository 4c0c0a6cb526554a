/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id of a stack without the help of a thread's state.
 *
 * Keys and log records count from the root, a walk begins at the leaf, and there is no room for
 * a deep stack: it is walked once to count it, then once for each piece of frames, from the root.
 * The stack does not change meanwhile, being the caller's own.
 */
#include "capture/unwind_plain.h"

#include "capture/module.h"
#include "capture/stack.h"
#include "capture/stack_log.h"
#include "capture/unwind.h"
#include "capture/unwind_walk.h"
#include "wire/event.h"

enum {
    PIECE_FRAMES = 12,
    PLAIN_FRAMES_MAX = 1024, /* more would cost a walk for each piece */
    WALK_STEPS_MAX = 1 << 20,
};

struct plain {
    struct unwind_state leaf;
    uint32_t count;   /* frames on the stack */
    uint32_t skipped; /* frames left out, after the leaf-most PLAIN_FRAMES_MAX - ROOT_FRAMES */
    uint32_t flags;   /* of the whole walk */
    uint64_t guessed; /* bit per frame of the piece */
    uintptr_t piece[PIECE_FRAMES]; /* root side first */
};

static bool frame_is_guess(uintptr_t pc)
{
    return unwind_rule_kind(unwind_rule_get(pc)) == UNWIND_GUESS;
}

/* Frames are numbered from the leaf, those left out not counted. Collects [first, last). */
static void plain_collect(struct plain *plain, uint32_t first, uint32_t last)
{
    struct unwind_walk walk;
    uint32_t at = 0;
    uint32_t gap = plain->skipped != 0 ? PLAIN_FRAMES_MAX - UNWIND_ROOT_FRAMES : UINT32_MAX;
    plain->guessed = 0;
    unwind_walk_start(&walk, plain->leaf);
    for (uint32_t step = 0; at < last; step++) {
        if (at >= first && (step < gap || step >= gap + plain->skipped)) {
            uint32_t place = last - 1 - at;
            plain->piece[place] = walk.state.pc;
            plain->guessed |= (uint64_t)frame_is_guess(walk.state.pc) << place;
        }
        if (step < gap || step >= gap + plain->skipped)
            at++;
        if (!unwind_walk_next(&walk))
            break;
    }
}

static void plain_count(struct plain *plain)
{
    struct unwind_walk walk;
    unwind_walk_start(&walk, plain->leaf);
    plain->count = 1;
    while (plain->count < WALK_STEPS_MAX && unwind_walk_next(&walk))
        plain->count++;
    plain->flags = walk.flags;
    if (plain->count > PLAIN_FRAMES_MAX) {
        plain->skipped = plain->count - PLAIN_FRAMES_MAX;
        plain->count = PLAIN_FRAMES_MAX;
        plain->flags |= WIRE_STACK_TRUNCATED;
    }
}

/* The flags that hold for a stack from its root on: what a guess adds comes frame by frame. */
static uint32_t root_flags(const struct plain *plain)
{
    return plain->flags & ~(uint32_t)WIRE_STACK_GUESSED;
}

static struct stack_key piece_key(const struct plain *plain, struct stack_key key, uint32_t count,
                                  uint32_t *flags)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t guessed = plain->guessed >> i & 1;
        key = stack_key_push(key, plain->piece[i], guessed);
        *flags |= guessed != 0 ? WIRE_STACK_GUESSED : 0;
    }
    return key;
}

/* Goes over the pieces from the root; with `define` writes those that the table does not know.
 * The id of the whole, 0 when it is not known or could not be written. */
static uint64_t plain_pieces(struct plain *plain, bool define)
{
    uint32_t flags = root_flags(plain);
    struct stack_key key = stack_key_root(module_generation(), flags);
    uint64_t id = 0;
    for (uint32_t done = 0; done < plain->count;) {
        uint32_t left = plain->count - done;
        uint32_t count = left > PIECE_FRAMES ? PIECE_FRAMES : left;
        if (plain->count > PIECE_FRAMES || !define)
            plain_collect(plain, left - count, left);
        key = piece_key(plain, key, count, &flags);
        uint64_t known = define || left == count ? stack_table_find(key) : 0;
        if (known == 0 && define) {
            known = stack_log_append(id, done, flags, count, plain->piece);
            if (known == 0)
                return 0;
            stack_table_put(key, known);
        }
        id = known;
        done += count;
    }
    return id;
}

uint64_t unwind_plain_id(struct unwind_state leaf)
{
    struct plain plain;
    plain.leaf = leaf;
    plain.skipped = 0;
    plain_count(&plain);
    uint64_t id = plain_pieces(&plain, false);
    return id != 0 ? id : plain_pieces(&plain, true);
}

uint32_t unwind_walk_into(uintptr_t pc, uintptr_t sp, uintptr_t bp, uintptr_t *ret_pcs,
                          uint32_t max, uint32_t *ret_flags)
{
    struct unwind_walk walk;
    uint32_t count = 0;
    unwind_walk_start(&walk, (struct unwind_state){pc, sp, bp});
    bool more = max != 0;
    while (more) {
        ret_pcs[count++] = walk.state.pc;
        more = count < max && unwind_walk_next(&walk);
    }
    *ret_flags = walk.flags;
    return count;
}
