/* SPDX-License-Identifier: Apache-2.0 */
/* Waits by sleeping: whoever holds it talks to another process. */
#include "api/lock.h"

#include <time.h>

#include "capture/cpu/x86_64/syscall.h"

enum { LOCK_PAUSE_NS = 200000 };

void lock_take(struct lock *lock)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
    uint32_t pid = (uint32_t)syscall_3(SYS_getpid, 0, 0, 0);
    for (;;) {
        uint32_t holder = 0;
        if (atomic_compare_exchange_strong(&lock->pid, &holder, pid))
            return;
        if (holder != pid && atomic_compare_exchange_strong(&lock->pid, &holder, pid))
            return;
        syscall_3(SYS_nanosleep, (long)(uintptr_t)&pause, 0, 0);
    }
}

void lock_give(struct lock *lock)
{
    atomic_store(&lock->pid, 0);
}
