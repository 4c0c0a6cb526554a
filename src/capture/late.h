/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks for a library that was loaded after the program began (dlopen, ctypes): the loader has
 * bound everybody's malloc already. The slots that it bound are redirected, for ever.
 */
#ifndef MEMSCOPE_CAPTURE_LATE_H
#define MEMSCOPE_CAPTURE_LATE_H

#include <stdbool.h>
#include <stdint.h>

/* A hook by name. */
struct late_hook {
    const char *name;
    uintptr_t address;
};

/* The heap's hooks, up to an entry without a name. */
extern const struct late_hook late_hooks[];

/*
 * Redirects the slots of all modules when another malloc stands before ours in the loader's order;
 * a module that comes later is redirected at the next call. Not thread-safe.
 */
void late_redirect(void);

/* Makes one allocation, as the program would, and tells whether a hook saw it. */
bool late_is_seen(void);

#endif
