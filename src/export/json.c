/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON export: the guide's six fields first, then everything else (docs/memscope.schema.json).
 */
#include "analyze/session.h"
#include "export/export.h"
#include "export/json_parts.h"
#include "export/notice.h"

enum { JSON_SCHEMA_VERSION = 1 };

void json_key_count(struct json *json, const char *key, uint64_t value)
{
    const uint64_t most = (UINT64_C(1) << 53) - 1;
    json_key_u64(json, key, value < most ? value : most);
}

void json_key_model_string(struct json *json, const char *key, const struct model *model,
                           uint32_t string)
{
    json_key(json, key);
    if (string < model->strings.n)
        json_string_n(json, model->strings.at[string].bytes, model->strings.at[string].n);
    else
        json_string(json, "");
}

static void json_add_head(struct json *json, const struct analysis *analysis,
                          const struct export_request *request)
{
    const struct model *model = analysis->model;
    struct session session = session_of(model);
    json_key_string(json, "session_id", session.id);
    json_key_count(json, "duration_ms", session.duration_ms);
    json_key_string(json, "strategy_used", session.strategy);
    json_key_count(json, "total_allocations", model->sums.alloc_n);
    json_key_double(json, "peak_memory_mb", (double)model->sums.peak_bytes / 1e6, 15);
    json_key_count(json, "data_size_bytes", request->recording_bytes);
    json_key_string(json, "schema", "memscope");
    json_key_count(json, "schema_version", JSON_SCHEMA_VERSION);
    json_key_string(json, "memscope_version", request->version ? request->version : "");
    json_key_bool(json, "finished", model->finished);
    json_key_bool(json, "exact", analysis->exact && !session.is_sampled);
}

static void json_add_totals(struct json *json, const struct analysis *analysis)
{
    const struct model_sums *sums = &analysis->model->sums;
    json_key(json, "totals");
    json_object_begin(json);
    json_key_count(json, "allocations", sums->alloc_n);
    json_key_count(json, "allocated_bytes", sums->alloc_bytes);
    json_key_count(json, "frees", sums->free_n);
    json_key_count(json, "freed_bytes", sums->free_bytes);
    json_key_count(json, "reallocs", sums->realloc_n);
    json_key_count(json, "reallocs_in_place", sums->realloc_in_place_n);
    json_key_count(json, "temporary", sums->temporary_n);
    json_key_count(json, "peak_bytes", sums->peak_bytes);
    json_key_count(json, "peak_blocks", sums->peak_n);
    json_key_count(json, "peak_at_ns", sums->peak_at_ns);
    json_key_count(json, "end_live_bytes", analysis->figures.live_bytes);
    json_key_count(json, "end_live_blocks", analysis->figures.live_n);
    json_key_count(json, "leaked_bytes", analysis->figures.leak_bytes);
    json_key_count(json, "leaked_blocks", analysis->figures.leak_n);
    json_key_count(json, "largest_block_bytes", sums->max_block_bytes);
    json_key_count(json, "unknown_frees", sums->unknown_free_n);
    json_key_count(json, "inherited_frees", sums->inherited_free_n);
    json_object_end(json);
}

static void json_add_loss(struct json *json, const struct model *model)
{
    const struct model_loss *loss = &model->loss;
    json_key(json, "loss");
    json_object_begin(json);
    json_key_count(json, "events", loss->event_n);
    json_key_count(json, "gap_ns", loss->gap_ns);
    json_key_count(json, "abandoned_records", loss->abandoned_record_n);
    json_key_count(json, "late_records", loss->late_record_n);
    json_key_count(json, "unknown_stacks", loss->unknown_stack_n);
    json_key_count(json, "truncated_stacks", loss->truncated_stack_n);
    json_key_count(json, "guessed_stacks", loss->guessed_stack_n);
    json_key_count(json, "unrecorded_processes", loss->unrecorded_process_n);
    json_key_count(json, "unmatched_reallocs", loss->unmatched_realloc_n);
    json_key_count(json, "order_repairs", loss->order_repair_n);
    json_key_count(json, "folded_rows", loss->folded_row_n);
    json_key_count(json, "folded_cells", loss->folded_cell_n);
    json_key_count(json, "checkpoint_age_ns", loss->checkpoint_age_ns);
    json_object_end(json);
}

static void json_add_notices(struct json *json, const struct model *model)
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
        json_key_count(json, "value", notices[i].value);
        json_key_string(json, "unit", notices[i].unit);
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_add_suppressions(struct json *json, const struct suppress *suppress)
{
    json_key(json, "suppressions");
    json_array_begin(json);
    for (size_t i = 0; suppress && i < suppress->rules.n; i++) {
        const struct suppress_rule *rule = &suppress->rules.at[i];
        json_object_begin(json);
        json_key_string(json, "pattern", rule->pattern);
        json_key_count(json, "blocks", rule->n);
        json_key_count(json, "bytes", rule->bytes);
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_add_rss(struct json *json, const struct rss_line *rss)
{
    json_key(json, "rss");
    json_object_begin(json);
    json_key_count(json, "peak_bytes", rss->peak_bytes);
    json_key_count(json, "at_ns", rss->at_ns);
    json_key_count(json, "heap_bytes", rss->heap_bytes);
    json_key_count(json, "mapped_bytes", rss->mapped_bytes);
    json_key_count(json, "held_bytes", rss->held_bytes);
    json_key_count(json, "unseen_bytes", rss->unseen_bytes);
    json_key_count(json, "file_bytes", rss->file_bytes);
    json_key_count(json, "stack_bytes", rss->stack_bytes);
    json_key_count(json, "memscope_bytes", rss->self_bytes);
    json_key_count(json, "other_bytes", rss->other_bytes);
    json_key(json, "looked");
    json_bool(json, rss->looked);
    json_object_end(json);
}

static void json_add_environment(struct json *json, const struct model *model)
{
    struct session session = session_of(model);
    json_key(json, "environment");
    json_object_begin(json);
    json_key_count(json, "start_unix_ms", model->start_unix_ns / 1000000);
    struct text end = {0};
    session_add_end(&end, &session);
    json_key_string(json, "end", text_string(&end));
    text_done(&end);
    json_key(json, "facts");
    json_array_begin(json);
    VEC_EACH (struct model_fact, fact, &model->facts) {
        json_object_begin(json);
        json_key_model_string(json, "key", model, fact->key);
        json_key_model_string(json, "value", model, fact->value);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

int export_json(const struct analysis *analysis, const struct export_request *request,
                struct file_out *out, struct diag *diag)
{
    struct export_sink sink = {.out = out, .diag = diag};
    struct json json;
    json_init(&json, export_sink_write, &sink);
    json.indented = true;
    json_object_begin(&json);
    json_add_head(&json, analysis, request);
    json_add_totals(&json, analysis);
    json_add_sampling(&json, analysis);
    json_add_performance(&json, analysis->model);
    json_add_loss(&json, analysis->model);
    json_add_notices(&json, analysis->model);
    json_add_findings(&json, analysis);
    json_add_suppressions(&json, analysis->suppress);
    json_add_rss(&json, &analysis->rss);
    json_add_mapped(&json, analysis->model);
    json_add_environment(&json, analysis->model);
    json_add_processes(&json, analysis->model);
    json_add_threads(&json, analysis->model);
    json_add_tasks(&json, analysis->model);
    json_add_functions(&json, analysis);
    json_add_leaks(&json, analysis);
    json_add_sites(&json, analysis);
    json_add_timeline(&json, analysis->model);
    json_object_end(&json);
    int err = json_finish(&json);
    if (sink.err)
        return sink.err;
    return err ? diag_set(diag, ERR_MEMORY, "no memory for the JSON export") : 0;
}
