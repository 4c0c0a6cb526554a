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

#ifdef __cplusplus
extern "C" {
#endif

#define MEMSCOPE_VERSION_MAJOR 0
#define MEMSCOPE_VERSION_MINOR 1

#if defined(__GNUC__)
#define MEMSCOPE_API __attribute__((visibility("default")))
#else
#define MEMSCOPE_API
#endif

/**
 * Returns the version of the library as "MAJOR.MINOR.PATCH": a static string that must not be
 * freed. Safe in signal handlers. Never fails.
 */
MEMSCOPE_API const char *memscope_version(void);

#ifdef __cplusplus
}
#endif

#endif
