/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a real program: captures the stack of each malloc, calloc and realloc by one way,
 * times it, and in one of UNWIND_COMPARE captures compares with libunwind and the plain walk. The
 * result goes to stderr when the program ends. UNWIND_WAY: 1 libunwind, 2 plain walk, 4 capture
 * with id.
 */
#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <libunwind.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/unwind.h"
#include "probe.h"

enum {
    BUFFER = 4096,
    CALIBRATIONS = 1000,
    OUTLIER_TICKS = 60000,
    WAY_LIBUNWIND = 1,
    WAY_PLAIN = 2
};

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    int (*dlclose)(void *);
    int way, compare;
    uint64_t overhead;
    _Atomic uint64_t captures, ticks, dropped;
} bench;

static atomic_int ready;
static _Thread_local int busy __attribute__((tls_model("initial-exec")));
static _Thread_local uint64_t turn __attribute__((tls_model("initial-exec")));
static _Thread_local uintptr_t buffer[BUFFER] __attribute__((tls_model("initial-exec")));
static char early[1 << 16];
static atomic_size_t early_used;

static inline uint64_t ticks_now(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

static void capture(uintptr_t pc, uintptr_t sp, uintptr_t bp)
{
    uint32_t flags;
    if (atomic_load_explicit(&ready, memory_order_acquire) != 2 || busy)
        return;
    busy = 1;
    if (bench.compare != 0 && ++turn % (uint64_t)bench.compare == 0) {
        probe_compare(PROBE_PLAIN | PROBE_LIBUNWIND, pc, sp, bp);
        busy = 0;
        return;
    }
    struct unwind_thread *thread = probe_thread();
    uint64_t begin = ticks_now();
    if (bench.way == WAY_LIBUNWIND)
        unw_backtrace((void **)buffer, BUFFER);
    else if (bench.way == WAY_PLAIN)
        unwind_walk_into(pc, sp, bp, buffer, BUFFER, &flags);
    else
        stack_capture_id(thread, pc, sp, bp);
    uint64_t took = ticks_now() - begin;
    if (took > OUTLIER_TICKS) {
        atomic_fetch_add_explicit(&bench.dropped, 1, memory_order_relaxed);
    } else {
        atomic_fetch_add_explicit(&bench.captures, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&bench.ticks, took - bench.overhead, memory_order_relaxed);
    }
    busy = 0;
}

#define CAPTURE_HERE()                                                                             \
    do {                                                                                           \
        const uintptr_t *frame = __builtin_frame_address(0);                                       \
        capture(frame[1], (uintptr_t)(frame + 2), frame[0]);                                       \
    } while (0)

static void start(void)
{
    int none = 0;
    if (!atomic_compare_exchange_strong(&ready, &none, 1))
        return;
    bench.malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    bench.calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    bench.realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    bench.dlclose = (int (*)(void *))dlsym(RTLD_NEXT, "dlclose");
    const char *way = getenv("UNWIND_WAY"), *compare = getenv("UNWIND_COMPARE");
    bench.way = way != NULL ? atoi(way) : 4;
    bench.compare = compare != NULL ? atoi(compare) : 0;
    probe_init();
    probe_verbose(bench.compare != 0);
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < CALIBRATIONS; i++) {
        uint64_t begin = ticks_now(), took = ticks_now() - begin;
        least = took < least ? took : least;
    }
    bench.overhead = least;
    atomic_store_explicit(&ready, 2, memory_order_release);
}

static void *early_take(size_t size)
{
    size_t at = atomic_fetch_add(&early_used, (size + 31) & ~(size_t)15);
    return at + size <= sizeof(early) ? early + at : NULL;
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    start();
    CAPTURE_HERE();
    return bench.malloc != NULL ? bench.malloc(size) : early_take(size);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
    start();
    CAPTURE_HERE();
    return bench.calloc != NULL ? bench.calloc(n, size) : early_take(n * size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
    start();
    CAPTURE_HERE();
    return bench.realloc(old, size);
}

__attribute__((visibility("default"))) int dlclose(void *handle)
{
    start();
    unwind_modules_changed();
    int result = bench.dlclose(handle);
    unwind_modules_changed();
    return result;
}

__attribute__((destructor)) static void report(void)
{
    busy = 1;
    struct probe_counts counts = probe_counts_get();
    struct probe_log_counts log = probe_log();
    const double ticks_per_ns = 2.6;
    char line[512];
    int n = snprintf(
            line, sizeof(line),
            "unwind: pid %d way %d: %lu captures, %.1f ns each, %lu dropped; %lu stacks, "
            "%.1f frames each, %lu modules\n",
            getpid(), bench.way, bench.captures,
            bench.captures != 0 ? (double)bench.ticks / (double)bench.captures / ticks_per_ns : 0,
            bench.dropped, log.stacks,
            log.stacks != 0 ? (double)log.frames / (double)log.stacks : 0, log.modules);
    if (counts.captures != 0)
        n += snprintf(line + n, sizeof(line) - (size_t)n,
                      "unwind: compared %lu of mean depth %.1f: plain walk wrong %lu, libunwind "
                      "differs %lu, undecodable %lu, flagged %lu\n",
                      counts.captures, (double)counts.frames / (double)counts.captures,
                      counts.wrong[0], counts.wrong[1], counts.undecodable, counts.flagged);
    if (write(2, line, (size_t)n) < 0)
        return;
}
