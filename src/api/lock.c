/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits by sleeping: whoever holds a lock talks to another process.
 *
 * An image is a process's memory: a fork makes a new one, vfork and clone(CLONE_VM) do not. Which
 * it is shows a page that the kernel wipes in a fork's child alone.
 */
#include "api/lock.h"

#include <stddef.h>
#include <sys/mman.h>
#include <time.h>

#include "api/object.h"
#include "capture/cpu/x86_64/syscall.h"

enum { LOCK_PAUSE_NS = 200000, LOCK_PAGE_BYTES = 4096 };

/*
 * Each image of the process (itself, and every forked child) has a number. Its first call makes it:
 * others that come meanwhile wait.
 */
enum { LIFE_FRESH = 0, LIFE_UNDER_WAY = 1, LIFE_DONE = 2 };

struct lock_life {
    _Atomic uint32_t state;
};

static _Atomic(struct lock_life *) lock_life; /* in the page that a fork wipes */
static _Atomic uint32_t lock_image_number;

static void lock_pause(void)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
    syscall_3(SYS_nanosleep, (long)(uintptr_t)&pause, 0, 0);
}

/* The wiped page, made by the first call; NULL: there is no memory, or the kernel cannot wipe. */
static struct lock_life *lock_life_take(void)
{
    struct lock_life *life = atomic_load(&lock_life), *expected = NULL;
    if (life)
        return life;
    life = object_take(LOCK_PAGE_BYTES);
    if (!life)
        return NULL;
    if (syscall_3(SYS_madvise, (long)(uintptr_t)life, LOCK_PAGE_BYTES, MADV_WIPEONFORK) == 0 &&
        atomic_compare_exchange_strong(&lock_life, &expected, life))
        return life;
    object_give(life, LOCK_PAGE_BYTES);
    return expected;
}

uint32_t lock_image(void)
{
    struct lock_life *life = lock_life_take();
    if (!life) /* then children that share memory are taken for forked ones */
        return (uint32_t)syscall_3(SYS_getpid, 0, 0, 0);
    for (;;) {
        uint32_t state = LIFE_FRESH;
        if (atomic_load(&life->state) == LIFE_DONE)
            return atomic_load(&lock_image_number);
        if (atomic_compare_exchange_strong(&life->state, &state, LIFE_UNDER_WAY)) {
            atomic_fetch_add(&lock_image_number, 1);
            atomic_store(&life->state, LIFE_DONE);
        } else if (state == LIFE_UNDER_WAY) {
            lock_pause();
        }
    }
}

void lock_take(struct lock *lock)
{
    uint32_t image = lock_image();
    for (;;) {
        uint32_t holder = 0;
        if (atomic_compare_exchange_strong(&lock->image, &holder, image))
            return;
        if (holder != image && atomic_compare_exchange_strong(&lock->image, &holder, image))
            return;
        lock_pause();
    }
}

void lock_give(struct lock *lock)
{
    atomic_store(&lock->image, 0);
}
