/* SPDX-License-Identifier: Apache-2.0 */
/* From a hook to a committed record: what each hook calls, and nothing else. */
#ifndef MEMSCOPE_CAPTURE_EMIT_H
#define MEMSCOPE_CAPTURE_EMIT_H

#include <stddef.h>
#include <stdint.h>

#include "capture/process.h"
#include "capture/sampling.h"

/* The hook's caller: where it returns to, its stack pointer there, and its rbp. */
struct hook_frame {
    uintptr_t pc, sp, bp;
};

/* Only inside the hook itself, which must be compiled with a frame pointer. */
#define HOOK_FRAME()                                                                               \
    (struct hook_frame)                                                                            \
    {                                                                                              \
        .pc = (uintptr_t)__builtin_return_address(0),                                              \
        .sp = (uintptr_t)__builtin_frame_address(0) + 2 * sizeof(uintptr_t),                       \
        .bp = *(const uintptr_t *)__builtin_frame_address(0),                                      \
    }

static inline bool emit_wanted(void)
{
    const struct wire_segment *segment =
            atomic_load_explicit(&process.hooked, memory_order_acquire);
    return segment && atomic_load_explicit(&segment->recording, memory_order_relaxed) == WIRE_ON;
}

/* As emit_wanted, for what happens to blocks that may be known: also while recording is paused. */
static inline bool emit_follows(void)
{
    const struct wire_segment *segment =
            atomic_load_explicit(&process.hooked, memory_order_acquire);
    return segment && process_records();
}

/* After the real call returned address. */
void emit_alloc(const void *address, size_t size_bytes, const struct hook_frame *frame);

/* The same, if it is wanted, for what sampling_pass_alloc did not pass; returns address. */
void *emit_allocated(void *address, size_t size_bytes, enum sampling_pass pass, uintptr_t pc,
                     uintptr_t sp, uintptr_t bp);

/* Before the real free. */
void emit_free(const void *address);

/* A realloc between its halves. */
struct emit_realloc {
    const void *old;
    bool counted; /* recording is on */
    bool written; /* the first half was recorded */
    struct sampling_realloc sampling;
};

/* Before the real realloc of a block. */
void emit_realloc_begin(const void *old, struct emit_realloc *ret_begun);

/* After it: address NULL and size 0 = it freed the block; NULL otherwise = it failed. */
void emit_realloc_end(const struct emit_realloc *begun, const void *address, size_t size_bytes,
                      const struct hook_frame *frame);

/* What the calling thread's tasks do: the kinds of wire/event.h with a key, polls and a cell. */
void emit_task(unsigned kind, uint64_t key, uint64_t polls, uint64_t cell);
void emit_task_name(uint64_t key, uint64_t cell, const char *name);
void emit_task_refused(uint64_t cell);

/* A mark on the time line. */
void emit_mark(const char *text);

/* Memory from the kernel, after it was given, and back, before. */
void emit_map(const void *address, size_t bytes, enum wire_map how, const struct hook_frame *frame);
void emit_unmap(const void *address, size_t bytes);

#endif
