/* SPDX-License-Identifier: Apache-2.0 */
/* The library's one-shot beginning, from whichever comes first: a hook or the constructor. */
#ifndef MEMSCOPE_CAPTURE_START_H
#define MEMSCOPE_CAPTURE_START_H

#include <stdbool.h>

#include "capture/next.h"

/* True when the real functions can be called. Never waits for another thread. */
bool start_hooks(void);

/* Joins the session that the door names now, for a process that has none. False: it cannot. */
bool start_join(void);

/* In each hook, first of all. */
static inline bool hooks_ready(void)
{
    return __builtin_expect(next.malloc != NULL, 1) || start_hooks();
}

/* A function that takes the place of the program's; its frame pointer is what HOOK_FRAME reads. */
#define HOOK __attribute__((visibility("default"), noinline))

#endif
