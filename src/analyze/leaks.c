/* SPDX-License-Identifier: Apache-2.0 */
/* Never-freed blocks by function: their curves, taken from the rows of their cells. */
#include <stdlib.h>
#include <string.h>

#include "analyze/tables.h"

enum {
    LEAKS_MAX = 1 << 20,
    LEAKS_JUDGED_MAX = 512, /* the largest; the rest are small and stay unclear */
};

/* rows by cell: offsets in row_first. */
static bool leaks_order_rows(struct analysis *analysis)
{
    const struct model *model = analysis->model;
    size_t cells = model->cells.n;
    if (!vec_reserve(&analysis->row_first, sizeof(uint32_t), cells + 2,
                     (size_t)MODEL_CELLS_MAX + 2) ||
        !vec_reserve(&analysis->row_order, sizeof(uint32_t), model->rows.n + 1,
                     (size_t)MODEL_ROWS_MAX * 2))
        return false;
    uint32_t *first = analysis->row_first.at;
    memset(first, 0, (cells + 2) * sizeof *first);
    for (size_t i = 0; i < model->rows.n; i++) {
        if (model->rows.at[i].cell < cells)
            first[model->rows.at[i].cell + 2]++;
    }
    for (size_t i = 2; i < cells + 2; i++)
        first[i] += first[i - 1];
    for (size_t i = 0; i < model->rows.n; i++) {
        if (model->rows.at[i].cell < cells)
            analysis->row_order.at[first[model->rows.at[i].cell + 1]++] = (uint32_t)i;
    }
    analysis->row_order.n = first[cells];
    analysis->row_first.n = cells + 1;
    return true;
}

/* Scratch for one curve, a value for each slice. */
struct leaks_scratch {
    uint64_t *at_ns, *live, *kept;
    int64_t *change;
};

/* Calls for each cell of a function. */
#define LEAKS_EACH_CELL(analysis, function, site_i, cell_i)                                        \
    for (uint32_t site_i = 0; site_i < (function)->site_n; site_i++)                               \
        for (uint32_t cell_i = 0,                                                                  \
                      cell_i##_site = (analysis)->site_order.at[(function)->site_first + site_i];  \
             cell_i < (analysis)->sites.at[cell_i##_site].cell_n; cell_i++)

static uint32_t leaks_cell(const struct analysis *analysis, const struct function *function,
                           uint32_t site_i, uint32_t cell_i)
{
    const struct site *site =
            &analysis->sites.at[analysis->site_order.at[function->site_first + site_i]];
    return analysis->cell_order.at[site->cell_first + cell_i];
}

/* The process whose cells kept most. */
static uint32_t leaks_process(const struct analysis *analysis, const struct function *function,
                              uint64_t *by_process)
{
    const struct model *model = analysis->model;
    memset(by_process, 0, (model->processes.n + 1) * sizeof *by_process);
    uint32_t best = 0;
    LEAKS_EACH_CELL(analysis, function, s, c)
    {
        const struct model_cell *cell = &model->cells.at[leaks_cell(analysis, function, s, c)];
        uint32_t process = cell->key.process;
        if (process >= model->processes.n || model->processes.at[process].end == PROCESS_EXECED)
            continue;
        by_process[process] += cell->live_bytes;
        if (by_process[process] > by_process[best])
            best = process;
    }
    return best;
}

/* Adds a cell's rows to the changes of the live curve and to what was kept. Returns kept blocks. */
static uint64_t leaks_add_rows(const struct analysis *analysis, uint32_t cell,
                               struct leaks_scratch *scratch)
{
    const struct model *model = analysis->model;
    uint64_t kept_n = 0;
    for (uint32_t i = analysis->row_first.at[cell]; i < analysis->row_first.at[cell + 1]; i++) {
        const struct model_row *row = &model->rows.at[analysis->row_order.at[i]];
        if (row->born >= model->slices.n)
            continue;
        scratch->change[row->born] += (int64_t)row->bytes;
        if (row->freed == MODEL_OPEN) {
            scratch->kept[row->born] += row->bytes;
            kept_n += row->n;
        } else if (row->freed < model->slices.n) {
            scratch->change[row->freed] -= (int64_t)row->bytes;
        }
    }
    return kept_n;
}

/* The first slice in which anything was allocated: a process may be announced after its blocks. */
static size_t leaks_first_slice(const struct leaks_scratch *scratch, size_t n)
{
    size_t first = 0;
    while (first < n && scratch->change[first] == 0 && scratch->kept[first] == 0)
        first++;
    return first;
}

static void leaks_judge(const struct analysis *analysis, struct leak *leak,
                        struct leaks_scratch *scratch, uint64_t *by_process)
{
    const struct model *model = analysis->model;
    const struct function *function = &analysis->functions.at[leak->function];
    size_t n = model->slices.n;
    if (n == 0 || model->processes.n == 0)
        return;
    leak->process = leaks_process(analysis, function, by_process);
    memset(scratch->change, 0, n * sizeof *scratch->change);
    memset(scratch->kept, 0, n * sizeof *scratch->kept);
    struct leak_curve curve = {0};
    LEAKS_EACH_CELL(analysis, function, s, c)
    {
        uint32_t cell = leaks_cell(analysis, function, s, c);
        if (model->cells.at[cell].key.process == leak->process)
            curve.kept_n += leaks_add_rows(analysis, cell, scratch);
    }
    const struct model_process *process = &model->processes.at[leak->process];
    curve.start_ns = process->start_ns;
    curve.end_ns = process->end_ns ? process->end_ns : model->end_ns;
    size_t first = leaks_first_slice(scratch, n);
    if (first < n && model->slices.at[first].start_ns < curve.start_ns)
        curve.start_ns = model->slices.at[first].start_ns;
    if (curve.end_ns <= curve.start_ns)
        curve.end_ns = curve.start_ns + 1;
    int64_t live = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t end_ns = i + 1 < n ? model->slices.at[i + 1].start_ns : model->end_ns;
        live += scratch->change[i];
        if (end_ns <= curve.start_ns)
            continue;
        scratch->at_ns[curve.n] = end_ns < curve.end_ns ? end_ns : curve.end_ns;
        scratch->live[curve.n] = live > 0 ? (uint64_t)live : 0;
        scratch->kept[curve.n] = scratch->kept[i];
        curve.n++;
        if (end_ns >= curve.end_ns)
            break;
    }
    curve.at_ns = scratch->at_ns;
    curve.live_bytes = scratch->live;
    curve.kept_bytes = scratch->kept;
    if (curve.n)
        leak->verdict = leak_judge(&curve);
}

static int leaks_compare(const void *a, const void *b)
{
    const struct leak *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->function < y->function ? -1 : x->function > y->function;
}

static int leaks_list(struct analysis *analysis)
{
    for (size_t i = 0; i < analysis->functions.n; i++) {
        const struct figures *self = &analysis->functions.at[i].self;
        if (self->leak_n == 0)
            continue;
        struct leak leak = {.function = (uint32_t)i, .n = self->leak_n, .bytes = self->leak_bytes};
        if (!VEC_PUSH(&analysis->leaks, LEAKS_MAX, leak))
            return ERR_MEMORY;
    }
    if (analysis->leaks.n)
        qsort(analysis->leaks.at, analysis->leaks.n, sizeof(struct leak), leaks_compare);
    return 0;
}

int leaks_build(struct analysis *analysis, struct diag *diag)
{
    const struct model *model = analysis->model;
    size_t n = model->slices.n + 1;
    struct leaks_scratch scratch = {.at_ns = malloc(n * 8),
                                    .live = malloc(n * 8),
                                    .kept = malloc(n * 8),
                                    .change = malloc(n * 8)};
    uint64_t *by_process = malloc((model->processes.n + 1) * sizeof *by_process);
    int err = ERR_MEMORY;
    if (scratch.at_ns && scratch.live && scratch.kept && scratch.change && by_process &&
        leaks_order_rows(analysis))
        err = leaks_list(analysis);
    for (size_t i = 0; err == 0 && i < analysis->leaks.n && i < LEAKS_JUDGED_MAX; i++)
        leaks_judge(analysis, &analysis->leaks.at[i], &scratch, by_process);
    free(scratch.at_ns);
    free(scratch.live);
    free(scratch.kept);
    free(scratch.change);
    free(by_process);
    return err ? diag_set(diag, err, "no memory to judge the leaks") : 0;
}
