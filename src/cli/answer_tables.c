/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies what a program may iterate over into flat tables, sites in the order of their share of the
 * peak. Strings keep the model's order, so that one array maps a string's index to its place.
 */
#include "cli/answer_tables.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/frame.h"
#include "analyze/session.h"
#include "analyze/timeline.h"
#include "wire/answer.h"

struct answer_build {
    struct text *text;
    const struct analysis *analysis;
    const struct model *model;
    struct answer_head head;
    uint32_t *string_at; /* by string of the model */
};

static void answer_begin(struct answer_build *build, enum answer_table table, uint32_t entry_bytes)
{
    while (build->text->n % 8 && !build->text->failed)
        text_add_char(build->text, 0);
    build->head.places[table] =
            (struct answer_place){.offset = build->text->n, .entry_bytes = entry_bytes};
}

static void answer_add(struct answer_build *build, enum answer_table table, const void *entry)
{
    text_add_n(build->text, entry, build->head.places[table].entry_bytes);
    build->head.places[table].entry_n++;
}

static int answer_strings(struct answer_build *build, struct diag *diag)
{
    const struct model *model = build->model;
    build->string_at = calloc(model->strings.n + 1, sizeof *build->string_at);
    if (!build->string_at)
        return diag_set(diag, ERR_MEMORY, "no memory for strings");
    answer_begin(build, ANSWER_STRINGS, 1);
    size_t first = build->text->n;
    text_add_char(build->text, 0);
    for (size_t i = 1; i < model->strings.n; i++) {
        if (build->text->n - first > UINT32_MAX - MODEL_STRING_BYTES_MAX - 1)
            return diag_set(diag, ERR_LIMIT, "the names take more than 4 GiB");
        build->string_at[i] = (uint32_t)(build->text->n - first);
        text_add_n(build->text, model->strings.at[i].bytes, model->strings.at[i].n);
        text_add_char(build->text, 0);
    }
    build->head.places[ANSWER_STRINGS].entry_n = (uint32_t)(build->text->n - first);
    return 0;
}

static uint32_t answer_string(const struct answer_build *build, uint32_t index)
{
    return index < build->model->strings.n ? build->string_at[index] : 0;
}

static uint32_t answer_module(const struct answer_build *build, uint32_t module)
{
    const struct model *model = build->model;
    return module < model->modules.n ? answer_string(build, model->modules.at[module].path) : 0;
}

static struct answer_figures answer_figures(const struct figures *figures)
{
    return (struct answer_figures){
            .alloc_n = figures->alloc_n,
            .alloc_bytes = figures->alloc_bytes,
            .free_n = figures->free_n,
            .free_bytes = figures->free_bytes,
            .live_n = figures->live_n,
            .live_bytes = figures->live_bytes,
            .peak_n = figures->peak_n,
            .peak_bytes = figures->peak_bytes,
            .temporary_n = figures->temporary_n,
            .size_min = figures->size_min,
            .size_max = figures->size_max,
            .first_ns = figures->first_ns,
            .last_ns = figures->last_ns,
    };
}

static int answer_site_compare(const void *left, const void *right)
{
    const struct figures *a = &(*(const struct site *const *)left)->figures;
    const struct figures *b = &(*(const struct site *const *)right)->figures;
    if (a->peak_bytes != b->peak_bytes)
        return a->peak_bytes > b->peak_bytes ? -1 : 1;
    if (a->alloc_bytes != b->alloc_bytes)
        return a->alloc_bytes > b->alloc_bytes ? -1 : 1;
    return 0;
}

static uint32_t answer_depth(const struct answer_build *build, uint32_t node)
{
    struct frame_walk walk;
    struct frame frame;
    uint32_t depth = 0;
    frame_walk_begin(&walk, build->model, node);
    while (frame_walk_next(&walk, &frame))
        depth++;
    return depth;
}

static int answer_sites(struct answer_build *build, struct diag *diag)
{
    const struct analysis *analysis = build->analysis;
    size_t n = analysis->sites.n;
    const struct site **order = malloc((n + 1) * sizeof *order);
    if (!order)
        return diag_set(diag, ERR_MEMORY, "no memory for sites");
    for (size_t i = 0; i < n; i++)
        order[i] = &analysis->sites.at[i];
    qsort(order, n, sizeof *order, answer_site_compare);
    answer_begin(build, ANSWER_SITES, sizeof(struct answer_site));
    for (size_t i = 0; i < n; i++) {
        const struct site *site = order[i];
        struct answer_site entry = {
                .node = site->node,
                .frame_n = answer_depth(build, site->node),
                .file = answer_string(build, site->file),
                .line = site->line,
                .figures = answer_figures(&site->figures),
        };
        if (site->function < analysis->functions.n) {
            const struct function *function = &analysis->functions.at[site->function];
            entry.function = answer_string(build, function->name);
            entry.module = answer_module(build, function->module);
        }
        answer_add(build, ANSWER_SITES, &entry);
    }
    free(order);
    return 0;
}

static void answer_stacks(struct answer_build *build)
{
    const struct model *model = build->model;
    answer_begin(build, ANSWER_NODES, sizeof(struct answer_node));
    VEC_EACH (struct model_node, node, &model->nodes) {
        const struct answer_node entry = {.parent = node->parent, .location = node->location};
        answer_add(build, ANSWER_NODES, &entry);
    }
    answer_begin(build, ANSWER_LOCATIONS, sizeof(struct answer_location));
    VEC_EACH (struct model_location, location, &model->locations) {
        const struct answer_location entry = {
                .module = answer_module(build, location->module),
                .symbol_first = location->symbol_first,
                .symbol_n = location->symbol_n,
                .offset = location->offset,
        };
        answer_add(build, ANSWER_LOCATIONS, &entry);
    }
    answer_begin(build, ANSWER_SYMBOLS, sizeof(struct answer_symbol));
    VEC_EACH (struct model_symbol, symbol, &model->symbols) {
        const struct answer_symbol entry = {
                .function = answer_string(build, symbol->function),
                .file = answer_string(build, symbol->file),
                .line = symbol->line,
                .inlined = symbol->inlined,
        };
        answer_add(build, ANSWER_SYMBOLS, &entry);
    }
}

/* Sums cells by one part of their key. NULL: no memory. */
static struct figures *answer_sum(const struct model *model, size_t n, bool by_task)
{
    struct figures *sums = calloc(n + 1, sizeof *sums);
    for (size_t i = 0; sums && i < model->cells.n; i++) {
        const struct model_cell *cell = &model->cells.at[i];
        uint32_t index = by_task ? cell->key.task : cell->key.thread;
        if (index < n)
            figures_add_cell(&sums[index], model, cell);
    }
    return sums;
}

static int answer_threads(struct answer_build *build, struct diag *diag)
{
    const struct model *model = build->model;
    struct figures *sums = answer_sum(model, model->threads.n, false);
    if (!sums)
        return diag_set(diag, ERR_MEMORY, "no memory for threads");
    answer_begin(build, ANSWER_THREADS, sizeof(struct answer_thread));
    for (size_t i = 0; i < model->threads.n; i++) {
        const struct model_thread *thread = &model->threads.at[i];
        struct answer_thread entry = {
                .name = answer_string(build, thread->name),
                .tid = thread->tid,
                .start_ns = thread->start_ns,
                .end_ns = thread->end_ns,
                .figures = answer_figures(&sums[i]),
        };
        if (thread->process < model->processes.n)
            entry.pid = model->processes.at[thread->process].pid;
        answer_add(build, ANSWER_THREADS, &entry);
    }
    free(sums);
    return 0;
}

static int answer_tasks(struct answer_build *build, struct diag *diag)
{
    const struct model *model = build->model;
    struct figures *sums = answer_sum(model, model->tasks.n, true);
    if (!sums)
        return diag_set(diag, ERR_MEMORY, "no memory for tasks");
    answer_begin(build, ANSWER_TASKS, sizeof(struct answer_task));
    for (size_t i = 1; i < model->tasks.n; i++) {
        const struct model_task *task = &model->tasks.at[i];
        /* A group stands for ended tasks: of interest only with something in it. */
        if (!task->runtime || (task->group == i && sums[i].alloc_n == 0))
            continue;
        const struct answer_task entry = {
                .name = answer_string(build, task->name),
                .runtime = answer_string(build, task->runtime),
                .id = task->runtime_id,
                .created_ns = task->created_ns,
                .ended_ns = task->ended_ns,
                .poll_n = task->poll_n,
                .busy_ns = task->busy_ns,
                .figures = answer_figures(&sums[i]),
        };
        answer_add(build, ANSWER_TASKS, &entry);
    }
    free(sums);
    return 0;
}

static void answer_times(struct answer_build *build)
{
    const struct model *model = build->model;
    answer_begin(build, ANSWER_SLICES, sizeof(struct answer_slice));
    for (size_t i = 0; i < model->slices.n; i++) {
        const struct model_slice *slice = &model->slices.at[i];
        const struct answer_slice entry = {
                .start_ns = slice->start_ns,
                .end_ns = timeline_slice_end(model, i),
                .live_n = slice->live_n,
                .live_bytes = slice->live_bytes,
                .high_bytes = slice->high_bytes,
                .alloc_n = slice->alloc_n,
                .alloc_bytes = slice->alloc_bytes,
                .free_n = slice->free_n,
                .free_bytes = slice->free_bytes,
                .rss_bytes = slice->rss_bytes,
        };
        answer_add(build, ANSWER_SLICES, &entry);
    }
    answer_begin(build, ANSWER_MARKS, sizeof(struct answer_mark));
    VEC_EACH (struct model_mark, mark, &model->marks) {
        const struct answer_mark entry = {.at_ns = mark->at_ns,
                                          .kind = answer_string(build, mark->kind),
                                          .text = answer_string(build, mark->text)};
        answer_add(build, ANSWER_MARKS, &entry);
    }
    answer_begin(build, ANSWER_FACTS, sizeof(struct answer_fact));
    VEC_EACH (struct model_fact, fact, &model->facts) {
        const struct answer_fact entry = {.key = answer_string(build, fact->key),
                                          .value = answer_string(build, fact->value)};
        answer_add(build, ANSWER_FACTS, &entry);
    }
}

static void answer_totals(struct answer_head *head, const struct analysis *analysis)
{
    const struct model *model = analysis->model;
    const struct model_sums *sums = &model->sums;
    head->magic = ANSWER_MAGIC;
    head->head_bytes = sizeof *head;
    head->process_n = (uint32_t)model->processes.n;
    head->end_ns = model->end_ns;
    head->alloc_n = sums->alloc_n;
    head->alloc_bytes = sums->alloc_bytes;
    head->free_n = sums->free_n;
    head->free_bytes = sums->free_bytes;
    head->realloc_n = sums->realloc_n;
    head->temporary_n = sums->temporary_n;
    head->live_n = sums->live_n;
    head->live_bytes = sums->live_bytes;
    head->peak_n = sums->peak_n;
    head->peak_bytes = sums->peak_bytes;
    head->peak_at_ns = sums->peak_at_ns;
    head->unknown_free_n = sums->unknown_free_n;
    head->lost_n = model->loss.event_n;
    head->tracker_bytes = session_fact_u64(model, "overhead_bytes", 0);
    head->tracker_held_bytes = (int64_t)session_fact_double(model, "overhead_bytes", -1);
    head->event_cpu_ns = session_fact_double(model, "perf_event_cpu_ns", -1);
    head->hook_p50_ns = session_fact_double(model, "perf_hook_ns_p50", -1);
    head->hook_p99_ns = session_fact_double(model, "perf_hook_ns_p99", -1);
    head->stall_s = session_fact_double(model, "perf_stall_s", -1);
    head->sample_rate = session_fact_double(model, "sample_rate", 1);
    head->overhead_percent = session_fact_double(model, "overhead_cpu_percent", -1);
}

int answer_tables_add(struct text *text, const struct analysis *analysis, struct diag *diag)
{
    struct answer_build build = {.text = text, .analysis = analysis, .model = analysis->model};
    answer_totals(&build.head, analysis);
    text_add_n(text, (const char *)&build.head, sizeof build.head);
    int err = answer_strings(&build, diag);
    if (err == 0)
        err = answer_sites(&build, diag);
    if (err == 0) {
        answer_stacks(&build);
        err = answer_threads(&build, diag);
    }
    if (err == 0)
        err = answer_tasks(&build, diag);
    if (err == 0)
        answer_times(&build);
    free(build.string_at);
    if (err == 0 && text->failed)
        err = diag_set(diag, ERR_MEMORY, "no memory for the tables");
    if (err < 0)
        return err;
    build.head.size_bytes = text->n;
    memcpy(text->bytes, &build.head, sizeof build.head);
    return 0;
}
