/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact, full-depth call stacks for every allocation.
 *
 * A capture gives what a fresh walk by call frame information would give at that moment, frame by
 * frame, but re-uses of the thread's previous capture whatever it can prove to be unchanged. It
 * makes no libc call, takes no lock and touches no errno. Signal handlers may interrupt it, and
 * leave it by a jump, at any point. What they capture meanwhile had better pass no thread state:
 * else the interrupted capture notices and starts again without.
 */
#ifndef MEMSCOPE_CAPTURE_UNWIND_H
#define MEMSCOPE_CAPTURE_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/module.h"
#include "capture/unwind_range.h"

struct unwind_frame;
struct unwind_check;
struct unwind_pending;
struct unwind_memo;

enum { UNWIND_PIECE_FRAMES = 64 };

/* A thread's own, owned by the caller; all zero is a fresh one. It may pass to another thread:
 * it then starts anew by itself. The arrays come from the pool and stay with it. */
struct unwind_thread {
    uintptr_t thread; /* whose stack the bounds are of, by its thread pointer */
    struct unwind_range range;
    struct unwind_frame *frames;    /* [0] stands before the root; 1..depth are the last capture */
    struct unwind_check *checks;    /* every word that the capture depends on, root side first */
    struct unwind_pending *pending; /* frames walked and not yet pushed, leaf side first */
    struct unwind_memo *memos;      /* stacks that came again (unwind_memo.h); NULL: not now */
    struct unwind_memo *memos_kept; /* the same, also while they are not used */
    uint32_t memo_missed_n, memo_since; /* misses since that number of captures */
    uint32_t memo_vain;                 /* tries in vain, one after another */
    uint32_t capacity;                  /* entries of each array; checks: twice as many */
    uint32_t depth;
    uint32_t generation;
    uint32_t captures;  /* begun; one that finds another begun meanwhile gives up */
    uint32_t walked;    /* frames of the last capture that were not as before */
    uint32_t base_kept; /* stack base_id of the log agrees with frames 1..base_kept */
    uint64_t base_id;
    uintptr_t piece[UNWIND_PIECE_FRAMES]; /* frames on their way to the log */
};

struct unwind_config {
    struct module_config modules;
    uintptr_t main_stack_end; /* __libc_stack_end */
    uintptr_t linker_code;    /* any address in the dynamic linker's code, 0 = unknown */
    bool last_counts;         /* the frames of the last capture are looked at by others: no memos */
    uint32_t cache_bits;      /* rules kept: 2^14 to 2^16, 8 bytes each */
    uint32_t stack_entries;   /* stacks kept: 24 bytes each */
};

/* The largest tables that fit into `bytes`, but at least 160 KiB and at most 2 MiB. */
void unwind_config_size(struct unwind_config *config, uint64_t bytes);

/* Once per process, before any capture. Negative when the pool gives no memory: captures then
 * return 0. */
int unwind_process_init(const struct unwind_config *config);

/* In the child of a fork, before its first capture: ids of the parent's log end here. */
void unwind_process_forked(void);

/* Code is about to be unmapped, or has been: dlclose calls it before and after. */
void unwind_modules_changed(void);

/*
 * The id of the present stack: `pc` the hook's return address, `sp` the stack pointer at it (the
 * CFA of the hook's frame), `bp` the caller's rbp. 0 when there is none: before init, or when it
 * could not be written. `thread` NULL: as stack_capture_plain.
 */
uint64_t stack_capture_id(struct unwind_thread *thread, uintptr_t pc, uintptr_t sp, uintptr_t bp);

/* The same without thread state: a fresh walk, slower with depth. */
uint64_t stack_capture_plain(uintptr_t pc, uintptr_t sp, uintptr_t bp);

/* Of deeper stacks the frames nearest the leaf are kept, half as many at least, and the last ones
 * at the root; they are flagged truncated. Captures without thread state keep 1 024 in all. */
enum { UNWIND_DEPTH_MAX = 4096, UNWIND_ROOT_FRAMES = 16 };

/* A plain walk into a buffer, leaf first: the number of frames, at most `max`. */
uint32_t unwind_walk_into(uintptr_t pc, uintptr_t sp, uintptr_t bp, uintptr_t *ret_pcs,
                          uint32_t max, uint32_t *ret_flags);

#endif
