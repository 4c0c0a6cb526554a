/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Totals, then what holds most by function, thread and task. Plain rows begin with what they are
 * (site, thread, task), so that a script can pick them; names come last and are made harmless.
 */
#include "cli/live_view.h"

#include <stdlib.h>
#include <string.h>

#include "cli/running.h"

enum { LIVE_FEW = 5 };

struct live_row {
    uint64_t bytes, n;
    uint32_t index;
};

static int live_order(const void *a, const void *b)
{
    const struct live_row *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Bytes a second since the last view; 0 when there was none. */
static double live_growth(const struct live_memory *before, const char *name, uint64_t bytes,
                          uint64_t now_ns)
{
    if (!before->at_ns || now_ns <= before->at_ns)
        return 0;
    double seconds = (double)(now_ns - before->at_ns) / 1e9;
    for (size_t i = 0; i < before->n; i++) {
        if (strcmp(before->rows[i].name, name) == 0)
            return ((double)bytes - (double)before->rows[i].bytes) / seconds;
    }
    return 0;
}

static void live_add_size(struct text *text, double bytes, bool is_rate)
{
    struct text size = {0}, shown = {0};
    uint64_t whole = (uint64_t)(bytes < 0 ? -bytes : bytes);
    text_add_bytes_iec(&size, whole);
    text_printf(&shown, "%s%s%s", is_rate && whole ? bytes < 0 ? "-" : "+" : "",
                is_rate && !whole ? "" : text_string(&size), is_rate && whole ? "/s" : "");
    text_printf(text, " %13s", text_string(&shown));
    text_done(&size);
    text_done(&shown);
}

static void live_add_row(struct text *text, const struct live_style *style, const char *what,
                         const struct live_row *row, double growth, const char *name)
{
    if (style->plain) {
        text_printf(text, "%s\t%llu\t%llu\t%.0f\t%s\n", what, (unsigned long long)row->bytes,
                    (unsigned long long)row->n, growth, name);
        return;
    }
    text_add(text, " ");
    live_add_size(text, (double)row->bytes, false);
    live_add_size(text, growth, true);
    text_printf(text, " %11llu  %s\n", (unsigned long long)row->n, name);
}

static void live_add_totals(struct text *text, const struct control_status *status, double growth,
                            const struct live_style *style)
{
    if (style->plain) {
        text_printf(text, "session %s\nstate %s\nseconds %.3f\n", status->session,
                    running_state_name(status->state), (double)status->now_ns / 1e9);
        text_printf(text, "live_bytes %llu\nlive_blocks %llu\ngrowth_bytes_per_second %.0f\n",
                    (unsigned long long)status->live_bytes, (unsigned long long)status->live_n,
                    growth);
        text_printf(text, "peak_bytes %llu\nallocations %llu\nfrees %llu\nrss_bytes %llu\n",
                    (unsigned long long)status->peak_bytes, (unsigned long long)status->alloc_n,
                    (unsigned long long)status->free_n, (unsigned long long)status->rss_bytes);
        text_printf(text, "processes %u\nthreads %llu\ntasks %llu\nlost %llu\n", status->process_n,
                    (unsigned long long)status->thread_n, (unsigned long long)status->task_n,
                    (unsigned long long)status->lost_n);
        return;
    }
    text_add(text, "memscope live  ");
    text_add_shown(text, status->program, strlen(status->program));
    text_printf(text, "  %s  %s  %.0f s\n", status->session, running_state_name(status->state),
                (double)status->now_ns / 1e9);
    text_add(text, "  live");
    live_add_size(text, (double)status->live_bytes, false);
    live_add_size(text, growth, true);
    text_add(text, "  in ");
    text_add_counted(text, status->live_n, "block");
    text_add(text, "\n  peak");
    live_add_size(text, (double)status->peak_bytes, false);
    text_add(text, "   resident");
    live_add_size(text, (double)status->rss_bytes, false);
    text_add(text, "\n  ");
    text_add_counted(text, status->alloc_n, "allocation");
    text_add(text, ", ");
    text_add_counted(text, status->free_n, "free");
    text_printf(text, ", %llu lost; %u process%s, ", (unsigned long long)status->lost_n,
                status->process_n, status->process_n == 1 ? "" : "es");
    text_add_counted(text, status->thread_n, "thread");
    text_add(text, ", ");
    text_add_counted(text, status->task_n, "task");
    text_add_char(text, '\n');
}

/* "function  file:line" of a function, cut and harmless. */
static void live_name(const struct analysis *analysis, uint32_t function, bool plain,
                      char ret_name[LIVE_NAME_BYTES])
{
    struct text name = {0}, place = {0}, both = {0};
    analysis_add_name(&name, analysis, function);
    analysis_add_place(&place, analysis, function);
    text_add_shown(&both, text_string(&name), name.n);
    text_add(&both, plain ? "\t" : "  ");
    text_add_shown(&both, text_string(&place), place.n);
    size_t n = both.n < LIVE_NAME_BYTES ? both.n : LIVE_NAME_BYTES - 1;
    memcpy(ret_name, text_string(&both), n);
    ret_name[n] = 0;
    text_done(&name);
    text_done(&place);
    text_done(&both);
}

/* The cells without a stack are those of all sites that are not shown. */
static bool live_is_rest(const struct function *function)
{
    return !function->name && !function->module && !function->offset;
}

static void live_add_sites(struct text *text, const struct control_status *status,
                           const struct analysis *analysis, const struct live_style *style,
                           const struct live_memory *before, struct live_memory *now)
{
    struct live_row *rows = calloc(analysis->functions.n + 1, sizeof *rows);
    size_t n = 0;
    for (size_t i = 0; rows && i < analysis->functions.n; i++) {
        const struct function *function = &analysis->functions.at[i];
        if (function->self.live_bytes && !live_is_rest(function))
            rows[n++] = (struct live_row){function->self.live_bytes, function->self.live_n,
                                          (uint32_t)i};
    }
    if (n)
        qsort(rows, n, sizeof *rows, live_order);
    if (!style->plain)
        text_add(text, "\n          LIVE        GROWTH      BLOCKS  SITE\n");
    for (size_t i = 0; i < n && i < style->rows && now->n < LIVE_ROWS_MAX; i++) {
        char *name = now->rows[now->n].name;
        live_name(analysis, rows[i].index, style->plain, name);
        now->rows[now->n++].bytes = rows[i].bytes;
        live_add_row(text, style, "site", &rows[i],
                     live_growth(before, name, rows[i].bytes, status->now_ns), name);
    }
    free(rows);
}

/* Sums of the cells by thread or by task, the largest first; malloc'd, NULL: no memory. */
static struct live_row *live_contexts(const struct model *model, bool tasks, size_t *ret_n)
{
    size_t all = tasks ? model->tasks.n : model->threads.n, n = 0;
    struct live_row *rows = calloc(all + 1, sizeof *rows);
    if (!rows)
        return NULL;
    VEC_EACH (struct model_cell, cell, &model->cells) {
        uint32_t index = tasks ? cell->key.task : cell->key.thread;
        if (index < all) {
            rows[index].bytes += cell->live_bytes;
            rows[index].n += cell->live_n;
        }
    }
    for (size_t i = tasks ? 1 : 0; i < all; i++) {
        struct live_row row = rows[i];
        row.index = (uint32_t)i;
        if (row.bytes)
            rows[n++] = row;
    }
    if (n)
        qsort(rows, n, sizeof *rows, live_order);
    *ret_n = n;
    return rows;
}

static void live_add_contexts(struct text *text, const struct analysis *analysis,
                              const struct live_style *style, bool tasks)
{
    const struct model *model = analysis->model;
    size_t n = 0;
    struct live_row *rows = live_contexts(model, tasks, &n);
    if (n && !style->plain)
        text_printf(text, "%40s%s\n", "", tasks ? "TASK" : "THREAD");
    for (size_t i = 0; i < n && i < LIVE_FEW; i++) {
        struct text name = {0};
        uint32_t string =
                tasks ? model->tasks.at[rows[i].index].name : model->threads.at[rows[i].index].name;
        const char *bytes = model_string_at(model, string);
        if (!tasks)
            text_printf(&name, "%u ", model->threads.at[rows[i].index].tid);
        text_add_shown(&name, bytes, strnlen(bytes, LIVE_NAME_BYTES));
        live_add_row(text, style, tasks ? "task" : "thread", &rows[i], 0, text_string(&name));
        text_done(&name);
    }
    free(rows);
}

void live_view_add(struct text *text, const struct control_status *status,
                   const struct analysis *analysis, const struct live_style *style,
                   struct live_memory *memory)
{
    struct live_memory *now = calloc(1, sizeof *now);
    if (!now) {
        text->failed = true;
        return;
    }
    double growth = 0;
    if (memory->at_ns && status->now_ns > memory->at_ns)
        growth = ((double)status->live_bytes - (double)memory->live_bytes) * 1e9 /
                 (double)(status->now_ns - memory->at_ns);
    now->at_ns = status->now_ns;
    now->live_bytes = status->live_bytes;
    live_add_totals(text, status, growth, style);
    live_add_sites(text, status, analysis, style, memory, now);
    live_add_contexts(text, analysis, style, false);
    live_add_contexts(text, analysis, style, true);
    *memory = *now;
    free(now);
}
