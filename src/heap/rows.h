/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interval rows while they are fed: model.rows made unique by (cell, born, freed).
 *
 * Most deaths fall on few rows, so increments gather in a small cache first. What it evicts waits
 * until there is enough of it to be added in one go, with the memory of all of it under way at
 * once: with millions of rows each one is far from the processor. Rows lie dense in model.rows,
 * beside each of them what a checkpoint has saved of it. A merge of slices renames rows in place
 * and needs no memory.
 */
#ifndef MEMSCOPE_HEAP_ROWS_H
#define MEMSCOPE_HEAP_ROWS_H

#include "base/map.h"
#include "heap/model.h"
#include "heap/pages.h"

enum {
    ROWS_CACHE = 4096,
    ROWS_WAITING = 4096,
    ROWS_EVENT = 4,                               /* rows that one event may take */
    ROWS_SLACK = 4 * (ROWS_CACHE + ROWS_WAITING), /* by which a soft limit may be passed */
};

struct rows_saved {
    uint64_t n, bytes;
};

struct rows_entry {
    uint32_t row; /* number + 1, 0 = free */
    uint32_t tag; /* of the row's hash */
};

struct rows {
    struct model *model;
    size_t max;
    struct rows_entry *index;
    size_t mask; /* of index, 0 = none yet */
    struct pages pages;
    VEC(struct rows_saved) saved; /* one for each row */
    struct model_row *cache;      /* ROWS_CACHE of them; n and bytes 0 = unused */
    struct model_row *waiting;    /* room for ROWS_WAITING */
    size_t waiting_n;
};

/* The rows are the model's, which outlives this. ERR_MEMORY: rows_done is due all the same. */
int rows_init(struct rows *rows, struct model *model, size_t max);
void rows_done(struct rows *rows);

static inline struct model_row *rows_cached(const struct rows *rows, uint32_t cell, uint32_t born,
                                            uint32_t freed)
{
    uint64_t key = ((uint64_t)cell << 32 | born) * 0x9e3779b97f4a7c15u + freed * 0xff51afd7u;
    return &rows->cache[(key >> 40) % ROWS_CACHE];
}

/* Makes the cache's entry this row's. There is room among what waits. */
void rows_evict(struct rows *rows, struct model_row *cached, uint32_t cell, uint32_t born,
                uint32_t freed);

/*
 * The entry to which the row's increment may be added, until the next call; after rows_ready, which
 * makes room for ROWS_EVENT of them.
 */
static inline struct model_row *rows_take(struct rows *rows, uint32_t cell, uint32_t born,
                                          uint32_t freed)
{
    struct model_row *cached = rows_cached(rows, cell, born, freed);
    if (cached->cell != cell || cached->born != born || cached->freed != freed)
        rows_evict(rows, cached, cell, born, freed);
    return cached;
}

/* ERR_MEMORY or ERR_LIMIT leaves every figure as it was. */
int rows_drain(struct rows *rows);
static inline int rows_ready(struct rows *rows)
{
    return rows->waiting_n + ROWS_EVENT <= ROWS_WAITING ? 0 : rows_drain(rows);
}

/* Adds the cache and all that waits to the rows. */
int rows_flush(struct rows *rows);

/*
 * Renames cells and slices and adds up rows that become one; drops rows with nothing in them. What
 * waits and the cache must be flushed. cells or slices may be NULL: as they are.
 */
void rows_rename(struct rows *rows, const uint32_t *cells, const uint32_t *slices);

#endif
