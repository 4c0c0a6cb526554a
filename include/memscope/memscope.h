/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public C API of memscope.
 *
 * A program may link libmemscope.so, or be started under `memscope run`, which preloads the same
 * library. Every function may be called from any thread; none may be called from a signal handler
 * unless its comment says so.
 */
#ifndef MEMSCOPE_MEMSCOPE_H
#define MEMSCOPE_MEMSCOPE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MEMSCOPE_VERSION_MAJOR 0
#define MEMSCOPE_VERSION_MINOR 1

#if defined(__GNUC__)
#define MEMSCOPE_API __attribute__((visibility("default")))
#define MEMSCOPE_WEAK __attribute__((weak))
#else
#define MEMSCOPE_API
#define MEMSCOPE_WEAK
#endif

/**
 * Returns the version of the library as "MAJOR.MINOR.PATCH": a static string that must not be
 * freed. Safe in signal handlers. Never fails.
 */
MEMSCOPE_API const char *memscope_version(void);

/**
 * The calling thread works on task `id` from here on, until memscope_task_leave; what it allocates
 * meanwhile counts as the task's. For units of work that memscope cannot see by itself: requests,
 * jobs, fibers. Tasks nest; the innermost counts. A task may be entered again and by any thread.
 *
 * id: chosen by the program, below 2^56, unique among its tasks that have not ended.
 * name: what the task is called, at most 1024 bytes, copied; NULL: no name. Costs nothing worth
 * mentioning when nothing is recorded. A weak symbol: without memscope it is NULL, so call it
 * through MEMSCOPE_TASK_ENTER.
 */
MEMSCOPE_API MEMSCOPE_WEAK void memscope_task_enter(uint64_t id, const char *name);

/** Leaves the task that the calling thread entered last. Without one it does nothing. */
MEMSCOPE_API MEMSCOPE_WEAK void memscope_task_leave(void);

/** The task has ended: its id may be used for another one. What it still holds is retained memory.
 */
MEMSCOPE_API MEMSCOPE_WEAK void memscope_task_end(uint64_t id);

#if defined(__GNUC__)
#define MEMSCOPE_TASK_ENTER(id, name)                                                              \
    (memscope_task_enter ? memscope_task_enter((id), (name)) : (void)0)
#define MEMSCOPE_TASK_LEAVE() (memscope_task_leave ? memscope_task_leave() : (void)0)
#define MEMSCOPE_TASK_END(id) (memscope_task_end ? memscope_task_end((id)) : (void)0)
#endif

#ifdef __cplusplus
}
#endif

#endif
