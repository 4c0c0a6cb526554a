/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the rest of the capture library in tests of the unwinder: memory, the log kept
 * and decoded here, and a hook that captures its caller's stack in several ways at once. */
#ifndef TESTS_CAPTURE_PROBE_H
#define TESTS_CAPTURE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct unwind_thread;

enum { PROBE_DEPTH_MAX = 8192 };

/* Prepares the unwinder of this process with tables of the greatest size. */
void probe_init(void);

/* How often and against what a capture is compared. */
enum probe_oracle {
    PROBE_PLAIN = 1,     /* our own plain walk */
    PROBE_LIBUNWIND = 2, /* unw_backtrace */
    PROBE_GCC = 4,       /* _Unwind_Backtrace */
    PROBE_ID_PLAIN = 8,  /* the id made without thread state decodes to the same stack */
};

struct probe_counts {
    uint64_t captures, frames;
    uint64_t compared[4], wrong[4]; /* by oracle, in the order of enum probe_oracle */
    uint64_t undecodable;           /* ids that the log does not explain */
    uint64_t flagged;
};

/* unwind_modules_changed, for tests in C++. */
void probe_modules_changed(void);

/* The calling thread's state; NULL captures plainly. Made at first use. */
struct unwind_thread *probe_thread(void);
void probe_thread_plain(bool plain);

/* Captures the caller's stack and compares. Never inlined; keeps a frame pointer. */
uint64_t probe_capture(unsigned oracles);

/* The same for the frame that a hook was called from. */
uint64_t probe_compare(unsigned oracles, uintptr_t pc, uintptr_t sp, uintptr_t bp);

struct probe_counts probe_counts_get(void);
void probe_counts_reset(void);
/* Print the first few differences to stderr. */
void probe_verbose(bool on);

/* The frames of a stack in the log, leaf first: their number, 0 when it is not explained. */
uint32_t probe_decode(uint64_t id, uintptr_t *ret_pcs, uint32_t max, uint32_t *ret_flags);

struct probe_log_counts {
    uint64_t stacks, frames, modules;
};
struct probe_log_counts probe_log(void);
/* From now on the log takes no more stacks (as when it is full), or takes them again. */
void probe_log_full(bool full);
/* The pool gives no more memory. */
void probe_pool_empty(bool empty);

#ifdef __cplusplus
}
#endif

#endif
