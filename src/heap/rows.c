/* SPDX-License-Identifier: Apache-2.0 */
/* The index of rows, its cache, and renaming in place. */
#include "heap/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

enum { ROWS_INDEX_FIRST = 1024 };

int rows_init(struct rows *rows, struct model *model, size_t max)
{
    *rows = (struct rows){.model = model, .max = max};
    rows->cache = malloc(ROWS_CACHE * sizeof *rows->cache);
    if (!rows->cache)
        return ERR_MEMORY;
    for (size_t i = 0; i < ROWS_CACHE; i++)
        rows->cache[i] = (struct model_row){.cell = MODEL_NONE};
    return 0;
}

void rows_done(struct rows *rows)
{
    free(rows->index);
    free(rows->cache);
    vec_done(&rows->saved);
    *rows = (struct rows){0};
}

static size_t rows_home(const struct rows *rows, const struct model_row *row)
{
    uint64_t slices = (uint64_t)row->born << 32 | row->freed;
    return (size_t)map_mix(slices ^ map_mix(row->cell)) & rows->mask;
}

static bool rows_same(const struct model_row *a, const struct model_row *b)
{
    return a->cell == b->cell && a->born == b->born && a->freed == b->freed;
}

/* The index entry of the row, or the free one where it goes. */
static uint32_t *rows_entry(const struct rows *rows, const struct model_row *row)
{
    size_t i = rows_home(rows, row);
    while (rows->index[i] && !rows_same(&rows->model->rows.at[rows->index[i] - 1], row))
        i = (i + 1) & rows->mask;
    return &rows->index[i];
}

static int rows_index_grow(struct rows *rows)
{
    size_t entries = rows->index ? (rows->mask + 1) * 2 : ROWS_INDEX_FIRST;
    uint32_t *index = calloc(entries, sizeof *index);
    if (!index)
        return ERR_MEMORY;
    free(rows->index);
    rows->index = index;
    rows->mask = entries - 1;
    for (size_t i = 0; i < rows->model->rows.n; i++)
        *rows_entry(rows, &rows->model->rows.at[i]) = (uint32_t)i + 1;
    return 0;
}

/* Adds to the row, which is made if there is none. */
static int rows_add(struct rows *rows, const struct model_row *more)
{
    struct model *model = rows->model;
    if (model->rows.n + 1 > rows->mask / 3 * 2 && rows_index_grow(rows) < 0)
        return ERR_MEMORY;
    uint32_t *entry = rows_entry(rows, more);
    if (*entry) {
        model->rows.at[*entry - 1].n += more->n;
        model->rows.at[*entry - 1].bytes += more->bytes;
        return 0;
    }
    static const struct rows_saved nothing;
    if (model->rows.n >= rows->max)
        return ERR_LIMIT;
    if (!VEC_PUSH(&rows->saved, rows->max, nothing))
        return ERR_MEMORY;
    if (!VEC_PUSH(&model->rows, rows->max, *more)) {
        rows->saved.n--;
        return ERR_MEMORY;
    }
    *entry = (uint32_t)model->rows.n;
    return 0;
}

int rows_evict(struct rows *rows, struct model_row *cached, uint32_t cell, uint32_t born,
               uint32_t freed)
{
    if (cached->n || cached->bytes) {
        int err = rows_add(rows, cached);
        if (err < 0)
            return err;
    }
    *cached = (struct model_row){.cell = cell, .born = born, .freed = freed};
    return 0;
}

int rows_flush(struct rows *rows)
{
    for (size_t i = 0; i < ROWS_CACHE; i++) {
        int err = rows_evict(rows, &rows->cache[i], MODEL_NONE, 0, 0);
        if (err < 0)
            return err;
    }
    return 0;
}

void rows_rename(struct rows *rows, const uint32_t *cells, const uint32_t *slices)
{
    struct model *model = rows->model;
    if (!rows->index)
        return;
    memset(rows->index, 0, (rows->mask + 1) * sizeof *rows->index);
    size_t kept = 0;
    for (size_t i = 0; i < model->rows.n; i++) {
        struct model_row row = model->rows.at[i];
        struct rows_saved saved = rows->saved.at[i];
        if (!row.n && !row.bytes && !saved.n && !saved.bytes)
            continue;
        if (cells)
            row.cell = cells[row.cell];
        if (slices)
            row.born = slices[row.born];
        if (slices && row.freed != MODEL_OPEN)
            row.freed = slices[row.freed];
        uint32_t *entry = rows_entry(rows, &row);
        if (*entry) {
            model->rows.at[*entry - 1].n += row.n;
            model->rows.at[*entry - 1].bytes += row.bytes;
            rows->saved.at[*entry - 1].n += saved.n;
            rows->saved.at[*entry - 1].bytes += saved.bytes;
            continue;
        }
        model->rows.at[kept] = row;
        rows->saved.at[kept] = saved;
        *entry = (uint32_t)++kept;
    }
    model->rows.n = kept;
    rows->saved.n = kept;
}
