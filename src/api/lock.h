/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock for calls that take long. Its word holds the pid of the process that took it, so that a
 * child that was forked meanwhile, and cannot have the holder, takes it over.
 */
#ifndef MEMSCOPE_API_LOCK_H
#define MEMSCOPE_API_LOCK_H

#include <stdatomic.h>
#include <stdint.h>

struct lock {
    _Atomic uint32_t pid; /* 0 = free */
};

void lock_take(struct lock *lock);
void lock_give(struct lock *lock);

#endif
