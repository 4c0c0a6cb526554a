/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child on a copy of our memory, for begin.c and helper.c; never from a hook.
 *
 * It has no exit signal, so that the program gets no SIGCHLD and no plain wait() sees it, and every
 * signal is blocked in it, so that no handler of the program runs in the copy.
 */
#ifndef MEMSCOPE_CAPTURE_CHILD_H
#define MEMSCOPE_CAPTURE_CHILD_H

enum { CHILD_FAILED = 127, CHILD_SIGNAL_BYTES = 8 /* of the kernel's signal sets */ };

/*
 * Runs run(context) in a child, which ends with CHILD_FAILED should that return. Comes back once
 * the child has executed something, or is gone. Its pid, to be waited for with __WALL; or a
 * negative errno.
 */
long child_start(void (*run)(void *context), void *context);

#endif
