/* SPDX-License-Identifier: Apache-2.0 */
/* Table by table, record by record. */
#include "equal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TABLE_EQUAL(a, b, table)                                                                   \
    do {                                                                                           \
        assert_int_equal((a)->table.n, (b)->table.n);                                              \
        if ((a)->table.n)                                                                          \
            assert_memory_equal((a)->table.at, (b)->table.at,                                      \
                                (a)->table.n * sizeof *(a)->table.at);                             \
    } while (0)

static int row_order(const void *a, const void *b)
{
    const struct model_row *x = a, *y = b;
    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    if (x->born != y->born)
        return x->born < y->born ? -1 : 1;
    return x->freed < y->freed ? -1 : x->freed > y->freed;
}

/* The rows with something in them, sorted. */
static struct model_row *rows_sorted(const struct model *model, size_t *ret_n)
{
    struct model_row *rows = malloc((model->rows.n + 1) * sizeof *rows);
    size_t n = 0;
    for (size_t i = 0; i < model->rows.n; i++) {
        if (model->rows.at[i].n || model->rows.at[i].bytes)
            rows[n++] = model->rows.at[i];
    }
    qsort(rows, n, sizeof *rows, row_order);
    *ret_n = n;
    return rows;
}

static void rows_equal(const struct model *a, const struct model *b)
{
    size_t n, m;
    struct model_row *x = rows_sorted(a, &n), *y = rows_sorted(b, &m);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(row_order(&x[i], &y[i]), 0);
        assert_true(x[i].n == y[i].n && x[i].bytes == y[i].bytes);
    }
    free(x);
    free(y);
}

static void cells_equal(const struct model *a, const struct model *b)
{
    assert_int_equal(a->cells.n, b->cells.n);
    for (size_t i = 0; i < a->cells.n; i++) {
        struct model_cell x = a->cells.at[i], y = b->cells.at[i];
        assert_int_equal(x.life == MODEL_NONE, y.life == MODEL_NONE);
        if (x.life != MODEL_NONE)
            assert_memory_equal(&a->lives.at[x.life], &b->lives.at[y.life],
                                sizeof(struct model_life));
        x.touched = y.touched = 0;
        x.life = y.life = 0;
        assert_memory_equal(&x, &y, sizeof x);
    }
}

static void threads_equal(const struct model *a, const struct model *b)
{
    assert_int_equal(a->threads.n, b->threads.n);
    for (size_t i = 0; i < a->threads.n; i++) {
        const struct model_thread *x = &a->threads.at[i], *y = &b->threads.at[i];
        assert_true(x->process == y->process && x->tid == y->tid && x->name == y->name);
        assert_true(x->start_ns == y->start_ns && x->end_ns == y->end_ns);
    }
}

static void locations_equal(const struct model *a, const struct model *b)
{
    assert_int_equal(a->locations.n, b->locations.n);
    for (size_t i = 0; i < a->locations.n; i++) {
        const struct model_location *x = &a->locations.at[i], *y = &b->locations.at[i];
        assert_int_equal(x->module, y->module);
        assert_true(x->offset == y->offset);
        assert_int_equal(x->symbol_n, y->symbol_n);
        assert_int_equal(x->symbol_first, y->symbol_first);
    }
}

void model_assert_equal(const struct model *a, const struct model *b)
{
    assert_int_equal(a->strings.n, b->strings.n);
    for (size_t i = 0; i < a->strings.n; i++) {
        assert_int_equal(a->strings.at[i].n, b->strings.at[i].n);
        assert_memory_equal(a->strings.at[i].bytes, b->strings.at[i].bytes, a->strings.at[i].n);
    }
    locations_equal(a, b);
    TABLE_EQUAL(a, b, modules);
    TABLE_EQUAL(a, b, symbols);
    TABLE_EQUAL(a, b, nodes);
    TABLE_EQUAL(a, b, processes);
    threads_equal(a, b);
    TABLE_EQUAL(a, b, tasks);
    TABLE_EQUAL(a, b, slices);
    TABLE_EQUAL(a, b, slice_histograms);
    TABLE_EQUAL(a, b, marks);
    TABLE_EQUAL(a, b, facts);
    TABLE_EQUAL(a, b, mappings);
    rows_equal(a, b);
    cells_equal(a, b);
    assert_memory_equal(a->histograms, b->histograms, sizeof *a->histograms);
    assert_memory_equal(&a->sums, &b->sums, sizeof a->sums);
    assert_memory_equal(&a->loss, &b->loss, sizeof a->loss);
    assert_true(a->end_ns == b->end_ns && a->start_unix_ns == b->start_unix_ns);
    assert_true(a->rss_peak_bytes == b->rss_peak_bytes);
    assert_true(a->base_slice_ns == b->base_slice_ns);
    assert_int_equal(a->finished, b->finished);
}
