/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest of the page (web/CONTRACT.md, section 2). */
#include <stdio.h>
#include <string.h>

#include "analyze/estimate.h"
#include "analyze/session.h"
#include "export/html_parts.h"
#include "export/json_parts.h"
#include "export/notice.h"

/* A fact under a key of ours, left out where it is unknown. */
static void manifest_fact(struct json *json, const char *key, const struct model *model,
                          const char *fact)
{
    const char *value = model_fact_get(model, fact);
    if (value && *value)
        json_key_string(json, key, value);
}

static void manifest_fact_u64(struct json *json, const char *key, const struct model *model,
                              const char *fact, uint64_t scale)
{
    if (model_fact_get(model, fact))
        json_key_u64(json, key, session_fact_u64(model, fact, 0) * scale);
}

static void manifest_session(struct json *json, const struct model *model)
{
    struct session session = session_of(model);
    char digits[32];
    json_key(json, "session");
    json_object_begin(json);
    json_key_string(json, "id", session.id);
    json_key(json, "cmd");
    json_array_begin(json);
    json_string(json, session.command);
    json_array_end(json);
    manifest_fact(json, "cwd", model, "cwd");
    if (session.last)
        json_key_string(json, "exe", model_string_at(model, session.last->exe));
    json_key_u64(json, "pid", session.root ? session.root->pid : 0);
    manifest_fact(json, "host", model, "host");
    manifest_fact(json, "kernel", model, "kernel");
    manifest_fact(json, "arch", model, "arch");
    manifest_fact_u64(json, "cpus", model, "cpus", 1);
    (void)!snprintf(digits, sizeof digits, "%llu", (unsigned long long)model->start_unix_ns);
    json_key_string(json, "start_unix_ns", digits);
    json_key_u64(json, "duration_ns", model->end_ns);
    if (session.last && session.last->end == PROCESS_EXITED) {
        json_key(json, "exit");
        json_object_begin(json);
        json_key(json, "code");
        json_i64(json, session.last->status);
        json_object_end(json);
    } else if (session.last && session.last->end == PROCESS_SIGNALED) {
        const char *name = sigabbrev_np(session.last->status);
        char signal[32];
        (void)!snprintf(signal, sizeof signal, "SIG%s", name ? name : "?");
        json_key(json, "exit");
        json_object_begin(json);
        json_key(json, "signal");
        json_i64(json, session.last->status);
        json_key_string(json, "name", signal);
        json_object_end(json);
    } else {
        json_key_bool(json, "snapshot", true);
    }
    json_object_end(json);
}

static void manifest_capture(struct json *json, const struct analysis *analysis)
{
    const struct model *model = analysis->model;
    struct session session = session_of(model);
    const char *mode = model_fact_get(model, "mode");
    const char *reason = model_fact_get(model, "reason");
    json_key(json, "capture");
    json_object_begin(json);
    json_key_string(json, "mode",
                    mode                                      ? mode
                    : strcmp(session.strategy, "Legacy") == 0 ? "legacy"
                                                              : "unified");
    json_key_string(json, "strategy", session.strategy);
    json_key_string(json, "chosen_by",
                    session_fact_u64(model, "strategy_auto", 1) ? "auto" : "user");
    json_key_double(json, "sample_rate", session_fact_double(model, "sample_rate", 1), 6);
    if (model->sampled)
        json_key_double(json, "effective_rate", estimate_rate_n(model, &analysis->figures), 6);
    json_key_string(json, "sample_kind",
                    analysis->exact && !session.is_sampled ? "exact" : "by-size");
    json_key_bool(json, "track_async", session_fact_u64(model, "track_async", 0));
    json_key_bool(json, "detailed", session_fact_u64(model, "detailed", 0));
    json_key_u64(json, "max_overhead_bytes", session_fact_u64(model, "budget_bytes", 0));
    json_key(json, "reasons");
    json_array_begin(json);
    if (reason)
        json_string(json, reason);
    json_array_end(json);
    html_add_evidence(json, model);
    html_add_changes(json, model);
    json_object_end(json);
}

static void manifest_totals(struct json *json, const struct page *page,
                            const struct html_live *live)
{
    const struct analysis *analysis = page->analysis;
    const struct model_sums *sums = &page->model->sums;
    size_t last = page->slice_n ? page->slice_n - 1 : 0;
    json_key(json, "totals");
    json_object_begin(json);
    json_key_u64(json, "alloc_n", sums->alloc_n);
    json_key_u64(json, "alloc_bytes", sums->alloc_bytes);
    json_key_u64(json, "free_n", sums->free_n);
    json_key_u64(json, "free_bytes", sums->free_bytes);
    json_key_u64(json, "realloc_n", sums->realloc_n);
    json_key_u64(json, "peak_live_bytes", sums->peak_bytes);
    json_key_u64(json, "peak_live_n", sums->peak_n);
    json_key_u64(json, "peak_at_ns", sums->peak_at_ns);
    json_key_u64(json, "end_live_bytes", live->bytes[last]);
    json_key_u64(json, "end_live_n", live->n[last]);
    json_key_u64(json, "leak_bytes", analysis->figures.leak_bytes);
    json_key_u64(json, "leak_n", analysis->figures.leak_n);
    json_key_u64(json, "tmp_n", sums->temporary_n);
    json_key_u64(json, "max_block_bytes", sums->max_block_bytes);
    if (analysis->rss.peak_bytes)
        json_key_u64(json, "peak_rss_bytes", analysis->rss.peak_bytes);
    json_object_end(json);
}

static void manifest_suppressions(struct json *json, const struct suppress *suppress)
{
    json_key(json, "suppressions");
    json_array_begin(json);
    for (size_t i = 0; suppress && i < suppress->rules.n; i++) {
        const struct suppress_rule *rule = &suppress->rules.at[i];
        if (rule->n == 0)
            continue;
        json_object_begin(json);
        json_key_string(json, "pattern", rule->pattern);
        json_key_u64(json, "n", rule->n);
        json_key_u64(json, "bytes", rule->bytes);
        json_object_end(json);
    }
    json_array_end(json);
}

static void manifest_rss(struct json *json, const struct rss_line *rss)
{
    if (rss->peak_bytes == 0)
        return;
    json_key(json, "rss");
    json_object_begin(json);
    json_key_u64(json, "peak_bytes", rss->peak_bytes);
    json_key_u64(json, "at_ns", rss->at_ns);
    json_key_u64(json, "heap_bytes", rss->heap_bytes);
    json_key_u64(json, "mmap_bytes", rss->mapped_bytes);
    json_key_u64(json, "held_bytes", rss->held_bytes);
    json_key_u64(json, "unseen_bytes", rss->unseen_bytes);
    json_key_u64(json, "other_bytes", rss->file_bytes + rss->stack_bytes + rss->other_bytes);
    json_key_u64(json, "self_bytes", rss->self_bytes);
    json_object_end(json);
}

static void manifest_overhead(struct json *json, const struct model *model,
                              const struct export_request *request)
{
    const struct model_loss *loss = &model->loss;
    json_key(json, "overhead");
    json_object_begin(json);
    manifest_fact_u64(json, "cpu_ns", model, "recorder_cpu_us", 1000);
    if (model_fact_get(model, "overhead_cpu_percent"))
        json_key_double(json, "wall_pct", session_fact_double(model, "overhead_cpu_percent", 0), 4);
    json_key_u64(json, "self_bytes_peak", session_fact_u64(model, "overhead_bytes", 0));
    manifest_fact_u64(json, "recorder_bytes_peak", model, "recorder_peak_bytes", 1);
    json_key_u64(json, "events_n",
                 session_fact_u64(model, "events", model->sums.alloc_n + model->sums.free_n));
    json_key_u64(json, "lost_n", loss->event_n + loss->abandoned_record_n);
    json_key_u64(json, "stacks_truncated_n", loss->truncated_stack_n);
    json_key_u64(json, "stacks_guessed_n", loss->guessed_stack_n);
    json_key_u64(json, "recording_bytes", request->recording_bytes);
    json_object_end(json);
}

static void manifest_fidelity(struct json *json, const struct page *page)
{
    const struct model *model = page->model;
    uint64_t least = 0, most = 0, named = 0, placed = 0;
    for (size_t i = 0; i < page->slices.n; i++) {
        uint64_t width = page_slice_end(page, i) - page->slices.at[i].start_ns;
        least = i == 0 || width < least ? width : least;
        most = width > most ? width : most;
    }
    VEC_EACH (struct page_frame, frame, &page->frames) {
        named += !strstr(page_string_at(page, page->functions.at[frame->function].name), "+0x");
        placed += frame->line != 0;
    }
    double frames = page->frames.n ? (double)page->frames.n : 1;
    json_key(json, "fidelity");
    json_object_begin(json);
    json_key_u64(json, "slices", page->slice_n);
    json_key_u64(json, "min_slice_ns", least);
    json_key_u64(json, "max_slice_ns", most);
    json_key_u64(json, "rows", page->rows.n);
    json_key_u64(json, "folded_sites", 0);
    json_key_u64(json, "folded_bytes_pct", 0);
    json_key_u64(json, "folded_ctx", model->loss.folded_cell_n);
    json_key_double(json, "symbols_pct", 100.0 * (double)named / frames, 4);
    json_key_double(json, "lines_pct", 100.0 * (double)placed / frames, 4);
    json_object_end(json);
}

static void manifest_notices(struct json *json, const struct model *model)
{
    struct notice notices[NOTICES_MAX];
    size_t n = notices_collect(model, notices);
    json_key(json, "notices");
    json_array_begin(json);
    for (size_t i = 0; i < n; i++) {
        json_object_begin(json);
        json_key_string(json, "severity", notice_severity_name(notices[i].severity));
        json_key_string(json, "kind", notices[i].kind);
        json_key_string(json, "text", notices[i].text);
        json_key_u64(json, "value", notices[i].value);
        json_key_string(json, "unit", notices[i].unit);
        json_object_end(json);
    }
    json_array_end(json);
}

static void manifest_link(struct json *json, const struct analysis *analysis,
                          const struct finding_link *link)
{
    json_key(json, "link");
    json_object_begin(json);
    json_key_string(json, "view", link->view);
    if (link->metric)
        json_key_string(json, "metric", link->metric);
    if (link->function != MODEL_NONE) {
        struct text name = {0};
        analysis_add_name(&name, analysis, link->function);
        json_key(json, "search");
        json_string_n(json, text_string(&name), name.n);
        text_done(&name);
    }
    json_object_end(json);
}

static void manifest_findings(struct json *json, const struct analysis *analysis)
{
    json_key(json, "findings");
    json_array_begin(json);
    VEC_EACH (struct finding, finding, &analysis->findings) {
        json_object_begin(json);
        json_key_string(json, "id", finding->id);
        json_key_string(json, "severity", finding_severity_name(finding->severity));
        json_key_string(json, "title", text_string(&finding->title));
        json_key_string(json, "text", text_string(&finding->text));
        json_key_double(json, "value", finding->value, 6);
        json_key_string(json, "unit", finding->unit);
        if (finding->confidence >= 0)
            json_key_double(json, "confidence", finding->confidence, 4);
        manifest_link(json, analysis, &finding->link);
        json_object_end(json);
    }
    json_array_end(json);
}

static void manifest_environment(struct json *json, const struct model *model)
{
    json_key(json, "environment");
    json_array_begin(json);
    VEC_EACH (struct model_fact, fact, &model->facts) {
        if (strcmp(model_string_at(model, fact->key), "evidence") == 0)
            continue; /* told line by line as capture.evidence */
        json_object_begin(json);
        json_key_string(json, "label", model_string_at(model, fact->key));
        json_key_string(json, "value", model_string_at(model, fact->value));
        json_object_end(json);
    }
    json_array_end(json);
}

static void manifest_counts(struct json *json, const struct page *page)
{
    json_key(json, "counts");
    json_object_begin(json);
    json_key_u64(json, "strings", page->strings.n);
    json_key_u64(json, "modules", page->modules.n);
    json_key_u64(json, "funcs", page->functions.n);
    json_key_u64(json, "frames", page->frames.n);
    json_key_u64(json, "nodes", page->nodes.n);
    json_key_u64(json, "ctxs", page->contexts.n);
    json_key_u64(json, "sites", page->sites.n);
    json_key_u64(json, "cells", page->cells.n);
    json_key_u64(json, "rows", page->rows.n);
    json_key_u64(json, "procs", page->model->processes.n);
    json_key_u64(json, "threads", page->model->threads.n);
    json_key_u64(json, "tasks", page->task_group.n);
    json_key_u64(json, "groups", page->groups.n);
    json_object_end(json);
}

void html_add_manifest(struct json *json, const struct page *page, const struct html_live *live,
                       const struct export_request *request, const struct section *sections,
                       size_t section_n)
{
    json_object_begin(json);
    json_key_string(json, "schema", "memscope-report");
    json_key(json, "version");
    json_object_begin(json);
    json_key_u64(json, "major", 1);
    json_key_u64(json, "minor", 0);
    json_object_end(json);
    json_key(json, "generator");
    json_object_begin(json);
    json_key_string(json, "name", "memscope");
    json_key_string(json, "version", request->version ? request->version : "");
    json_object_end(json);
    manifest_session(json, page->model);
    manifest_capture(json, page->analysis);
    manifest_totals(json, page, live);
    manifest_rss(json, &page->analysis->rss);
    html_add_mapped(json, page->model);
    json_add_sampling(json, page->analysis);
    json_add_performance(json, page->model);
    manifest_overhead(json, page->model, request);
    manifest_fidelity(json, page);
    manifest_environment(json, page->model);
    manifest_notices(json, page->model);
    manifest_findings(json, page->analysis);
    manifest_suppressions(json, page->analysis->suppress);
    manifest_counts(json, page);
    json_key(json, "sections");
    json_array_begin(json);
    for (size_t i = 0; i < section_n; i++)
        section_describe(&sections[i], json);
    json_array_end(json);
    json_object_end(json);
}
