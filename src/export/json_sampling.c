/* SPDX-License-Identifier: Apache-2.0 */
/* What sampling did, how sure its figures are, and what recording cost, in the JSON export. */
#include <stdlib.h>
#include <string.h>

#include "analyze/estimate.h"
#include "analyze/session.h"
#include "export/json_parts.h"

static const struct json_interval {
    const char *key;
    enum estimate_kind kind;
} json_intervals[] = {
        {"allocations", ESTIMATE_ALLOC_N},    {"allocated_bytes", ESTIMATE_ALLOC_BYTES},
        {"peak_blocks", ESTIMATE_PEAK_N},     {"peak_bytes", ESTIMATE_PEAK_BYTES},
        {"end_live_blocks", ESTIMATE_LIVE_N}, {"end_live_bytes", ESTIMATE_LIVE_BYTES},
        {"leaked_blocks", ESTIMATE_LEAK_N},   {"leaked_bytes", ESTIMATE_LEAK_BYTES},
};

void json_add_estimates(struct json *json, const struct figures *figures)
{
    if (figures->sample_n == figures->alloc_n)
        return;
    json_key_count(json, "samples", figures->sample_n);
    json_key_bool(json, "few_samples", estimate_is_few(figures));
    json_key(json, "interval95");
    json_object_begin(json);
    for (size_t i = 0; i < sizeof json_intervals / sizeof json_intervals[0]; i++) {
        struct estimate estimate = estimate_of(figures, json_intervals[i].kind);
        json_key(json, json_intervals[i].key);
        json_array_begin(json);
        json_double(json, (double)(uint64_t)estimate.low, 15);
        json_double(json, (double)(uint64_t)(estimate.high + 0.999), 15);
        json_array_end(json);
    }
    json_object_end(json);
}

void json_add_sampling(struct json *json, const struct analysis *analysis)
{
    const struct model *model = analysis->model;
    if (!model->sampled)
        return;
    json_key(json, "sampling");
    json_object_begin(json);
    json_key_double(json, "rate", session_fact_double(model, "sample_rate", 1), 6);
    json_key_double(json, "effective_rate", estimate_rate_n(model, &analysis->figures), 6);
    json_key_double(json, "effective_rate_bytes", estimate_rate_bytes(model, &analysis->figures),
                    6);
    json_key_count(json, "refused_samples", session_fact_u64(model, "refused_samples", 0));
    json_key_count(json, "peak_usable_bytes", model->counts.usable_peak_bytes);
    uint64_t usable = 0;
    VEC_EACH (struct model_process, process, &model->processes) {
        usable += process->end == PROCESS_EXECED ? 0 : process->counts.usable_bytes;
    }
    json_key_count(json, "end_usable_bytes", usable);
    json_add_estimates(json, &analysis->figures);
    json_object_end(json);
}

void json_add_performance(struct json *json, const struct model *model)
{
    static const char prefix[] = "perf_";
    if (!model_fact_get(model, "perf_events_per_s"))
        return;
    json_key(json, "performance");
    json_object_begin(json);
    const char *overhead = model_fact_get(model, "overhead_cpu_percent");
    if (overhead)
        json_key_double(json, "overhead_cpu_percent", strtod(overhead, NULL), 9);
    VEC_EACH (struct model_fact, fact, &model->facts) {
        const char *key = model_string_at(model, fact->key);
        if (strncmp(key, prefix, sizeof prefix - 1) == 0)
            json_key_double(json, key + sizeof prefix - 1,
                            strtod(model_string_at(model, fact->value), NULL), 9);
    }
    json_object_end(json);
}
