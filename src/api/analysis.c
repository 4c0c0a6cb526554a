/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An analysis is three mappings: the recording, the tables that `memscope answer` made of it, and a
 * page with the totals of its window. Nothing in it changes once it is there, so any thread may
 * read it. The tables come from our own executable, but are checked: a wrong index gives "" or an
 * error, never a wild read.
 */
#include "api/analysis.h"

#include <string.h>

#include "api/ask.h"
#include "api/fault.h"
#include "api/object.h"

struct memscope_analysis {
    struct ask_bytes raw, tables;
    struct memscope_statistics statistics;
    struct memscope_environment environment;
    struct memscope_measurement measurement;
    char session_id[ANALYSIS_ID_BYTES];
    int strategy;
    bool partial;
};

static const struct answer_head *analysis_head(const memscope_analysis *analysis)
{
    return (const struct answer_head *)(const void *)analysis->tables.at;
}

static const uint32_t analysis_entry_bytes[ANSWER_TABLES] = {
        [ANSWER_STRINGS] = 1,
        [ANSWER_SITES] = sizeof(struct answer_site),
        [ANSWER_NODES] = sizeof(struct answer_node),
        [ANSWER_LOCATIONS] = sizeof(struct answer_location),
        [ANSWER_SYMBOLS] = sizeof(struct answer_symbol),
        [ANSWER_THREADS] = sizeof(struct answer_thread),
        [ANSWER_TASKS] = sizeof(struct answer_task),
        [ANSWER_SLICES] = sizeof(struct answer_slice),
        [ANSWER_MARKS] = sizeof(struct answer_mark),
        [ANSWER_FACTS] = sizeof(struct answer_fact),
};

static bool analysis_is_sound(const struct ask_bytes *tables)
{
    const struct answer_head *head = (const struct answer_head *)(const void *)tables->at;
    if (head->magic != ANSWER_MAGIC || head->head_bytes != sizeof *head ||
        head->size_bytes != tables->n)
        return false;
    for (size_t i = 0; i < ANSWER_TABLES; i++) {
        const struct answer_place *place = &head->places[i];
        if (place->entry_bytes != analysis_entry_bytes[i] || place->offset > tables->n ||
            (uint64_t)place->entry_n * place->entry_bytes > tables->n - place->offset)
            return false;
    }
    const struct answer_place *strings = &head->places[ANSWER_STRINGS];
    return strings->entry_n && tables->at[strings->offset + strings->entry_n - 1] == 0;
}

/* Entry i of a table, or NULL. */
static const void *analysis_entry(const memscope_analysis *analysis, enum answer_table table,
                                  size_t i)
{
    if (!analysis)
        return NULL;
    const struct answer_place *place = &analysis_head(analysis)->places[table];
    return i < place->entry_n ? analysis->tables.at + place->offset + i * place->entry_bytes : NULL;
}

static size_t analysis_entry_n(const memscope_analysis *analysis, enum answer_table table)
{
    return analysis ? analysis_head(analysis)->places[table].entry_n : 0;
}

static const char *analysis_string(const memscope_analysis *analysis, uint32_t at)
{
    const char *string = analysis_entry(analysis, ANSWER_STRINGS, at);
    return string ? string : "";
}

static uint64_t analysis_more(uint64_t to, uint64_t from)
{
    return to > from ? to - from : 0;
}

/*
 * The most live bytes in a window. The recording's peak when that lies in it; else the highest
 * point of the slices that the window touches.
 */
static void analysis_find_peak(struct memscope_statistics *statistics,
                               const struct analysis_window *window,
                               const struct answer_head *tables)
{
    if (window->to->peak_at_ns >= window->from->now_ns || window->from->alloc_n == 0) {
        statistics->peak_n = window->to->peak_n;
        statistics->peak_bytes = window->to->peak_bytes;
        statistics->peak_at_ns = window->to->peak_at_ns;
        return;
    }
    const struct control_status *higher =
            window->from->live_bytes > window->to->live_bytes ? window->from : window->to;
    statistics->peak_bytes = higher->live_bytes;
    statistics->peak_n = higher->live_n;
    statistics->peak_at_ns = higher->now_ns;
    /* Slices are of all processes together. */
    if (!tables || tables->process_n != 1)
        return;
    const struct answer_place *place = &tables->places[ANSWER_SLICES];
    const struct answer_slice *slices =
            (const void *)((const char *)(const void *)tables + place->offset);
    for (uint32_t i = 0; i < place->entry_n; i++) {
        if (slices[i].end_ns <= window->from->now_ns || slices[i].start_ns > window->to->now_ns ||
            slices[i].high_bytes <= statistics->peak_bytes)
            continue;
        statistics->peak_bytes = slices[i].high_bytes;
        statistics->peak_n = 0;
        statistics->peak_at_ns = slices[i].start_ns;
    }
}

void analysis_count(struct memscope_statistics *ret_statistics,
                    const struct analysis_window *window, const struct answer_head *tables)
{
    const struct control_status *from = window->from, *to = window->to;
    struct memscope_statistics statistics = {
            .duration_ns = window->duration_ns,
            .alloc_n = analysis_more(to->alloc_n, from->alloc_n),
            .alloc_bytes = analysis_more(to->alloc_bytes, from->alloc_bytes),
            .free_n = analysis_more(to->free_n, from->free_n),
            .free_bytes = analysis_more(to->free_bytes, from->free_bytes),
            .live_n = to->live_n,
            .live_bytes = to->live_bytes,
            .realloc_n = analysis_more(to->realloc_n, from->realloc_n),
            .temporary_n = analysis_more(to->temporary_n, from->temporary_n),
            .unknown_free_n = analysis_more(to->unknown_free_n, from->unknown_free_n),
            .lost_n = analysis_more(to->lost_n, from->lost_n),
            .sample_rate = (double)to->rate / (double)CONTROL_RATE_ONE,
            .overhead_percent = -1,
            .process_n = to->process_n,
            .thread_n = (uint32_t)to->thread_n,
            .task_n = (uint32_t)to->task_n,
    };
    analysis_find_peak(&statistics, window, tables);
    if (tables) {
        statistics.tracker_bytes = tables->tracker_bytes;
        statistics.overhead_percent = tables->overhead_percent;
        statistics.process_n = tables->process_n;
        statistics.site_n = tables->places[ANSWER_SITES].entry_n;
        statistics.thread_n = tables->places[ANSWER_THREADS].entry_n;
        statistics.task_n = tables->places[ANSWER_TASKS].entry_n;
        if (tables->sample_rate < statistics.sample_rate)
            statistics.sample_rate = tables->sample_rate;
    }
    *ret_statistics = statistics;
}

/* What the time line saw running: tasks of a runtime, threads. */
static void analysis_find_environment(memscope_analysis *analysis)
{
    struct memscope_environment *environment = &analysis->environment;
    const char *runtime = memscope_analysis_metadata_get(analysis, "runtime");
    size_t thread_n = analysis_entry_n(analysis, ANSWER_THREADS);
    for (size_t i = 0; !runtime && i < analysis_entry_n(analysis, ANSWER_TASKS); i++) {
        const struct answer_task *task = analysis_entry(analysis, ANSWER_TASKS, i);
        const char *name = analysis_string(analysis, task->runtime);
        if (*name && memcmp(name, "explicit", sizeof "explicit") != 0)
            runtime = name;
    }
    environment->kind = thread_n > 1 ? MEMSCOPE_MULTI_THREADED : MEMSCOPE_SINGLE_THREADED;
    if (runtime && *runtime) {
        environment->kind = MEMSCOPE_ASYNC_RUNTIME;
        fault_copy(environment->runtime, sizeof environment->runtime, runtime);
    }
}

/* What the recording cost, by its own figures; after the statistics. */
static void analysis_measure(memscope_analysis *analysis, const struct analysis_window *window)
{
    const struct answer_head *head = analysis_head(analysis);
    const struct memscope_statistics *statistics = &analysis->statistics;
    analysis->measurement = (struct memscope_measurement){
            .strategy = window->strategy,
            .is_complete = !window->partial && statistics->lost_n == 0,
            .init_time_us = (double)window->init_ns / 1e3,
            .overhead_percent = head->overhead_percent,
            .event_cpu_ns = head->event_cpu_ns,
            .hook_p50_ns = head->hook_p50_ns,
            .hook_p99_ns = head->hook_p99_ns,
            .stall_s = head->stall_s,
            .event_n = (int64_t)(statistics->alloc_n + statistics->free_n),
            .tracker_bytes = head->tracker_held_bytes,
    };
}

/* The tables of the recording. */
static int analysis_ask_tables(memscope_analysis *analysis, struct memscope_error *error)
{
    const char *const words[] = {"tables", NULL};
    int err =
            ask_answer(words, &analysis->raw, sizeof(struct answer_head), &analysis->tables, error);
    if (err < 0)
        return err;
    if (analysis_is_sound(&analysis->tables))
        return MEMSCOPE_OK;
    return fault_set(error, MEMSCOPE_E_IO, "the memscope executable is of another version", NULL);
}

int analysis_new(memscope_analysis **ret_analysis, long recording_fd,
                 const struct analysis_window *window, struct memscope_error *error)
{
    struct ask_bytes raw;
    int err = ask_map(&raw, recording_fd, error);
    if (err < 0)
        return err;
    memscope_analysis *analysis = object_take(sizeof *analysis);
    if (!analysis) {
        ask_unmap(&raw);
        return fault_set(error, MEMSCOPE_E_MEMORY, "no memory for an analysis", NULL);
    }
    analysis->raw = raw;
    err = analysis_ask_tables(analysis, error);
    if (err < 0) {
        memscope_analysis_free(analysis);
        return err;
    }
    analysis_count(&analysis->statistics, window, analysis_head(analysis));
    analysis->statistics.recording_bytes = raw.n;
    fault_copy(analysis->session_id, sizeof analysis->session_id, window->session_id);
    analysis->strategy = window->strategy;
    analysis->partial = window->partial;
    analysis_measure(analysis, window);
    analysis_find_environment(analysis);
    *ret_analysis = analysis;
    return MEMSCOPE_OK;
}

void memscope_analysis_free(memscope_analysis *analysis)
{
    if (!analysis)
        return;
    ask_unmap(&analysis->raw);
    ask_unmap(&analysis->tables);
    object_give(analysis, sizeof *analysis);
}

const void *memscope_analysis_raw(const memscope_analysis *analysis, size_t *ret_bytes)
{
    if (!analysis)
        return NULL;
    if (ret_bytes)
        *ret_bytes = analysis->raw.n;
    return analysis->raw.at;
}

int memscope_analysis_statistics(const memscope_analysis *analysis,
                                 struct memscope_statistics *ret_statistics)
{
    if (!analysis || !ret_statistics)
        return MEMSCOPE_E_INVALID;
    *ret_statistics = analysis->statistics;
    return MEMSCOPE_OK;
}

int memscope_analysis_measurement(const memscope_analysis *analysis,
                                  struct memscope_measurement *ret_measurement)
{
    if (!analysis || !ret_measurement)
        return MEMSCOPE_E_INVALID;
    *ret_measurement = analysis->measurement;
    return MEMSCOPE_OK;
}

int memscope_analysis_environment(const memscope_analysis *analysis,
                                  struct memscope_environment *ret_environment)
{
    if (!analysis || !ret_environment)
        return MEMSCOPE_E_INVALID;
    *ret_environment = analysis->environment;
    return MEMSCOPE_OK;
}

const char *memscope_analysis_session_id(const memscope_analysis *analysis)
{
    return analysis ? analysis->session_id : "";
}

int memscope_analysis_strategy(const memscope_analysis *analysis)
{
    return analysis ? analysis->strategy : MEMSCOPE_E_INVALID;
}

int memscope_analysis_is_partial(const memscope_analysis *analysis)
{
    return analysis && analysis->partial;
}

int memscope_analysis_is_exact(const memscope_analysis *analysis)
{
    return analysis && !analysis->partial && analysis->statistics.sample_rate >= 1 &&
           analysis->statistics.lost_n == 0;
}

size_t memscope_analysis_metadata_n(const memscope_analysis *analysis)
{
    return analysis_entry_n(analysis, ANSWER_FACTS);
}

int memscope_analysis_metadata(const memscope_analysis *analysis, size_t i, const char **ret_key,
                               const char **ret_value)
{
    const struct answer_fact *fact = analysis_entry(analysis, ANSWER_FACTS, i);
    if (!fact)
        return MEMSCOPE_E_NOT_FOUND;
    if (ret_key)
        *ret_key = analysis_string(analysis, fact->key);
    if (ret_value)
        *ret_value = analysis_string(analysis, fact->value);
    return MEMSCOPE_OK;
}

const char *memscope_analysis_metadata_get(const memscope_analysis *analysis, const char *key)
{
    const char *name, *value;
    for (size_t i = 0; key && memscope_analysis_metadata(analysis, i, &name, &value) == 0; i++) {
        if (strlen(name) == strlen(key) && memcmp(name, key, strlen(key)) == 0)
            return value;
    }
    return NULL;
}

size_t memscope_analysis_site_n(const memscope_analysis *analysis)
{
    return analysis_entry_n(analysis, ANSWER_SITES);
}

int memscope_analysis_site(const memscope_analysis *analysis, size_t i,
                           struct memscope_site *ret_site)
{
    const struct answer_site *site = analysis_entry(analysis, ANSWER_SITES, i);
    if (!site || !ret_site)
        return site ? MEMSCOPE_E_INVALID : MEMSCOPE_E_NOT_FOUND;
    const struct answer_figures *figures = &site->figures;
    *ret_site = (struct memscope_site){
            .function = analysis_string(analysis, site->function),
            .file = analysis_string(analysis, site->file),
            .module = analysis_string(analysis, site->module),
            .line = site->line,
            .frame_n = site->frame_n,
            .alloc_n = figures->alloc_n,
            .alloc_bytes = figures->alloc_bytes,
            .free_n = figures->free_n,
            .free_bytes = figures->free_bytes,
            .live_n = figures->live_n,
            .live_bytes = figures->live_bytes,
            .peak_n = figures->peak_n,
            .peak_bytes = figures->peak_bytes,
            .temporary_n = figures->temporary_n,
            .size_min_bytes = figures->size_min,
            .size_max_bytes = figures->size_max,
            .first_ns = figures->first_ns,
            .last_ns = figures->last_ns,
    };
    return MEMSCOPE_OK;
}

static void analysis_fill_frame(const memscope_analysis *analysis,
                                const struct answer_location *location, size_t symbol,
                                struct memscope_frame *ret_frame)
{
    const struct answer_symbol none = {0}, *found = NULL;
    if (symbol < location->symbol_n)
        found = analysis_entry(analysis, ANSWER_SYMBOLS, location->symbol_first + symbol);
    if (!found)
        found = &none;
    *ret_frame = (struct memscope_frame){
            .function = analysis_string(analysis, found->function),
            .file = analysis_string(analysis, found->file),
            .module = analysis_string(analysis, location->module),
            .line = found->line,
            .inlined = found->inlined,
            .offset = location->offset,
    };
}

int memscope_analysis_frame(const memscope_analysis *analysis, size_t i, size_t frame,
                            struct memscope_frame *ret_frame)
{
    const struct answer_site *site = analysis_entry(analysis, ANSWER_SITES, i);
    if (!site || frame >= site->frame_n)
        return MEMSCOPE_E_NOT_FOUND;
    if (!ret_frame)
        return MEMSCOPE_E_INVALID;
    for (uint32_t at = site->node; at;) {
        const struct answer_node *node = analysis_entry(analysis, ANSWER_NODES, at);
        const struct answer_location *location =
                node ? analysis_entry(analysis, ANSWER_LOCATIONS, node->location) : NULL;
        if (!location)
            break;
        size_t symbol_n = location->symbol_n ? location->symbol_n : 1;
        if (frame < symbol_n) {
            analysis_fill_frame(analysis, location, frame, ret_frame);
            return MEMSCOPE_OK;
        }
        frame -= symbol_n;
        at = node->parent < at ? node->parent : 0;
    }
    return MEMSCOPE_E_NOT_FOUND;
}

size_t memscope_analysis_thread_n(const memscope_analysis *analysis)
{
    return analysis_entry_n(analysis, ANSWER_THREADS);
}

int memscope_analysis_thread(const memscope_analysis *analysis, size_t i,
                             struct memscope_thread *ret_thread)
{
    const struct answer_thread *thread = analysis_entry(analysis, ANSWER_THREADS, i);
    if (!thread || !ret_thread)
        return thread ? MEMSCOPE_E_INVALID : MEMSCOPE_E_NOT_FOUND;
    *ret_thread = (struct memscope_thread){
            .name = analysis_string(analysis, thread->name),
            .pid = thread->pid,
            .tid = thread->tid,
            .start_ns = thread->start_ns,
            .end_ns = thread->end_ns,
            .alloc_n = thread->figures.alloc_n,
            .alloc_bytes = thread->figures.alloc_bytes,
            .live_n = thread->figures.live_n,
            .live_bytes = thread->figures.live_bytes,
            .peak_bytes = thread->figures.peak_bytes,
    };
    return MEMSCOPE_OK;
}

size_t memscope_analysis_task_n(const memscope_analysis *analysis)
{
    return analysis_entry_n(analysis, ANSWER_TASKS);
}

int memscope_analysis_task(const memscope_analysis *analysis, size_t i,
                           struct memscope_task *ret_task)
{
    const struct answer_task *task = analysis_entry(analysis, ANSWER_TASKS, i);
    if (!task || !ret_task)
        return task ? MEMSCOPE_E_INVALID : MEMSCOPE_E_NOT_FOUND;
    *ret_task = (struct memscope_task){
            .name = analysis_string(analysis, task->name),
            .runtime = analysis_string(analysis, task->runtime),
            .id = task->id,
            .created_ns = task->created_ns,
            .ended_ns = task->ended_ns,
            .poll_n = task->poll_n,
            .busy_ns = task->busy_ns,
            .alloc_n = task->figures.alloc_n,
            .alloc_bytes = task->figures.alloc_bytes,
            .live_n = task->figures.live_n,
            .live_bytes = task->figures.live_bytes,
            .peak_bytes = task->figures.peak_bytes,
    };
    return MEMSCOPE_OK;
}

size_t memscope_analysis_slice_n(const memscope_analysis *analysis)
{
    return analysis_entry_n(analysis, ANSWER_SLICES);
}

int memscope_analysis_slice(const memscope_analysis *analysis, size_t i,
                            struct memscope_slice *ret_slice)
{
    const struct answer_slice *slice = analysis_entry(analysis, ANSWER_SLICES, i);
    if (!slice || !ret_slice)
        return slice ? MEMSCOPE_E_INVALID : MEMSCOPE_E_NOT_FOUND;
    *ret_slice = (struct memscope_slice){
            .start_ns = slice->start_ns,
            .end_ns = slice->end_ns,
            .live_n = slice->live_n,
            .live_bytes = slice->live_bytes,
            .high_bytes = slice->high_bytes,
            .alloc_n = slice->alloc_n,
            .alloc_bytes = slice->alloc_bytes,
            .free_n = slice->free_n,
            .free_bytes = slice->free_bytes,
            .rss_bytes = slice->rss_bytes,
    };
    return MEMSCOPE_OK;
}

size_t memscope_analysis_mark_n(const memscope_analysis *analysis)
{
    return analysis_entry_n(analysis, ANSWER_MARKS);
}

int memscope_analysis_mark(const memscope_analysis *analysis, size_t i,
                           struct memscope_mark_entry *ret_mark)
{
    const struct answer_mark *mark = analysis_entry(analysis, ANSWER_MARKS, i);
    if (!mark || !ret_mark)
        return mark ? MEMSCOPE_E_INVALID : MEMSCOPE_E_NOT_FOUND;
    *ret_mark = (struct memscope_mark_entry){
            .at_ns = mark->at_ns,
            .kind = analysis_string(analysis, mark->kind),
            .text = analysis_string(analysis, mark->text),
    };
    return MEMSCOPE_OK;
}
