/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs that use the API have in common: a failed check ends them with its text. */
#ifndef MEMSCOPE_TARGETS_API_CHECK_H
#define MEMSCOPE_TARGETS_API_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include "memscope/memscope.h"

static struct memscope_error api_error;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* A call that must succeed; its last argument is &api_error. */
#define MUST(call)                                                                                 \
    do {                                                                                           \
        int must_result = (call);                                                                  \
        if (must_result < 0) {                                                                     \
            fprintf(stderr, "line %d: %s: %d: %s\n", __LINE__, #call, must_result,                 \
                    api_error.text);                                                               \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* What the program itself counts. */
static unsigned long long counted_n, counted_bytes, freed_n, freed_bytes;

static inline void *counted_malloc(size_t bytes)
{
    counted_n++;
    counted_bytes += bytes;
    return malloc(bytes);
}

static inline void counted_free(void *block, size_t bytes)
{
    freed_n++;
    freed_bytes += bytes;
    free(block);
}

/* Whether the totals of an analysis are what was counted. */
static inline void check_counted(const memscope_analysis *analysis)
{
    struct memscope_statistics statistics;
    CHECK(memscope_analysis_statistics(analysis, &statistics) == 0);
    CHECK(memscope_analysis_is_exact(analysis) && !memscope_analysis_is_partial(analysis));
    if (statistics.alloc_n == counted_n && statistics.alloc_bytes == counted_bytes &&
        statistics.free_n == freed_n && statistics.free_bytes == freed_bytes)
        return;
    fprintf(stderr, "%llu/%llu blocks %llu/%llu bytes, freed %llu/%llu %llu/%llu\n",
            (unsigned long long)statistics.alloc_n, counted_n,
            (unsigned long long)statistics.alloc_bytes, counted_bytes,
            (unsigned long long)statistics.free_n, freed_n,
            (unsigned long long)statistics.free_bytes, freed_bytes);
    exit(1);
}

#endif
