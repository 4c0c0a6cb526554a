/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process's side of the session: its view of the segment, its slot, its private memory.
 *
 * One static struct, valid from the first hook to the end of the process and never torn down.
 * After a fork the child still has the parent's copy of it; the page `life` points to is wiped by
 * the kernel, and the first hook that needs a lane notices (process_ready).
 */
#ifndef MEMSCOPE_CAPTURE_PROCESS_H
#define MEMSCOPE_CAPTURE_PROCESS_H

#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/clock.h"
#include "wire/segment.h"

enum { PROCESS_VIEWS = 24 };

/* Lies in a page that a fork wipes. */
struct process_life {
    _Atomic uint32_t registered; /* 0 = not yet (or a fresh child), 1 = under way, 2 = done */
};

struct process {
    struct wire_segment *segment;          /* NULL: this process is not recorded */
    _Atomic(struct wire_segment *) hooked; /* the same once hooks may write */
    struct wire_process *slot;
    struct process_life *life;
    _Atomic(char *) view; /* covers every page that this process installed so far */
    _Atomic uint32_t view_level;
    _Atomic(char *) views[PROCESS_VIEWS]; /* views[i] covers view_pages << i pages */
    uint32_t view_pages;
    uint32_t slot_index;
    uint64_t start_stamp; /* of this image; in a forked child the parent's, until it registers */
    uint32_t pid;
    uintptr_t main_thread_pointer, main_stack_end;
    /* glibc 2.32: no other thread exists, nor will before libc clears it. Set where the strategy
     * stamps from the coarse clock while that holds. */
    const volatile char *libc_single;
    _Atomic uint64_t coarse_least; /* when the newest lane began: no event in it was before */
    uint32_t tid_offset;           /* of the tid in the thread control block; 0 = not found */
    bool legacy;
    bool tracks_tasks;
    bool passing;                  /* passed over: only what it executes is let in */
    const Elf64_Phdr *exe_headers; /* the executable's program headers */
    const char *exe_name;          /* what was executed: a path, maybe relative */
    uint32_t exe_header_n;
    _Atomic bool quiet;       /* no system calls from here on: a seccomp filter was seen */
    _Atomic uint32_t calling; /* threads between process_calls_begin and _end */
    _Atomic bool view_fixed;  /* the view cannot grow: pages beyond it are not for us */
    _Atomic bool clockless;   /* the time stamp counter must not be read from here on */
};

extern __attribute__((visibility("hidden"))) struct process process;

/* Joins the session if the environment names one; once, from the constructor or the first hook. */
void process_start(void);

/* The same for a session that the process has come to later. False: there is no place for it. */
bool process_join(struct wire_segment *segment);
struct wire_segment *process_open_door(void);

/* Registers a forked child when needed. False: no lane can be had now (not recorded). */
bool process_ready(void);

/* A stamp where the time stamp counter must not be read. */
uint64_t process_shared_stamp(void);

/* Now, in the session's ticks. */
static inline uint64_t process_stamp(void)
{
    if (__builtin_expect(atomic_load_explicit(&process.clockless, memory_order_relaxed), 0))
        return process_shared_stamp();
    return wire_clock_ticks() - process.segment->start_tsc;
}

/* The coarse clock, which lags by a beat, but not behind the lane that the stamp is for. */
static inline uint64_t process_coarse_stamp(void)
{
    uint64_t coarse = atomic_load_explicit(&process.segment->coarse_stamp, memory_order_relaxed);
    uint64_t least = atomic_load_explicit(&process.coarse_least, memory_order_relaxed);
    return coarse > least ? coarse : least;
}

/* The calling thread's id, by its control block. */
uint32_t process_tid(void);

/* Makes sure that the view covers page; false: it cannot (address space, seccomp). */
bool process_view_page(uint32_t page);

/*
 * Around the system calls of hooks that any thread can make at any time. False: none may be made
 * any more. The thread that gives up system calls waits for those who are in between.
 */
bool process_calls_begin(void);
void process_calls_end(void);

/* The program is about to give up system calls, or the time stamp counter, or both. */
void process_go_quiet(void);
void process_go_clockless(void);

/* Whether we may map memory now: not in a sandbox, nor out of a limited address space. */
bool process_may_map(void);

/* Takes a zeroed page of the segment; 0 = none free. */
uint32_t process_take_page(void);
void process_give_page(uint32_t page);

static inline void *process_page_at(uint32_t page)
{
    /* Acquire: pairs with the rise of the level, before which its view was set. */
    uint32_t level = atomic_load_explicit(&process.view_level, memory_order_acquire);
    return atomic_load_explicit(&process.views[level], memory_order_relaxed) +
           (size_t)page * WIRE_PAGE_BYTES;
}

/* True while somebody takes events: all of them, or (paused) what happens to known blocks. */
static inline bool process_records(void)
{
    uint32_t recording = atomic_load_explicit(&process.segment->recording, memory_order_relaxed);
    return recording == WIRE_ON || recording == WIRE_PAUSED;
}

#endif
