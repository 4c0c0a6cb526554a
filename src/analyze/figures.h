/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of a group of cells: what sites, functions, threads and tasks have in common. */
#ifndef MEMSCOPE_ANALYZE_FIGURES_H
#define MEMSCOPE_ANALYZE_FIGURES_H

#include "heap/model.h"

struct figures {
    uint64_t alloc_n, alloc_bytes;
    uint64_t free_n, free_bytes;
    uint64_t live_n, live_bytes; /* at the end */
    uint64_t leak_n, leak_bytes; /* of live: never freed, in processes that did not end by exec */
    uint64_t peak_n, peak_bytes; /* at the session's peak */
    uint64_t temporary_n;
    uint64_t short_n, short_bytes;
    uint64_t realloc_n;
    uint64_t other_thread_free_n, other_task_free_n;
    uint64_t sample_n;
    struct model_spread spread; /* how far sampling may be off; analyze/estimate.h */
    uint64_t leak_spread_n, leak_spread_bytes;
    uint64_t size_min, size_max; /* of blocks; 0 when there are none */
    uint64_t first_ns, last_ns;  /* first and last allocation */
    uint64_t life_n[MODEL_CELL_LIFE_CLASSES];
};

/* Adds a cell's figures. */
void figures_add_cell(struct figures *figures, const struct model *model,
                      const struct model_cell *cell);

/* Adds another group's figures. */
void figures_add(struct figures *figures, const struct figures *more);

/* The lifetime under which a share (0 … 1) of the freed blocks lived: its class's least. 0: none.
 */
uint64_t figures_life_at(const struct figures *figures, double share);

/* The least lifetime of a coarse class in nanoseconds: class 0 begins at 0. */
uint64_t figures_life_class_least(unsigned life_class);

#endif
