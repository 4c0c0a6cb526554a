/* SPDX-License-Identifier: Apache-2.0 */
/* Captures a stack with the thread's previous one at hand, and gives it an id. */
#include "capture/unwind.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "capture/cpu/x86_64/cpu.h"
#include "capture/stack.h"
#include "capture/stack_log.h"
#include "capture/unwind_buffer.h"
#include "capture/unwind_memo.h"
#include "capture/unwind_plain.h"
#include "capture/unwind_reuse.h"
#include "capture/unwind_rule.h"

enum {
    ENTRY_BYTES = 24,
    TABLES_BYTES_MIN = 160 << 10,
    TABLES_BYTES_MAX = 2 << 20,
};

static struct {
    uintptr_t linker_start, linker_end;
    bool last_counts;
    _Atomic bool ready;
} process;

void unwind_config_size(struct unwind_config *config, uint64_t bytes)
{
    bytes = bytes < TABLES_BYTES_MIN ? TABLES_BYTES_MIN : bytes;
    bytes = bytes > TABLES_BYTES_MAX ? TABLES_BYTES_MAX : bytes;
    config->cache_bits = UNWIND_CACHE_BITS_MIN;
    while (config->cache_bits < UNWIND_CACHE_BITS_MAX &&
           bytes >= (sizeof(uint64_t) * 3) << (config->cache_bits + 1))
        config->cache_bits++;
    uint64_t left = bytes - (sizeof(uint64_t) << config->cache_bits);
    uint32_t entries = 1024;
    while ((uint64_t)entries * 2 * ENTRY_BYTES <= left)
        entries *= 2;
    config->stack_entries = entries;
}

int unwind_process_init(const struct unwind_config *config)
{
    struct module_object linker;
    if (unwind_cache_init(config->cache_bits) < 0 || stack_table_init(config->stack_entries) < 0)
        return -1;
    module_config_set(&config->modules);
    unwind_range_config(config->main_stack_end);
    process.last_counts = config->last_counts;
    if (config->linker_code != 0 && config->modules.find_object != NULL &&
        config->modules.find_object((void *)config->linker_code, &linker) == 0) {
        process.linker_start = (uintptr_t)linker.map_start;
        process.linker_end = (uintptr_t)linker.map_end;
    }
    /* Release: pairs with the acquire in the captures. */
    atomic_store_explicit(&process.ready, true, memory_order_release);
    return 0;
}

void unwind_process_forked(void)
{
    if (!atomic_load_explicit(&process.ready, memory_order_acquire))
        return;
    module_generation_bump();
    module_announce_all();
}

void unwind_modules_changed(void)
{
    if (!atomic_load_explicit(&process.ready, memory_order_acquire))
        return;
    module_generation_bump();
    unwind_cache_clear();
}

/* The dynamic linker allocates: it may have unloaded a module that no hook saw go. */
static void linker_allocates(void)
{
    if (!module_known_unchanged())
        unwind_modules_changed();
}

/* Learns the thread's stack and drops what was cached for another thread or module set. */
static bool thread_renew(struct unwind_thread *thread, uintptr_t sp, uint32_t generation)
{
    uintptr_t pointer = cpu_thread_pointer();
    bool inside = sp - thread->range.lo < thread->range.hi - thread->range.lo;
    if (thread->capacity == 0 && unwind_reuse_grow(thread, 0) < 0)
        return false;
    if (thread->thread != pointer || !inside) {
        struct unwind_range range = unwind_range_of(sp);
        if (!range.own)
            return false;
        thread->range = range;
        thread->thread = pointer;
        thread->generation = 0;
    }
    if (thread->generation != generation) {
        thread->depth = 0;
        thread->base_id = 0;
        thread->base_kept = 0;
        thread->generation = generation;
        unwind_memo_forget(thread);
    }
    return true;
}

/* Read anew each time: signal handlers change it. */
static uint32_t captures_begun(const struct unwind_thread *thread)
{
    return *(const volatile uint32_t *)&thread->captures;
}

/* Writes the frames above those that a stack in the log already has. */
static uint64_t stack_define(struct unwind_thread *thread, uint32_t kept)
{
    uint32_t captures = thread->captures;
    struct unwind_frame *frames = thread->frames;
    uint32_t from = thread->base_kept;
    uint64_t id = thread->base_id;
    if (frames[kept].id != 0) {
        from = kept;
        id = frames[kept].id;
    }
    while (from < thread->depth) {
        uint32_t count = thread->depth - from;
        if (count > UNWIND_PIECE_FRAMES)
            count = UNWIND_PIECE_FRAMES;
        for (uint32_t i = 0; i < count; i++)
            thread->piece[i] = frames[from + 1 + i].state.pc;
        id = stack_log_append(id, from, frames[from + count].flags, count, thread->piece);
        /* A handler that captured meanwhile has used the same piece. */
        if (id == 0 || captures_begun(thread) != captures)
            return 0;
        from += count;
        frames[from].id = id;
        stack_table_put(frames[from].key, id);
    }
    return id;
}

static uint64_t stack_intern(struct unwind_thread *thread, uint32_t kept)
{
    struct unwind_frame *leaf = &thread->frames[thread->depth];
    if (thread->base_kept > kept)
        thread->base_kept = kept;
    if (leaf->id == 0)
        leaf->id = stack_table_find(leaf->key);
    uint64_t id = leaf->id != 0 ? leaf->id : stack_define(thread, kept);
    if (id != 0) {
        thread->base_id = id;
        thread->base_kept = thread->depth;
    }
    return id;
}

/* On a stack that is not the thread's own, or without memory for its arrays. */
static uint64_t capture_foreign(struct unwind_thread *thread, struct unwind_state leaf)
{
    uint64_t id = thread->capacity != 0 ? unwind_foreign_id(thread, leaf) : 0;
    return id != 0 ? id : unwind_plain_id(leaf);
}

/* The stack, once it is not one that came again. */
static uint64_t capture_walked(struct unwind_thread *thread, struct unwind_state leaf)
{
    struct unwind_walked walked;
    uint32_t captures = captures_begun(thread);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    int result = unwind_reuse_walk(thread, leaf, &walked);
    if (__builtin_expect(captures_begun(thread) != captures, 0))
        return unwind_plain_id(leaf);
    if (__builtin_expect(result != 0, 0)) {
        uint64_t id = result > 0 ? unwind_deep_id(thread, leaf) : 0;
        return id != 0 ? id : unwind_plain_id(leaf);
    }
    thread->walked = walked.pending;
    if (walked.pending == 0)
        thread->depth = walked.kept;
    else if (unwind_reuse_push(thread, &walked) < 0)
        return unwind_plain_id(leaf);
    uint64_t id = stack_intern(thread, walked.kept);
    if (__builtin_expect(captures_begun(thread) != captures || id == 0, 0))
        return id;
    if (thread->memos != NULL)
        unwind_memo_missed(thread, leaf.pc, leaf.sp, leaf.bp, id);
    else if (captures - thread->memo_since >= unwind_memo_pause(thread) && !process.last_counts)
        unwind_memo_begin(thread);
    return id;
}

uint64_t stack_capture_id(struct unwind_thread *thread, uintptr_t pc, uintptr_t sp, uintptr_t bp)
{
    if (__builtin_expect(pc - process.linker_start < process.linker_end - process.linker_start, 0))
        linker_allocates();
    if (__builtin_expect(thread == NULL, 0))
        return stack_capture_plain(pc, sp, bp);
    uint32_t generation = module_generation();
    if (__builtin_expect(thread->thread != cpu_thread_pointer() ||
                                 sp - thread->range.lo >= thread->range.hi - thread->range.lo ||
                                 thread->generation != generation,
                         0)) {
        /* Acquire: pairs with the release in unwind_process_init. */
        if (!atomic_load_explicit(&process.ready, memory_order_acquire))
            return 0;
        if (!thread_renew(thread, sp, generation))
            return capture_foreign(thread, (struct unwind_state){pc, sp, bp});
    }
    uint32_t captures = ++thread->captures;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(thread->memos != NULL, 1)) {
        uint64_t id = unwind_memo_find(thread, pc, sp, bp);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        if (__builtin_expect(captures_begun(thread) != captures, 0))
            return unwind_plain_id((struct unwind_state){pc, sp, bp});
        if (id != 0) {
            thread->walked = 0;
            return id;
        }
    }
    return capture_walked(thread, (struct unwind_state){pc, sp, bp});
}

uint64_t stack_capture_plain(uintptr_t pc, uintptr_t sp, uintptr_t bp)
{
    if (!atomic_load_explicit(&process.ready, memory_order_acquire))
        return 0;
    return unwind_plain_id((struct unwind_state){pc, sp, bp});
}
