/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A factory is told what its sessions cost: figures against the program's own clock and counts, and
 * against the JSON export of the same recording. What a recording did not measure is not there:
 * with the argument "legacy" the hooks' time, which that strategy does not tell.
 */
#include <string.h>
#include <time.h>

#include "api_check.h"

enum { SESSIONS = 2, ROUNDS = 20000 };

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int is_near(double a, double b)
{
    double apart = a > b ? a - b : b - a, size = b > 0 ? b : -b;
    return apart <= 1e-6 * size + 1e-9;
}

/* The number of a fact; -1: the recording has none. */
static double fact(const memscope_analysis *analysis, const char *key)
{
    const char *value = memscope_analysis_metadata_get(analysis, key);
    return value ? strtod(value, NULL) : -1;
}

/* The number behind a key of the JSON's "performance"; -1: there is none. */
static double exported(const char *json, const char *key)
{
    char words[64];
    const char *part = strstr(json, "\"performance\":");
    snprintf(words, sizeof words, "\"%s\":", key);
    const char *at = part ? strstr(part, words) : NULL;
    return at ? strtod(at + strlen(words), NULL) : -1;
}

static void check_exported(const memscope_analysis *analysis,
                           const struct memscope_measurement *measurement)
{
    memscope_buffer *buffer;
    MUST(memscope_analysis_export_memory(analysis, "json", &buffer, &api_error));
    const char *json = memscope_buffer_bytes(buffer, NULL);
    CHECK(is_near(measurement->event_cpu_ns, exported(json, "event_cpu_ns")));
    CHECK(is_near(measurement->hook_p50_ns, exported(json, "hook_ns_p50")));
    CHECK(is_near(measurement->hook_p99_ns, exported(json, "hook_ns_p99")));
    CHECK(is_near(measurement->stall_s, exported(json, "stall_s")));
    memscope_buffer_free(buffer);
    CHECK(is_near(measurement->overhead_percent, fact(analysis, "overhead_cpu_percent")));
    CHECK(is_near((double)measurement->tracker_bytes, fact(analysis, "overhead_bytes")));
}

/* Work of the program's own, without which there is nothing to compare the cost with. */
static void work(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    double end_s = (double)used.tv_sec + (double)used.tv_nsec / 1e9 + 0.05;
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    while ((double)used.tv_sec + (double)used.tv_nsec / 1e9 < end_s);
}

/* One session of the strategy, noted in the factory. joins: a recording without times. */
static struct memscope_measurement session_run(memscope_factory *factory, int base, int joins)
{
    struct memscope_backend_config config = MEMSCOPE_BACKEND_CONFIG_INIT;
    struct memscope_measurement measurement;
    memscope_backend *backend;
    memscope_session *session;
    memscope_analysis *analysis;
    config.max_overhead_percent = 100;
    MUST(memscope_factory_backend(factory, "mine", &config, &backend, &api_error));
    counted_n = counted_bytes = freed_n = freed_bytes = 0;
    double began_us = now_us();
    MUST(memscope_backend_start_tracking(backend, &session, &api_error));
    double passed_us = now_us() - began_us;
    for (size_t i = 0; i < ROUNDS; i++)
        counted_free(counted_malloc(i % 900), i % 900);
    void *volatile kept = counted_malloc(5);
    work();
    MUST(memscope_session_end(session, &analysis, &api_error));
    free(kept);
    check_counted(analysis);
    MUST(memscope_analysis_measurement(analysis, &measurement));
    CHECK(measurement.strategy == memscope_analysis_strategy(analysis));
    CHECK(joins || measurement.strategy == base);
    CHECK(measurement.is_complete == 1);
    CHECK(measurement.event_n == (int64_t)(counted_n + freed_n));
    CHECK(measurement.init_time_us <= passed_us && measurement.init_time_us * 10 > passed_us);
    CHECK(measurement.tracker_bytes > 0);
    check_exported(analysis, &measurement);
    int timed = !joins && base != MEMSCOPE_STRATEGY_LEGACY;
    CHECK(timed ? measurement.overhead_percent > 0 : measurement.overhead_percent < 0);
    CHECK(timed ? measurement.event_cpu_ns > 0 : measurement.event_cpu_ns < 0);
    CHECK(timed ? measurement.hook_p50_ns > 0 : measurement.hook_p50_ns < 0);
    CHECK((measurement.stall_s >= 0) == !joins);
    CHECK(measurement.hook_p99_ns >= measurement.hook_p50_ns);
    MUST(memscope_factory_record_analysis(factory, "mine", analysis));
    memscope_analysis_free(analysis);
    memscope_session_free(session);
    memscope_backend_shutdown(backend, NULL, NULL);
    return measurement;
}

int main(int argc, char **argv)
{
    int base = argc > 1 && strcmp(argv[1], "legacy") == 0 ? MEMSCOPE_STRATEGY_LEGACY
                                                          : MEMSCOPE_STRATEGY_THREAD_LOCAL;
    struct memscope_measurement one[SESSIONS], all;
    struct memscope_strategy_performance mean, last;
    memscope_factory *factory;
    char name[MEMSCOPE_STRATEGY_NAME_MAX + 1];
    int joins = memscope_is_recording();
    MUST(memscope_factory_new(&factory, &api_error));
    MUST(memscope_factory_add_strategy(factory, "mine", base, NULL));
    CHECK(memscope_factory_measurement(factory, "mine", &all) == MEMSCOPE_E_NOT_FOUND);
    for (int i = 0; i < SESSIONS; i++)
        one[i] = session_run(factory, base, joins);
    MUST(memscope_factory_performance(factory, "mine", &mean));
    MUST(memscope_factory_measurement(factory, "mine", &all));
    MUST(memscope_factory_history(factory, 1, name, &last));
    CHECK(strcmp(name, "mine") == 0 && memscope_factory_history_n(factory) == SESSIONS);
    CHECK(mean.session_count == SESSIONS && is_near(mean.success_rate, 1));
    CHECK(mean.satisfaction_score < 0 && last.satisfaction_score < 0);
    CHECK(is_near(last.avg_init_time_us, one[1].init_time_us));
    CHECK(is_near(mean.avg_init_time_us, (one[0].init_time_us + one[1].init_time_us) / 2));
    CHECK(is_near(mean.avg_overhead_percent,
                  (one[0].overhead_percent + one[1].overhead_percent) / 2));
    CHECK(all.event_n == one[0].event_n + one[1].event_n && all.is_complete);
    CHECK(is_near(all.event_cpu_ns, (one[0].event_cpu_ns + one[1].event_cpu_ns) / 2));
    /* A session that failed tells nothing else. */
    MUST(memscope_factory_record_analysis(factory, "mine", NULL));
    MUST(memscope_factory_performance(factory, "mine", &last));
    CHECK(last.session_count == SESSIONS + 1 && is_near(last.success_rate, 2.0 / 3));
    CHECK(is_near(last.avg_init_time_us, mean.avg_init_time_us));
    memscope_factory_free(factory);
    puts("measured");
    return 0;
}
