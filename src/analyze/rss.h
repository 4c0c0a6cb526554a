/* SPDX-License-Identifier: Apache-2.0 */
/* The resident memory at its peak, explained. */
#ifndef MEMSCOPE_ANALYZE_RSS_H
#define MEMSCOPE_ANALYZE_RSS_H

#include <stdbool.h>

#include "heap/model.h"

struct rss_line {
    uint64_t peak_bytes; /* 0 = not measured; the sum of the parts */
    uint64_t at_ns;
    uint64_t heap_bytes;   /* live in the recorded heap then */
    uint64_t mapped_bytes; /* the program's own mappings */
    uint64_t held_bytes;   /* of the allocator: free, or lost between blocks */
    uint64_t unseen_bytes; /* of an allocator that is not recorded */
    uint64_t file_bytes;   /* code, data and other files */
    uint64_t stack_bytes;
    uint64_t self_bytes;  /* memscope's own */
    uint64_t other_bytes; /* came and went between two looks, or was not looked at */
    bool looked;          /* false: all ended before, and the parts are what they said at the end */
};

struct rss_line rss_explain(const struct model *model);

#endif
