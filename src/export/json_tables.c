/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of the JSON export. */
#include <stdlib.h>
#include <string.h>

#include "analyze/frame.h"
#include "analyze/timeline.h"
#include "export/json_parts.h"

enum {
    JSON_SITES_MOST = 1000,     /* with stacks; the others are summed in "sites_rest" */
    JSON_FUNCTIONS_MOST = 2000, /* by their highest share of any total */
    JSON_LEAKS_MOST = 500,
    JSON_FRAMES_MOST = 512,
};

static const char *json_process_end(enum process_end end)
{
    static const char *const names[] = {"running", "exited", "signaled", "execed", "lost"};
    return end <= PROCESS_LOST ? names[end] : "lost";
}

static const char *json_allocator(uint32_t is)
{
    static const char *const names[] = {"hooked", "recorded", "unseen", "arenas"};
    return names[is <= ALLOCATOR_ARENAS ? is : ALLOCATOR_NONE];
}

void json_row_begin(struct json *json)
{
    json->indented = true;
    json_object_begin(json);
    json->indented = false;
}

void json_rows_end(struct json *json)
{
    json->indented = true;
    json_array_end(json);
}

void json_key_index(struct json *json, const char *key, uint32_t index)
{
    json_key(json, key);
    if (index == MODEL_NONE)
        json_null(json);
    else
        json_u64(json, index);
}

void json_add_processes(struct json *json, const struct model *model)
{
    json_key(json, "processes");
    json_array_begin(json);
    VEC_EACH (struct model_process, process, &model->processes) {
        json_row_begin(json);
        json_key_count(json, "pid", process->pid);
        json_key_index(json, "parent", process->parent);
        json_key_bool(json, "is_exec", process->is_exec);
        json_key_model_string(json, "exe", model, process->exe);
        json_key_model_string(json, "command", model, process->command);
        json_key_model_string(json, "strategy", model, process->strategy);
        json_key_count(json, "start_ns", process->start_ns);
        json_key_count(json, "end_ns", process->end_ns);
        json_key_string(json, "end", json_process_end(process->end));
        json_key(json, "status");
        json_i64(json, process->status);
        json_key_count(json, "allocations", process->sums.alloc_n);
        json_key_count(json, "allocated_bytes", process->sums.alloc_bytes);
        json_key_count(json, "frees", process->sums.free_n);
        json_key_count(json, "peak_bytes", process->sums.peak_bytes);
        json_key_count(json, "peak_at_ns", process->sums.peak_at_ns);
        json_key_count(json, "end_live_bytes", process->sums.live_bytes);
        json_key_count(json, "end_live_blocks", process->sums.live_n);
        json_key_count(json, "rss_peak_bytes", process->rss_peak_bytes);
        json_key_count(json, "mapped_peak_bytes", process->mapped_peak_bytes);
        json_key_model_string(json, "allocator", model, process->allocator);
        json_key_string(json, "allocator_is", json_allocator(process->allocator_is));
        json_object_end(json);
    }
    json_rows_end(json);
}

/* The figures that all groups share. */
void json_add_figures(struct json *json, const struct figures *figures)
{
    json_key_count(json, "allocations", figures->alloc_n);
    json_key_count(json, "allocated_bytes", figures->alloc_bytes);
    json_key_count(json, "frees", figures->free_n);
    json_key_count(json, "freed_bytes", figures->free_bytes);
    json_key_count(json, "peak_blocks", figures->peak_n);
    json_key_count(json, "peak_bytes", figures->peak_bytes);
    json_key_count(json, "end_live_blocks", figures->live_n);
    json_key_count(json, "end_live_bytes", figures->live_bytes);
    json_key_count(json, "leaked_blocks", figures->leak_n);
    json_key_count(json, "leaked_bytes", figures->leak_bytes);
    json_key_count(json, "temporary", figures->temporary_n);
    json_key_count(json, "reallocs", figures->realloc_n);
    json_add_estimates(json, figures);
}

struct figures *json_sum_cells(const struct model *model, size_t n, bool by_task)
{
    struct figures *sums = n ? calloc(n, sizeof *sums) : NULL;
    for (size_t i = 0; sums && i < model->cells.n; i++) {
        const struct model_cell *cell = &model->cells.at[i];
        uint32_t index = by_task ? cell->key.task : cell->key.thread;
        if (index < n)
            figures_add_cell(&sums[index], model, cell);
    }
    return sums;
}

void json_add_threads(struct json *json, const struct model *model)
{
    struct figures *sums = json_sum_cells(model, model->threads.n, false);
    json_key(json, "threads");
    json_array_begin(json);
    for (size_t i = 0; sums && i < model->threads.n; i++) {
        const struct model_thread *thread = &model->threads.at[i];
        json_row_begin(json);
        json_key_index(json, "process", thread->process);
        json_key_count(json, "tid", thread->tid);
        json_key_model_string(json, "name", model, thread->name);
        json_key_count(json, "start_ns", thread->start_ns);
        json_key_count(json, "end_ns", thread->end_ns);
        json_add_figures(json, &sums[i]);
        json_object_end(json);
    }
    json_rows_end(json);
    free(sums);
}

/* How much a group matters: its highest share of any total. */
static double json_score(const struct analysis *analysis, const struct figures *figures)
{
    const struct figures *all = &analysis->figures;
    double peak = all->peak_bytes ? (double)figures->peak_bytes / (double)all->peak_bytes : 0;
    double leak = all->leak_bytes ? (double)figures->leak_bytes / (double)all->leak_bytes : 0;
    double alloc = all->alloc_bytes ? (double)figures->alloc_bytes / (double)all->alloc_bytes : 0;
    double best = peak > leak ? peak : leak;
    return best > alloc ? best : alloc;
}

/* The frames that stacks refer to by their place. */
struct json_frames {
    VEC(struct frame) at;
    struct map index;
    bool failed;
};

struct json_ranked {
    uint32_t index;
    double score;
};

static int json_ranked_compare(const void *a, const void *b)
{
    const struct json_ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static void json_add_frame(struct json *json, const struct model *model, const struct frame *frame)
{
    struct text name = {0};
    json_object_begin(json);
    json->indented = false;
    frame_add_name(&name, model, frame);
    json_key(json, "function");
    json_string_n(json, text_string(&name), name.n);
    if (frame->file)
        json_key_model_string(json, "file", model, frame->file);
    if (frame->line)
        json_key_count(json, "line", frame->line);
    if (frame->module && frame->module < model->modules.n)
        json_key_model_string(json, "module", model, model->modules.at[frame->module].path);
    if (frame->inlined)
        json_key_bool(json, "inlined", true);
    if (frame->guessed)
        json_key_bool(json, "guessed", true);
    json_object_end(json);
    text_done(&name);
}

static uint64_t json_frame_key(const struct frame *frame)
{
    uint64_t key = frame->function ? (uint64_t)frame->function << 32 | frame->line : ~frame->offset;
    key = map_mix(key) ^ ((uint64_t)frame->file << 24 | (uint64_t)frame->module << 2 |
                          (frame->inlined ? 2u : 0u) | (frame->guessed ? 1u : 0u));
    return map_mix(key);
}

/* The place of a frame in the table, made if it is new. */
static uint32_t json_frame_index(struct json_frames *frames, const struct frame *frame)
{
    uint64_t key = json_frame_key(frame);
    int64_t found = map_find(&frames->index, key);
    if (found != MAP_NONE)
        return (uint32_t)found;
    if (!VEC_PUSH(&frames->at, MODEL_SYMBOLS_MAX, *frame) ||
        !map_put(&frames->index, key, (uint32_t)frames->at.n - 1)) {
        frames->failed = true;
        return 0;
    }
    return (uint32_t)frames->at.n - 1;
}

static void json_add_site(struct json *json, const struct analysis *analysis,
                          const struct site *site, struct json_frames *frames)
{
    struct text name = {0};
    struct frame_walk walk;
    struct frame frame;
    json_row_begin(json);
    analysis_add_name(&name, analysis, site->function);
    json_key(json, "name");
    json_string_n(json, text_string(&name), name.n);
    text_done(&name);
    json_add_figures(json, &site->figures);
    json_key_count(json, "block_bytes_min", site->figures.size_min);
    json_key_count(json, "block_bytes_max", site->figures.size_max);
    json_key_count(json, "first_ns", site->figures.first_ns);
    json_key_count(json, "last_ns", site->figures.last_ns);
    json_key_count(json, "lifetime_p50_ns", figures_life_at(&site->figures, 0.5));
    json_key_count(json, "lifetime_p99_ns", figures_life_at(&site->figures, 0.99));
    json_key(json, "stack");
    json_array_begin(json);
    frame_walk_begin(&walk, analysis->model, site->node);
    for (int i = 0; i < JSON_FRAMES_MOST && frame_walk_next(&walk, &frame); i++)
        json_u64(json, json_frame_index(frames, &frame));
    json_array_end(json);
    json_object_end(json);
}

void json_add_sites(struct json *json, const struct analysis *analysis)
{
    size_t n = analysis->sites.n;
    struct json_ranked *ranked = calloc(n + 1, sizeof *ranked);
    struct figures rest = {0};
    struct json_frames frames = {.failed = false};
    if (!ranked) {
        json->err = -1;
        return;
    }
    for (size_t i = 0; i < n; i++)
        ranked[i] = (struct json_ranked){(uint32_t)i,
                                         json_score(analysis, &analysis->sites.at[i].figures)};
    qsort(ranked, n, sizeof *ranked, json_ranked_compare);
    json_key(json, "sites");
    json_array_begin(json);
    for (size_t i = 0; i < n; i++) {
        const struct site *site = &analysis->sites.at[ranked[i].index];
        if (i < JSON_SITES_MOST)
            json_add_site(json, analysis, site, &frames);
        else
            figures_add(&rest, &site->figures);
    }
    json_rows_end(json);
    json_key_count(json, "sites_total", n);
    json_key(json, "sites_rest");
    json_object_begin(json);
    json_add_figures(json, &rest);
    json_object_end(json);
    json_key(json, "frames");
    json_array_begin(json);
    VEC_EACH (struct frame, frame, &frames.at) {
        json->indented = true;
        json_add_frame(json, analysis->model, frame);
    }
    json_rows_end(json);
    if (frames.failed)
        json->err = -1;
    vec_done(&frames.at);
    map_done(&frames.index);
    free(ranked);
}

void json_add_functions(struct json *json, const struct analysis *analysis)
{
    size_t n = analysis->functions.n;
    struct json_ranked *ranked = calloc(n + 1, sizeof *ranked);
    if (!ranked) {
        json->err = -1;
        return;
    }
    for (size_t i = 0; i < n; i++)
        ranked[i] = (struct json_ranked){(uint32_t)i,
                                         json_score(analysis, &analysis->functions.at[i].total)};
    qsort(ranked, n, sizeof *ranked, json_ranked_compare);
    json_key(json, "functions");
    json_array_begin(json);
    for (size_t i = 0; i < n && i < JSON_FUNCTIONS_MOST; i++) {
        const struct function *function = &analysis->functions.at[ranked[i].index];
        struct frame frame = {.function = function->name,
                              .file = function->file,
                              .line = function->line,
                              .module = function->module,
                              .offset = function->offset};
        json_row_begin(json);
        json_key(json, "frame");
        json_add_frame(json, analysis->model, &frame);
        json_key_bool(json, "plumbing", function->plumbing);
        json_key(json, "self");
        json_object_begin(json);
        json_add_figures(json, &function->self);
        json_object_end(json);
        json_key(json, "total");
        json_object_begin(json);
        json_add_figures(json, &function->total);
        json_object_end(json);
        json_object_end(json);
    }
    json_rows_end(json);
    json_key_count(json, "functions_total", n);
    free(ranked);
}

void json_add_leaks(struct json *json, const struct analysis *analysis)
{
    json_key(json, "leaks");
    json_array_begin(json);
    for (size_t i = 0; i < analysis->leaks.n && i < JSON_LEAKS_MOST; i++) {
        const struct leak *leak = &analysis->leaks.at[i];
        struct text text = {0};
        json_row_begin(json);
        analysis_add_name(&text, analysis, leak->function);
        json_key(json, "function");
        json_string_n(json, text_string(&text), text.n);
        text_clear(&text);
        analysis_add_place(&text, analysis, leak->function);
        json_key(json, "place");
        json_string_n(json, text_string(&text), text.n);
        text_done(&text);
        json_key_count(json, "blocks", leak->n);
        json_key_count(json, "bytes", leak->bytes);
        json_key_string(json, "class", leak_class_name(leak->verdict.class));
        json_key_double(json, "slope_bytes_per_s", leak->verdict.slope_bytes_per_s, 6);
        json_key_double(json, "r2", leak->verdict.r2, 4);
        json_key_count(json, "first_ns", leak->verdict.first_ns);
        json_key_count(json, "last_ns", leak->verdict.last_ns);
        json_object_end(json);
    }
    json_rows_end(json);
}

void json_add_findings(struct json *json, const struct analysis *analysis)
{
    json_key(json, "findings");
    json_array_begin(json);
    VEC_EACH (struct finding, finding, &analysis->findings) {
        json_row_begin(json);
        json_key_string(json, "id", finding->id);
        json_key_string(json, "severity", finding_severity_name(finding->severity));
        json_key_string(json, "title", text_string(&finding->title));
        json_key_string(json, "text", text_string(&finding->text));
        json_key_double(json, "value", finding->value, 6);
        json_key_string(json, "unit", finding->unit);
        if (finding->confidence >= 0)
            json_key_double(json, "confidence", finding->confidence, 4);
        if (finding->link.function != MODEL_NONE) {
            struct text name = {0};
            analysis_add_name(&name, analysis, finding->link.function);
            json_key(json, "function");
            json_string_n(json, text_string(&name), name.n);
            text_done(&name);
        }
        json_object_end(json);
    }
    json_rows_end(json);
}

/* One column of the timeline: the 64-bit value at `offset` of each slice. */
static void json_add_column(struct json *json, const struct model *model, const char *key,
                            size_t offset)
{
    json_key(json, key);
    json_array_begin(json);
    VEC_EACH (struct model_slice, slice, &model->slices) {
        uint64_t value;
        memcpy(&value, (const char *)slice + offset, sizeof value);
        json_u64(json, value);
    }
    json_array_end(json);
}

void json_add_timeline(struct json *json, const struct model *model)
{
    static const struct {
        const char *key;
        size_t offset;
    } columns[] = {
            {"start_ns", offsetof(struct model_slice, start_ns)},
            {"live_bytes", offsetof(struct model_slice, live_bytes)},
            {"live_blocks", offsetof(struct model_slice, live_n)},
            {"high_bytes", offsetof(struct model_slice, high_bytes)},
            {"allocations", offsetof(struct model_slice, alloc_n)},
            {"allocated_bytes", offsetof(struct model_slice, alloc_bytes)},
            {"frees", offsetof(struct model_slice, free_n)},
            {"freed_bytes", offsetof(struct model_slice, free_bytes)},
            {"rss_bytes", offsetof(struct model_slice, rss_bytes)},
            {"tasks_alive", offsetof(struct model_slice, tasks_alive)},
    };
    json_key(json, "timeline");
    json_object_begin(json);
    json->indented = false; /* one line a column, not one a number */
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        json_add_column(json, model, columns[i].key, columns[i].offset);
    json_key_count(json, "end_ns", model->end_ns);
    json_key(json, "markers");
    json_array_begin(json);
    VEC_EACH (struct model_mark, mark, &model->marks) {
        json_object_begin(json);
        json_key_count(json, "at_ns", mark->at_ns);
        json_key_model_string(json, "kind", model, mark->kind);
        json_key_model_string(json, "text", model, mark->text);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
    json->indented = true;
}
