/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock for calls that take long. Its word holds the number of the memory image that took it, so
 * that a child that was forked meanwhile, and cannot have the holder, takes it over; a child of
 * vfork, which shares our memory, waits like any thread.
 */
#ifndef MEMSCOPE_API_LOCK_H
#define MEMSCOPE_API_LOCK_H

#include <stdatomic.h>
#include <stdint.h>

struct lock {
    _Atomic uint32_t image; /* 0 = free */
};

void lock_take(struct lock *lock);
void lock_give(struct lock *lock);

/* The number of this process's memory: another one in each forked child, never 0. */
uint32_t lock_image(void);

#endif
