/* SPDX-License-Identifier: Apache-2.0 */
/* The resident memory at its peak, explained: how much of it the recorded heap is. */
#ifndef MEMSCOPE_ANALYZE_RSS_H
#define MEMSCOPE_ANALYZE_RSS_H

#include "heap/model.h"

struct rss_line {
    uint64_t peak_bytes; /* 0 = not measured */
    uint64_t at_ns;
    uint64_t heap_bytes;   /* live in the recorded heap then */
    uint64_t mapped_bytes; /* the program's own mappings, at most what is left */
    uint64_t other_bytes;  /* code, stacks, files, memory held free by malloc, memscope */
};

struct rss_line rss_explain(const struct model *model);

#endif
