/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages are mapped in batches, so that most takes make no system call. A batch is wiped by fork
 * and left out of core dumps. Of two threads that map a batch at the same time the
 * loser unmaps its own.
 */
#include "capture/pool.h"

#include <linux/mman.h>
#include <sys/mman.h>

#include "capture/cpu/x86_64/syscall.h"
#include "capture/process.h"

enum { POOL_BATCH_BYTES = 256 << 10, POOL_SHARE_MOST = POOL_BATCH_BYTES / 4 };

/*
 * The current batch: its address, and in the low bits the number of pages given out. It lies
 * outside of wiped memory on purpose: a forked child goes on behind what its parent gave out, whose
 * pointers it still has.
 */
static _Atomic uintptr_t pool_cursor;

static void *pool_map_kept(size_t bytes)
{
    long at = syscall_6(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at < 0)
        return NULL;
    syscall_3(SYS_madvise, at, (long)bytes, MADV_DONTDUMP);
    return (void *)at;
}

static void *pool_map_wiped(size_t bytes)
{
    void *at = pool_map_kept(bytes);
    if (at && syscall_3(SYS_madvise, (long)(uintptr_t)at, (long)bytes, MADV_WIPEONFORK) < 0) {
        syscall_3(SYS_munmap, (long)(uintptr_t)at, (long)bytes, 0);
        return NULL;
    }
    return at;
}

/* Memory by one of the two above. NULL: none to be had, or we may not ask for it. */
static void *pool_map(size_t bytes, void *map(size_t bytes))
{
    if (!process_calls_begin())
        return NULL;
    void *at = process_may_map() ? map(bytes) : NULL;
    process_calls_end();
    return at;
}

/* A batch that is not needed: it stays where system calls may not be made any more. */
static void pool_unmap(uintptr_t at)
{
    if (!process_calls_begin())
        return;
    syscall_3(SYS_munmap, (long)at, POOL_BATCH_BYTES, 0);
    process_calls_end();
}

/* Counts bytes against the session's budget; false when that is used up. */
static bool pool_charge(size_t bytes)
{
    struct wire_segment *segment = process.segment;
    uint64_t before =
            atomic_fetch_add_explicit(&segment->private_bytes, bytes, memory_order_relaxed);
    if (before + bytes > segment->config.private_limit_bytes) {
        atomic_fetch_sub_explicit(&segment->private_bytes, bytes, memory_order_relaxed);
        return false;
    }
    if (process.slot)
        atomic_fetch_add_explicit(&process.slot->private_bytes, bytes, memory_order_relaxed);
    return true;
}

static void *pool_from_batch(size_t bytes)
{
    const uintptr_t low_bits = WIRE_PAGE_BYTES - 1;
    uintptr_t cursor = atomic_load_explicit(&pool_cursor, memory_order_relaxed);
    for (;;) {
        size_t used = (cursor & low_bits) * WIRE_PAGE_BYTES;
        uintptr_t batch = cursor & ~low_bits;
        uintptr_t fresh = 0;
        if (!batch || used + bytes > POOL_BATCH_BYTES) {
            fresh = (uintptr_t)pool_map(POOL_BATCH_BYTES, pool_map_wiped);
            if (!fresh)
                return NULL;
            batch = fresh;
            used = 0;
        }
        if (atomic_compare_exchange_strong_explicit(&pool_cursor, &cursor,
                                                    batch | (used + bytes) / WIRE_PAGE_BYTES,
                                                    memory_order_relaxed, memory_order_relaxed))
            return (char *)batch + used;
        if (fresh)
            pool_unmap(fresh);
    }
}

void *pool_take(size_t bytes)
{
    if (bytes == 0 || bytes > (size_t)1 << 32 || !process.segment)
        return NULL;
    bytes = (bytes + WIRE_PAGE_BYTES - 1) & ~(size_t)(WIRE_PAGE_BYTES - 1);
    if (!pool_charge(bytes))
        return NULL;
    void *at = bytes <= POOL_SHARE_MOST ? pool_from_batch(bytes) : pool_map(bytes, pool_map_wiped);
    if (!at)
        atomic_fetch_sub_explicit(&process.segment->private_bytes, bytes, memory_order_relaxed);
    return at;
}

void *pool_take_spare(size_t bytes)
{
    const struct wire_segment *segment = process.segment;
    if (!segment || atomic_load_explicit(&segment->private_bytes, memory_order_relaxed) + bytes >
                            segment->config.private_limit_bytes / 2)
        return NULL;
    return pool_take(bytes);
}

void *pool_take_kept(size_t bytes)
{
    if (!process.segment || !pool_charge(bytes))
        return NULL;
    void *at = pool_map(bytes, pool_map_kept);
    if (!at)
        atomic_fetch_sub_explicit(&process.segment->private_bytes, bytes, memory_order_relaxed);
    return at;
}

bool pool_charge_copy(size_t bytes)
{
    return pool_charge(bytes);
}
