/* SPDX-License-Identifier: Apache-2.0 */
/* Private memory of the library, within the session's budget. */
#ifndef MEMSCOPE_CAPTURE_POOL_H
#define MEMSCOPE_CAPTURE_POOL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Returns zeroed private pages (bytes is rounded up to whole ones) or NULL: the budget is used up
 * or the kernel gives none. Never given back. A forked child finds them zeroed again.
 */
void *pool_take(size_t bytes);

/* The same, for what one can do without: NULL as well once half of the budget is used. */
void *pool_take_spare(size_t bytes);

/* As pool_take, but a forked child has a copy, which it charges with pool_charge_copy. */
void *pool_take_kept(size_t bytes);
bool pool_charge_copy(size_t bytes);

#endif
