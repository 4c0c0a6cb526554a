/* SPDX-License-Identifier: Apache-2.0 */
/* Facts are written as text under stable keys (docs/recording-format.md). */
#include "collect/facts.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/text.h"

static const char *const facts_strategies[] = {
        [WIRE_SINGLE_THREAD] = "SingleThread",
        [WIRE_THREAD_LOCAL] = "ThreadLocal",
        [WIRE_ASYNC] = "AsyncOptimized",
        [WIRE_HYBRID] = "Hybrid",
        [WIRE_LEGACY] = "Legacy",
};

const char *facts_strategy_name(uint32_t strategy)
{
    return strategy <= WIRE_LEGACY ? facts_strategies[strategy] : "unknown";
}

static void facts_set_u64(struct model *model, const char *key, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    model_fact_set(model, key, text);
}

static void facts_set_command(struct model *model, const struct run_request *request)
{
    struct text command = {0};
    for (size_t i = 0; request->argv[i] && (i == 0 || !request->redact_args); i++) {
        if (i)
            text_add_char(&command, ' ');
        text_add(&command, request->argv[i]);
    }
    model_fact_set(model, "command", text_string(&command));
    text_done(&command);
}

void facts_begin(struct model *model, const struct run_request *request,
                 const struct segment *segment)
{
    const struct wire_config *config = &segment->at->config;
    facts_set_command(model, request);
    model_fact_set(model, "program", request->program);
    model_fact_set(model, "strategy", facts_strategy_name(config->strategy));
    model_fact_set(
            model, "strategy_auto",
            request->strategy == RUN_STRATEGY_AUTO && request->mode != RUN_MODE_LEGACY ? "1" : "0");
    static const char *const modes[] = {
            [RUN_MODE_AUTO] = "auto", [RUN_MODE_UNIFIED] = "unified", [RUN_MODE_LEGACY] = "legacy"};
    model_fact_set(model, "mode", modes[request->mode]);
    model_fact_set(model, "track_async", request->track_async ? "1" : "0");
    model_fact_set(model, "detailed", request->detailed ? "1" : "0");
    facts_set_u64(model, "cpus", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
    char folder[4096];
    if (getcwd(folder, sizeof folder))
        model_fact_set(model, "cwd", folder);
    struct utsname host;
    if (uname(&host) == 0) {
        model_fact_set(model, "host", host.nodename);
        model_fact_set(model, "kernel", host.release);
        model_fact_set(model, "arch", host.machine);
    }
    char rate[32];
    snprintf(rate, sizeof rate, "%g", request->sample_rate);
    model_fact_set(model, "sample_rate", rate);
    if (config->found & WIRE_FOUND_NO_BOUNDARY)
        model_fact_set(model, "tasks_missing", "Tokio");
    facts_set_u64(model, "sample_weight", config->weight);
    facts_set_u64(model, "budget_bytes", segment->size_bytes + config->private_limit_bytes);
    model_fact_set(model, "stamps",
                   segment->at->stamp_source == WIRE_STAMP_TSC ? "tsc" : "sequence");
    facts_set_u64(model, "session", model->start_unix_ns / 1000000u);
}

void facts_update(struct model *model, const struct segment *segment, const struct order *order,
                  const struct images *images, const struct drain *drain, const struct ticks *ticks)
{
    const struct wire_segment *at = segment->at;
    uint64_t segment_bytes = (uint64_t)segment->backed_to * WIRE_PAGE_BYTES;
    uint64_t private_bytes = atomic_load(&at->private_bytes);
    facts_set_u64(model, "overhead_bytes", segment_bytes + private_bytes);
    facts_set_u64(model, "events", order->event_n);
    model->loss.gap_ns = ticks_to_ns(ticks, drain_gap_ticks(drain));
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        facts_set_u64(model, "recorder_cpu_us",
                      (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
                              (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec));
        facts_set_u64(model, "recorder_peak_bytes", (uint64_t)usage.ru_maxrss * 1024u);
    }
    uint64_t refused_samples = 0;
    for (uint32_t i = 0; i < segment->process_n; i++)
        refused_samples += atomic_load(&wire_process_at(segment->at, i)->refused_n);
    if (refused_samples)
        facts_set_u64(model, "refused_samples", refused_samples);
    if (images->passed_n) {
        facts_set_u64(model, "passed_over", images->passed_n);
        model_fact_set(model, "passed_over_names", images->passed);
    }
    if (*images->execs.names)
        model_fact_set(model, "unrecorded_names", images->execs.names);
    uint64_t refused =
            atomic_load(&at->refused_process_n) + execs_unrecorded(&images->execs, images);
    if (refused > model->loss.unrecorded_process_n)
        model->loss.unrecorded_process_n = refused;
}
