/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of the summary: functions, threads and processes, one row each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/estimate.h"
#include "analyze/frame.h"
#include "base/map.h"
#include "export/columns.h"
#include "export/summary_parts.h"

enum { LIST_MOST = 32, LIST_BYTES = 11, LIST_SHARE = 6, LIST_COUNT = 9 };

/* Widths of name and place for what the figures leave. */
static void list_widths(const struct summary *summary, size_t *ret_name, size_t *ret_place)
{
    size_t left = summary->width - 5 - 1 - LIST_BYTES - LIST_SHARE - LIST_COUNT;
    *ret_place = left / 3 < 24 ? left / 3 : 24;
    *ret_name = left - *ret_place - 1;
}

/* " 1 name   place ": a place that is too long takes what the name leaves free. */
static void list_lead(struct summary *summary, size_t rank, uint32_t function, const char *note)
{
    size_t name_width, place_width;
    struct text part = {0}, name = {0}, place = {0};
    list_widths(summary, &name_width, &place_width);
    analysis_add_name(&part, summary->analysis, function);
    text_add_shown(&name, text_string(&part), part.n);
    text_clear(&part);
    analysis_add_place(&part, summary->analysis, function);
    text_add_shown(&place, text_string(&part), part.n);
    size_t note_width = columns_width(note, strlen(note));
    if (note_width + 12 >= name_width)
        note_width = 0;
    size_t used = columns_width(text_string(&name), name.n) + (note_width ? note_width + 1 : 0);
    size_t wanted = columns_width(text_string(&place), place.n);
    while (wanted > place_width && used < name_width) {
        place_width++;
        name_width--;
    }
    text_printf(&summary->out, "  %2zu ", rank);
    columns_add_left(&summary->out, text_string(&name),
                     note_width ? name_width - note_width - 1 : name_width);
    if (note_width) {
        text_add_char(&summary->out, ' ');
        summary_ink(summary, INK_WARN);
        text_add(&summary->out, note);
        summary_ink(summary, INK_PLAIN);
    }
    text_add_char(&summary->out, ' ');
    summary_ink(summary, INK_DIM);
    columns_add_left(&summary->out, text_string(&place), place_width);
    summary_ink(summary, INK_PLAIN);
    text_done(&part);
    text_done(&name);
    text_done(&place);
}

/* "  bytes   share   count" */
static void list_figures(struct summary *summary, uint64_t bytes, uint64_t whole, uint64_t n)
{
    text_clear(&summary->part);
    text_add_bytes_iec(&summary->part, bytes);
    text_add_char(&summary->out, ' ');
    columns_add_right(&summary->out, text_string(&summary->part), LIST_BYTES);
    text_clear(&summary->part);
    text_printf(&summary->part, "%.1f", 100 * estimate_share(bytes, whole));
    columns_add_right(&summary->out, text_string(&summary->part), LIST_SHARE);
    text_clear(&summary->part);
    columns_add_count(&summary->part, n);
    columns_add_right(&summary->out, text_string(&summary->part), LIST_COUNT);
    text_add_char(&summary->out, '\n');
}

static const char list_titles[] = "bytes     %   blocks";

/* How far an estimate may be off, as a note of its row; empty where it is exact. */
static void list_note(struct text *note, const struct figures *figures, enum estimate_kind kind)
{
    struct estimate estimate = estimate_of(figures, kind);
    if (estimate.few)
        text_add(note, "few samples");
    else if (estimate.high > estimate.low && estimate.value > 0)
        text_printf(note, "±%.0f %%", 50 * (estimate.high - estimate.low) / estimate.value);
}

void summary_peak(struct summary *summary, size_t rows)
{
    uint32_t top[LIST_MOST];
    size_t n = analysis_top(summary->analysis, FUNCTION_PEAK, rows, top);
    if (n == 0)
        return;
    summary_heading(summary, "Held at the peak", list_titles);
    for (size_t i = 0; i < n; i++) {
        const struct figures *self = &summary->analysis->functions.at[top[i]].self;
        struct text note = {0};
        list_note(&note, self, ESTIMATE_PEAK_BYTES);
        list_lead(summary, i + 1, top[i], text_string(&note));
        text_done(&note);
        list_figures(summary, self->peak_bytes, summary->model->sums.peak_bytes, self->peak_n);
    }
}

/* What grows first, then what is large: places of the rows in analysis.leaks. */
static size_t list_leak_order(const struct analysis *analysis, size_t rows, size_t *ret_order)
{
    size_t n = 0;
    for (int growing = 1; growing >= 0; growing--) {
        for (size_t i = 0; i < analysis->leaks.n && n < rows; i++) {
            bool grows = analysis->leaks.at[i].verdict.class == LEAK_GROWING;
            if (grows == (growing == 1))
                ret_order[n++] = i;
        }
    }
    return n;
}

void summary_leaks(struct summary *summary, size_t rows)
{
    const struct analysis *analysis = summary->analysis;
    size_t order[LIST_MOST], n = list_leak_order(analysis, rows, order);
    if (n == 0)
        return;
    bool growing = analysis->leaks.at[order[0]].verdict.class == LEAK_GROWING;
    summary_heading(summary, growing ? "Never freed, growing first" : "Never freed, nothing grows",
                    list_titles);
    for (size_t i = 0; i < n; i++) {
        const struct leak *leak = &analysis->leaks.at[order[i]];
        struct text note = {0};
        if (leak->verdict.class == LEAK_GROWING) {
            text_add_char(&note, '+');
            text_add_bytes_iec(&note, (uint64_t)leak->verdict.slope_bytes_per_s);
            text_add(&note, "/s");
        } else if (leak->verdict.class != LEAK_UNCLEAR) {
            text_add(&note, leak_class_name(leak->verdict.class));
        }
        const struct figures *self = &analysis->functions.at[leak->function].self;
        if (summary->model->sampled) {
            text_add(&note, note.n ? " " : "");
            list_note(&note, self, ESTIMATE_LEAK_BYTES);
        }
        list_lead(summary, i + 1, leak->function, text_string(&note));
        list_figures(summary, leak->bytes, analysis->figures.leak_bytes, leak->n);
        text_done(&note);
    }
}

void summary_churn(struct summary *summary, size_t rows)
{
    uint32_t top[LIST_MOST];
    size_t n = analysis_top(summary->analysis, FUNCTION_ALLOC, rows, top);
    if (n == 0)
        return;
    summary_heading(summary, "Allocated in all", list_titles);
    for (size_t i = 0; i < n; i++) {
        const struct figures *self = &summary->analysis->functions.at[top[i]].self;
        struct text note = {0};
        list_note(&note, self, ESTIMATE_ALLOC_BYTES);
        list_lead(summary, i + 1, top[i], text_string(&note));
        text_done(&note);
        list_figures(summary, self->alloc_bytes, summary->model->sums.alloc_bytes, self->alloc_n);
    }
}

void summary_temporary(struct summary *summary, size_t rows)
{
    uint32_t top[LIST_MOST];
    size_t n = analysis_top(summary->analysis, FUNCTION_TEMPORARY, rows, top);
    if (n == 0)
        return;
    summary_heading(summary, "Freed before the next allocation",
                    summary->width < 70 ? "of its, %   blocks" : "of all its blocks, %   blocks");
    for (size_t i = 0; i < n; i++) {
        const struct figures *self = &summary->analysis->functions.at[top[i]].self;
        list_lead(summary, i + 1, top[i], "");
        columns_add_blanks(&summary->out, LIST_BYTES + 1);
        text_clear(&summary->part);
        text_printf(&summary->part, "%.1f", 100 * estimate_share(self->temporary_n, self->alloc_n));
        columns_add_right(&summary->out, text_string(&summary->part), LIST_SHARE);
        text_clear(&summary->part);
        columns_add_count(&summary->part, self->temporary_n);
        columns_add_right(&summary->out, text_string(&summary->part), LIST_COUNT);
        text_add_char(&summary->out, '\n');
    }
}

/* A row whose name is any text of the program. */
static void list_named(struct summary *summary, const char *name, const char *place)
{
    struct text shown = {0};
    size_t name_width, place_width;
    list_widths(summary, &name_width, &place_width);
    text_add_shown(&shown, name, strnlen(name, 1024));
    text_add(&summary->out, "     ");
    columns_add_left(&summary->out, text_string(&shown), name_width);
    text_add_char(&summary->out, ' ');
    columns_add_left(&summary->out, place, place_width);
    text_done(&shown);
}

struct list_thread {
    uint32_t thread;
    uint64_t peak_bytes, peak_n, alloc_n;
};

static int list_thread_compare(const void *a, const void *b)
{
    const struct list_thread *x = a, *y = b;
    if (x->peak_bytes != y->peak_bytes)
        return x->peak_bytes < y->peak_bytes ? 1 : -1;
    if (x->alloc_n != y->alloc_n)
        return x->alloc_n < y->alloc_n ? 1 : -1;
    return x->thread < y->thread ? -1 : x->thread > y->thread;
}

void summary_threads(struct summary *summary, size_t rows)
{
    const struct model *model = summary->model;
    size_t n = model->threads.n;
    struct list_thread *threads = n > 1 ? calloc(n, sizeof *threads) : NULL;
    if (!threads)
        return;
    for (size_t i = 0; i < n; i++)
        threads[i].thread = (uint32_t)i;
    VEC_EACH (struct model_cell, cell, &model->cells) {
        if (cell->key.thread >= n)
            continue;
        threads[cell->key.thread].peak_bytes += cell->peak_bytes;
        threads[cell->key.thread].peak_n += cell->peak_n;
        threads[cell->key.thread].alloc_n += cell->alloc_n;
    }
    qsort(threads, n, sizeof *threads, list_thread_compare);
    while (n > 1 && threads[n - 1].peak_bytes == 0)
        n--;
    summary_heading(summary, "Threads, by what they hold at the peak", list_titles);
    for (size_t i = 0; i < n && i < rows; i++) {
        const struct model_thread *thread = &model->threads.at[threads[i].thread];
        char place[32];
        (void)!snprintf(place, sizeof place, "tid %u", thread->tid);
        list_named(summary, model_string_at(model, thread->name), place);
        list_figures(summary, threads[i].peak_bytes, model->sums.peak_bytes, threads[i].peak_n);
    }
    if (n > rows)
        text_printf(&summary->out, "     and %zu more\n", n - rows);
    free(threads);
}

struct list_tasks {
    uint32_t name; /* string */
    uint32_t n;
    uint64_t peak_bytes, peak_n;
};

static int list_tasks_compare(const void *a, const void *b)
{
    const struct list_tasks *x = a, *y = b;
    if (x->peak_bytes != y->peak_bytes)
        return x->peak_bytes < y->peak_bytes ? 1 : -1;
    if (x->n != y->n)
        return x->n < y->n ? 1 : -1;
    return x->name < y->name ? -1 : x->name > y->name;
}

/* Tasks of one name together: *ret_of is the entry of each task. NULL: none, or no memory. */
static struct list_tasks *list_task_names(const struct model *model, uint32_t **ret_of,
                                          size_t *ret_n)
{
    size_t n = 0, tasks = model->tasks.n;
    struct map index = {0};
    struct list_tasks *names = tasks > 1 ? calloc(tasks, sizeof *names) : NULL;
    uint32_t *of = names ? calloc(tasks, sizeof *of) : NULL;
    for (size_t i = 1; of && i < tasks; i++) {
        const struct model_task *task = &model->tasks.at[i];
        uint32_t name = task->name;
        int64_t found = map_find(&index, name);
        if (found == MAP_NONE) {
            if (!map_put(&index, name, (uint32_t)n))
                break;
            found = (int64_t)n;
            names[n++].name = name;
        }
        of[i] = (uint32_t)found;
        names[found].n += task->group == i ? (uint32_t)task->folded_n : task->runtime != 0;
    }
    map_done(&index);
    if (!of) {
        free(names);
        return NULL;
    }
    *ret_of = of;
    *ret_n = n;
    return names;
}

void summary_task_names(struct summary *summary, size_t rows)
{
    const struct model *model = summary->model;
    uint32_t *of = NULL;
    size_t n = 0;
    struct list_tasks *names = list_task_names(model, &of, &n);
    if (!names)
        return;
    VEC_EACH (struct model_cell, cell, &model->cells) {
        if (cell->key.task == 0 || cell->key.task >= model->tasks.n)
            continue;
        names[of[cell->key.task]].peak_bytes += cell->peak_bytes;
        names[of[cell->key.task]].peak_n += cell->peak_n;
    }
    qsort(names, n, sizeof *names, list_tasks_compare);
    summary_heading(summary, "Tasks, by what they hold at the peak", list_titles);
    for (size_t i = 0; i < n && i < rows; i++) {
        char place[32];
        (void)!snprintf(place, sizeof place, "%u task%s", names[i].n, names[i].n == 1 ? "" : "s");
        if (names[i].n == 0)
            (void)!snprintf(place, sizeof place, "ended tasks");
        const char *name = model_string_at(model, names[i].name);
        list_named(summary, *name ? name : "(no name)", place);
        list_figures(summary, names[i].peak_bytes, model->sums.peak_bytes, names[i].peak_n);
    }
    if (n > rows)
        text_printf(&summary->out, "     and %zu more\n", n - rows);
    free(names);
    free(of);
}

static int list_process_compare(const void *a, const void *b)
{
    const struct model_process *x = *(const struct model_process *const *)a;
    const struct model_process *y = *(const struct model_process *const *)b;
    if (x->sums.peak_bytes != y->sums.peak_bytes)
        return x->sums.peak_bytes < y->sums.peak_bytes ? 1 : -1;
    return x < y ? -1 : x > y;
}

static void list_process(struct summary *summary, const struct model_process *process)
{
    const struct model *model = summary->model;
    char place[48];
    (void)!snprintf(place, sizeof place, "pid %u%s", process->pid,
                    process->is_exec ? " (exec)" : "");
    const char *name = model_string_at(model, process->command);
    list_named(summary, session_brief(*name ? name : model_string_at(model, process->exe)), place);
    text_clear(&summary->part);
    text_add_bytes_iec(&summary->part, process->sums.peak_bytes);
    text_add_char(&summary->out, ' ');
    columns_add_right(&summary->out, text_string(&summary->part), LIST_BYTES);
    columns_add_blanks(&summary->out, LIST_SHARE);
    text_clear(&summary->part);
    columns_add_count(&summary->part, process->sums.peak_n);
    columns_add_right(&summary->out, text_string(&summary->part), LIST_COUNT);
    text_add_char(&summary->out, '\n');
}

void summary_processes(struct summary *summary, size_t rows)
{
    const struct model *model = summary->model;
    size_t n = model->processes.n;
    const struct model_process **order = n > 1 ? calloc(n, sizeof(struct model_process *)) : NULL;
    if (!order)
        return;
    for (size_t i = 0; i < n; i++)
        order[i] = &model->processes.at[i];
    qsort(order, n, sizeof *order, list_process_compare);
    summary_heading(summary, "Processes, each at its own peak", "bytes          blocks");
    for (size_t i = 0; i < n && i < rows; i++)
        list_process(summary, order[i]);
    if (n > rows)
        text_printf(&summary->out, "     and %zu more\n", n - rows);
    free(order);
}
