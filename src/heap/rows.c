/* SPDX-License-Identifier: Apache-2.0 */
/* The index of rows, its cache, and renaming in place. */
#include "heap/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

enum {
    ROWS_INDEX_FIRST = 4096,
    ROWS_AHEAD = 16,
};

int rows_init(struct rows *rows, struct model *model, size_t max)
{
    *rows = (struct rows){.model = model, .max = max};
    rows->cache = malloc(ROWS_CACHE * sizeof *rows->cache);
    rows->waiting = malloc(ROWS_WAITING * sizeof *rows->waiting);
    if (!rows->cache || !rows->waiting)
        return ERR_MEMORY;
    for (size_t i = 0; i < ROWS_CACHE; i++)
        rows->cache[i] = (struct model_row){.cell = MODEL_NONE};
    return 0;
}

static void rows_index_free(struct rows *rows)
{
    if (rows->index)
        pages_free(rows->index, (rows->mask + 1) * sizeof *rows->index);
}

void rows_done(struct rows *rows)
{
    rows_index_free(rows);
    free(rows->cache);
    free(rows->waiting);
    vec_done(&rows->saved);
    *rows = (struct rows){0};
}

static uint64_t rows_hash(const struct model_row *row)
{
    uint64_t slices = (uint64_t)row->born << 32 | row->freed;
    return map_mix(slices ^ (row->cell * 0x9e3779b97f4a7c15u));
}

static bool rows_same(const struct model_row *a, const struct model_row *b)
{
    return a->cell == b->cell && a->born == b->born && a->freed == b->freed;
}

/* The index entry of the row, or the free one where it goes. */
static struct rows_entry *rows_find(const struct rows *rows, const struct model_row *row,
                                    uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 32);
    for (size_t i = (size_t)hash & rows->mask;; i = (i + 1) & rows->mask) {
        struct rows_entry *entry = &rows->index[i];
        if (!entry->row)
            return entry;
        if (entry->tag == tag && rows_same(&rows->model->rows.at[entry->row - 1], row))
            return entry;
    }
}

static void rows_entry_set(struct rows_entry *entry, size_t row, uint64_t hash)
{
    *entry = (struct rows_entry){(uint32_t)row + 1, (uint32_t)(hash >> 32)};
}

/* Hashes of up to ROWS_AHEAD rows, whose index entries are asked for. */
static size_t rows_ask(const struct rows *rows, const struct model_row *from, size_t n,
                       uint64_t *hashes)
{
    if (n > ROWS_AHEAD)
        n = ROWS_AHEAD;
    for (size_t i = 0; i < n; i++) {
        hashes[i] = rows_hash(&from[i]);
        __builtin_prefetch(&rows->index[hashes[i] & rows->mask], 1);
    }
    return n;
}

static int rows_index_reserve(struct rows *rows, size_t n)
{
    size_t entries = rows->index ? rows->mask + 1 : ROWS_INDEX_FIRST;
    while (n > entries / 3 * 2)
        entries *= 2;
    if (rows->index && entries == rows->mask + 1)
        return 0;
    struct rows_entry *index = pages_new(&rows->pages, entries * sizeof *index);
    if (!index)
        return ERR_MEMORY;
    rows_index_free(rows);
    rows->index = index;
    rows->mask = entries - 1;
    const struct model *model = rows->model;
    uint64_t hashes[ROWS_AHEAD];
    for (size_t i = 0, some; i < model->rows.n; i += some) {
        some = rows_ask(rows, &model->rows.at[i], model->rows.n - i, hashes);
        for (size_t k = 0; k < some; k++)
            rows_entry_set(rows_find(rows, &model->rows.at[i + k], hashes[k]), i + k, hashes[k]);
    }
    return 0;
}

/* Makes room for n more rows, so that adding cannot fail. */
static int rows_reserve(struct rows *rows, size_t n)
{
    struct model *model = rows->model;
    if (n > rows->max - model->rows.n)
        return ERR_LIMIT;
    if (!vec_reserve(&rows->saved, sizeof *rows->saved.at, n, rows->max) ||
        !vec_reserve(&model->rows, sizeof *model->rows.at, n, rows->max))
        return ERR_MEMORY;
    return rows_index_reserve(rows, model->rows.n + n);
}

static void rows_add(struct rows *rows, const struct model_row *more, uint64_t hash)
{
    struct model *model = rows->model;
    struct rows_entry *entry = rows_find(rows, more, hash);
    if (entry->row) {
        model->rows.at[entry->row - 1].n += more->n;
        model->rows.at[entry->row - 1].bytes += more->bytes;
        return;
    }
    rows_entry_set(entry, model->rows.n, hash);
    model->rows.at[model->rows.n++] = *more;
    rows->saved.at[rows->saved.n++] = (struct rows_saved){0, 0};
}

/* Rows on their way into the index, in stages: all of one are under way in the next. */
struct rows_stage {
    const struct model_row *from;
    size_t n;
    uint64_t hashes[ROWS_AHEAD];
};

static void rows_stage_ask(const struct rows *rows, const struct model_row *from, size_t n,
                           struct rows_stage *stage)
{
    stage->from = from;
    stage->n = rows_ask(rows, from, n, stage->hashes);
}

/* Their index entries are near: the rows that those name are asked for. */
static void rows_stage_touch(const struct rows *rows, const struct rows_stage *stage)
{
    for (size_t i = 0; i < stage->n; i++) {
        uint32_t row = rows->index[stage->hashes[i] & rows->mask].row;
        if (row)
            __builtin_prefetch(&rows->model->rows.at[row - 1], 1);
    }
}

static void rows_stage_add(struct rows *rows, const struct rows_stage *stage)
{
    for (size_t i = 0; i < stage->n; i++)
        rows_add(rows, &stage->from[i], stage->hashes[i]);
}

int rows_drain(struct rows *rows)
{
    int err = rows_reserve(rows, rows->waiting_n);
    if (err < 0)
        return err;
    struct rows_stage stages[3] = {0};
    const struct model_row *from = rows->waiting, *end = from + rows->waiting_n;
    for (unsigned i = 0; from < end || stages[(i + 2) % 3].n || stages[(i + 1) % 3].n; i++) {
        rows_stage_ask(rows, from, (size_t)(end - from), &stages[i % 3]);
        from += stages[i % 3].n;
        rows_stage_touch(rows, &stages[(i + 2) % 3]);
        rows_stage_add(rows, &stages[(i + 1) % 3]);
        stages[(i + 1) % 3].n = 0;
    }
    rows->waiting_n = 0;
    return 0;
}

void rows_evict(struct rows *rows, struct model_row *cached, uint32_t cell, uint32_t born,
                uint32_t freed)
{
    if (cached->n || cached->bytes)
        rows->waiting[rows->waiting_n++] = *cached;
    *cached = (struct model_row){.cell = cell, .born = born, .freed = freed};
}

int rows_flush(struct rows *rows)
{
    int err = rows_drain(rows); /* makes room for the whole cache */
    if (err < 0)
        return err;
    for (size_t i = 0; i < ROWS_CACHE; i++)
        rows_evict(rows, &rows->cache[i], MODEL_NONE, 0, 0);
    return rows_drain(rows);
}

/* The row under its new name; false: there is nothing in it. */
static bool rows_renamed(const struct rows *rows, size_t i, const uint32_t *cells,
                         const uint32_t *slices, struct model_row *ret_row)
{
    const struct rows_saved *saved = &rows->saved.at[i];
    struct model_row row = rows->model->rows.at[i];
    if (!row.n && !row.bytes && !saved->n && !saved->bytes)
        return false;
    if (cells)
        row.cell = cells[row.cell];
    if (slices) {
        row.born = slices[row.born];
        row.freed = row.freed == MODEL_OPEN ? MODEL_OPEN : slices[row.freed];
    }
    *ret_row = row;
    return true;
}

void rows_rename(struct rows *rows, const uint32_t *cells, const uint32_t *slices)
{
    struct model *model = rows->model;
    if (!rows->index)
        return;
    memset(rows->index, 0, (rows->mask + 1) * sizeof *rows->index);
    size_t total = model->rows.n, at = 0;
    model->rows.n = 0;
    while (at < total) {
        struct model_row some[ROWS_AHEAD];
        struct rows_saved saved[ROWS_AHEAD];
        uint64_t hashes[ROWS_AHEAD];
        size_t n = 0;
        for (; at < total && n < ROWS_AHEAD; at++) {
            saved[n] = rows->saved.at[at];
            n += rows_renamed(rows, at, cells, slices, &some[n]);
        }
        rows_ask(rows, some, n, hashes);
        for (size_t i = 0; i < n; i++) {
            struct rows_entry *entry = rows_find(rows, &some[i], hashes[i]);
            size_t to = entry->row ? entry->row - 1 : model->rows.n;
            if (!entry->row) {
                rows_entry_set(entry, model->rows.n++, hashes[i]);
                model->rows.at[to] = some[i];
                rows->saved.at[to] = saved[i];
                continue;
            }
            model->rows.at[to].n += some[i].n;
            model->rows.at[to].bytes += some[i].bytes;
            rows->saved.at[to].n += saved[i].n;
            rows->saved.at[to].bytes += saved[i].bytes;
        }
    }
    rows->saved.n = model->rows.n;
}
