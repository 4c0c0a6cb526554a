/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts, sites, cells and rows of the page: sorted, and merged where the page sees no
 * difference. */
#include <stdlib.h>
#include <string.h>

#include "analyze/timeline.h"
#include "export/json_parts.h"
#include "export/page.h"

enum { PAGE_ROWS_MAX = MODEL_ROWS_MAX * 2, PAGE_SLICES_LEAST = 64 };

/* One model cell on its way into the page. */
struct rows_cell {
    uint32_t site, context, cell;
};

static int rows_compare_cells(const void *a, const void *b)
{
    const struct rows_cell *x = a, *y = b;
    if (x->site != y->site)
        return x->site < y->site ? -1 : 1;
    if (x->context != y->context)
        return x->context < y->context ? -1 : 1;
    return x->cell < y->cell ? -1 : x->cell > y->cell;
}

static int rows_compare_rows(const void *a, const void *b)
{
    const struct page_row *x = a, *y = b;
    if (x->born != y->born)
        return x->born < y->born ? -1 : 1;
    return x->life < y->life ? -1 : x->life > y->life;
}

/* The slice that at_ns lies in; the number of slices at or past the end. */
static uint32_t rows_slice_at(const struct page *page, uint64_t at_ns)
{
    size_t low = 0, high = page->slices.n;
    if (at_ns >= page->model->end_ns)
        return page->slice_n;
    while (low + 1 < high) {
        size_t middle = (low + high) / 2;
        if (page->slices.at[middle].start_ns <= at_ns)
            low = middle;
        else
            high = middle;
    }
    return (uint32_t)low;
}

/*
 * A process that ended in the last slice counts as there at the end: the report is about what it
 * held when it ended.
 */
static int rows_processes(struct page *page)
{
    const struct model *model = page->model;
    VEC_EACH (struct model_process, process, &model->processes) {
        uint32_t gone = page->slice_n;
        if (process->end != PROCESS_RUNNING && process->end_ns)
            gone = rows_slice_at(page, process->end_ns);
        if (gone + 1 >= page->slice_n)
            gone = page->slice_n;
        if (!VEC_PUSH(&page->process_gone, MODEL_PROCESSES_MAX, gone))
            return ERR_MEMORY;
    }
    return 0;
}

static uint32_t rows_context(struct page *page, const struct model_cell_key *key)
{
    const struct model *model = page->model;
    struct page_context context = {
            .process = key->process < model->processes.n ? key->process : 0,
            .thread = key->thread < model->threads.n ? key->thread : 0,
            .task = key->task < model->tasks.n ? key->task : 0,
    };
    uint64_t hash = map_mix(map_mix((uint64_t)context.process << 32 | context.thread) ^
                            (uint64_t)context.task << 1);
    int64_t found = map_find(&page->context_index, hash);
    if (found != MAP_NONE)
        return (uint32_t)found;
    if (!VEC_PUSH(&page->contexts, MODEL_CELLS_MAX, context) ||
        !map_put(&page->context_index, hash, (uint32_t)page->contexts.n - 1))
        return MODEL_NONE;
    return (uint32_t)page->contexts.n - 1;
}

struct rows_site {
    uint32_t node, site;
};

static int rows_compare_sites(const void *a, const void *b)
{
    const struct rows_site *x = a, *y = b;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    return x->site < y->site ? -1 : x->site > y->site;
}

/* Page sites, ascending by node. */
static int rows_sites(struct page *page, const uint32_t *site_nodes)
{
    const struct analysis *analysis = page->analysis;
    size_t n = analysis->sites.n;
    struct rows_site *order = malloc((n + 1) * sizeof *order);
    if (!order || !vec_reserve(&page->site_of_model, sizeof(uint32_t), n + 1, MODEL_CELLS_MAX)) {
        free(order);
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++)
        order[i] = (struct rows_site){site_nodes[i], (uint32_t)i};
    qsort(order, n, sizeof *order, rows_compare_sites);
    int err = 0;
    for (size_t i = 0; i < n && err == 0; i++) {
        const struct site *from = &analysis->sites.at[order[i].site];
        if (page->sites.n == 0 || page->sites.at[page->sites.n - 1].node != order[i].node) {
            struct page_site site = {.node = order[i].node, .function = from->function};
            if (!VEC_PUSH(&page->sites, MODEL_CELLS_MAX, site))
                err = ERR_MEMORY;
        }
        if (err == 0) {
            figures_add(&page->sites.at[page->sites.n - 1].figures, &from->figures);
            page->site_of_model.at[order[i].site] = (uint32_t)page->sites.n - 1;
        }
    }
    page->site_of_model.n = n;
    free(order);
    return err;
}

/* Appends a model cell's rows, not yet sorted or merged. */
static bool rows_append(struct page *page, uint32_t cell)
{
    const struct analysis *analysis = page->analysis;
    for (uint32_t i = analysis->row_first.at[cell]; i < analysis->row_first.at[cell + 1]; i++) {
        const struct model_row *from = &page->model->rows.at[analysis->row_order.at[i]];
        if (from->born >= page->model->slices.n)
            continue;
        uint32_t born = from->born >> page->merge_shift, freed = page->slice_n;
        if (from->freed < page->model->slices.n)
            freed = from->freed >> page->merge_shift;
        struct page_row row = {.born = born,
                               .life = freed > born ? freed - born : 0,
                               .n = from->n,
                               .bytes = from->bytes};
        if (!VEC_PUSH(&page->rows, PAGE_ROWS_MAX, row))
            return false;
    }
    return true;
}

/* Sorts the rows from `first` on and merges equal ones. Returns how many are left. */
static uint32_t rows_merge(struct page *page, size_t first)
{
    size_t n = page->rows.n - first, kept = 0;
    struct page_row *rows = page->rows.at + first;
    if (n == 0)
        return 0;
    qsort(rows, n, sizeof *rows, rows_compare_rows);
    for (size_t i = 1; i < n; i++) {
        if (rows_compare_rows(&rows[kept], &rows[i]) == 0) {
            rows[kept].n += rows[i].n;
            rows[kept].bytes += rows[i].bytes;
        } else {
            rows[++kept] = rows[i];
        }
    }
    page->rows.n = first + kept + 1;
    return (uint32_t)kept + 1;
}

/* One page cell of the model cells [from, to), which share site and context. */
static bool rows_add_cell(struct page *page, const struct rows_cell *from,
                          const struct rows_cell *to)
{
    struct page_cell cell = {.site = from->site, .context = from->context};
    size_t first = page->rows.n;
    for (; from < to; from++) {
        const struct model_cell *more = &page->model->cells.at[from->cell];
        cell.peak_n += more->peak_n;
        cell.peak_bytes += more->peak_bytes;
        cell.own_n += more->process_peak_n;
        cell.own_bytes += more->process_peak_bytes;
        cell.other_thread_free_n += more->other_thread_free_n;
        if (!rows_append(page, from->cell))
            return false;
    }
    cell.row_n = rows_merge(page, first);
    page->sites.at[cell.site].cell_n++;
    return VEC_PUSH(&page->cells, MODEL_CELLS_MAX, cell);
}

static int rows_cells(struct page *page)
{
    const struct analysis *analysis = page->analysis;
    size_t n = page->model->cells.n, at = 0;
    struct rows_cell *order = malloc((n + 1) * sizeof *order);
    int err = order ? 0 : ERR_MEMORY;
    for (size_t s = 0; s < analysis->sites.n && err == 0; s++) {
        const struct site *site = &analysis->sites.at[s];
        for (uint32_t c = 0; c < site->cell_n && err == 0; c++) {
            uint32_t cell = analysis->cell_order.at[site->cell_first + c];
            uint32_t context = rows_context(page, &page->model->cells.at[cell].key);
            if (context == MODEL_NONE)
                err = ERR_MEMORY;
            order[at++] = (struct rows_cell){page->site_of_model.at[s], context, cell};
        }
    }
    if (err == 0)
        qsort(order, at, sizeof *order, rows_compare_cells);
    for (size_t i = 0, next; i < at && err == 0; i = next) {
        for (next = i + 1; next < at && order[next].site == order[i].site &&
                           order[next].context == order[i].context;)
            next++;
        if (!rows_add_cell(page, order + i, order + next))
            err = ERR_MEMORY;
    }
    free(order);
    return err;
}

/* Groups of tasks: those that share name, runtime and spawn place. */
static int rows_groups(struct page *page)
{
    struct map index = {0};
    int err = 0;
    for (size_t i = 1; i < page->model->tasks.n && err == 0; i++) {
        const struct model_task *task = &page->model->tasks.at[i];
        uint32_t node = task->spawn_node ? page->task_node.at[i - 1] + 1 : 0;
        uint64_t key = map_mix(map_mix((uint64_t)task->name << 32 | node) ^ task->runtime);
        int64_t found = map_find(&index, key);
        if (found == MAP_NONE) {
            const char *name = model_string_at(page->model, task->name);
            const char *kind = model_string_at(page->model, task->runtime);
            const char *evidence = json_task_evidence(name, kind);
            struct page_group group = {.name = page_string(page, name, strlen(name)),
                                       .kind = page_string(page, kind, strlen(kind)),
                                       .evidence = page_string(page, evidence, strlen(evidence)),
                                       .node = node};
            if (!VEC_PUSH(&page->groups, MODEL_TASKS_MAX, group) ||
                !map_put(&index, key, (uint32_t)page->groups.n - 1))
                err = ERR_MEMORY;
            found = (int64_t)page->groups.n - 1;
        }
        if (err == 0 && !VEC_PUSH(&page->task_group, MODEL_TASKS_MAX, (uint32_t)found))
            err = ERR_MEMORY;
    }
    map_done(&index);
    return err;
}

/* The model's slices, 2^merge_shift neighbours as one. */
static int rows_slices(struct page *page)
{
    const struct model *model = page->model;
    page->slices.n = 0;
    for (size_t i = 0; i < model->slices.n; i++) {
        struct model_slice slice = model->slices.at[i];
        if (i >> page->merge_shift == page->slices.n) {
            if (!VEC_PUSH(&page->slices, MODEL_SLICES_MAX * 2, slice))
                return ERR_MEMORY;
            continue;
        }
        struct model_slice *sum = &page->slices.at[page->slices.n - 1];
        sum->high_bytes = slice.high_bytes > sum->high_bytes ? slice.high_bytes : sum->high_bytes;
        sum->rss_bytes = slice.rss_bytes > sum->rss_bytes ? slice.rss_bytes : sum->rss_bytes;
        sum->alloc_n += slice.alloc_n;
        sum->alloc_bytes += slice.alloc_bytes;
        sum->free_n += slice.free_n;
        sum->free_bytes += slice.free_bytes;
        sum->live_n = slice.live_n;
        sum->live_bytes = slice.live_bytes;
        sum->tasks_alive = slice.tasks_alive;
    }
    page->slice_n = (uint32_t)page->slices.n;
    return 0;
}

uint64_t page_slice_end(const struct page *page, size_t i)
{
    uint64_t end_ns =
            i + 1 < page->slices.n ? page->slices.at[i + 1].start_ns : page->model->end_ns;
    return end_ns > page->slices.at[i].start_ns ? end_ns : page->slices.at[i].start_ns + 1;
}

/* Everything that depends on the slices, anew. */
static int rows_fill(struct page *page)
{
    page->process_gone.n = 0;
    page->cells.n = 0;
    page->rows.n = 0;
    VEC_EACH (struct page_site, site, &page->sites) {
        site->cell_n = 0;
    }
    int err = rows_slices(page);
    err = err ? err : rows_processes(page);
    return err ? err : rows_cells(page);
}

int page_rows_build(struct page *page, const uint32_t *site_nodes, size_t most_rows)
{
    int err = rows_sites(page, site_nodes);
    err = err ? err : rows_fill(page);
    while (err == 0 && page->rows.n > most_rows && page->slice_n > PAGE_SLICES_LEAST) {
        page->merge_shift++;
        err = rows_fill(page);
    }
    return err ? err : rows_groups(page);
}
