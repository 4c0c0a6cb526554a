/* SPDX-License-Identifier: Apache-2.0 */
/* The strategy factory against averages worked out by hand, and its limits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "memscope/memscope.h"

static memscope_factory *factory_made(void)
{
    memscope_factory *factory = NULL;
    struct memscope_error error;
    assert_int_equal(memscope_factory_new(&factory, &error), 0);
    return factory;
}

/* The guide's own record. */
static const struct memscope_strategy_performance guide = {2.1, 150.0, 0.98, 0.92, 1};

static int near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void test_built_in(void **state)
{
    static const char *const names[] = {"SingleThread", "ThreadLocal", "AsyncOptimized", "Hybrid",
                                        "Legacy"};
    memscope_factory *factory = factory_made();
    char name[MEMSCOPE_STRATEGY_NAME_MAX + 1];
    int base;
    assert_int_equal(memscope_factory_strategy_n(factory), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(memscope_factory_strategy(factory, i, name, &base, NULL), 0);
        assert_string_equal(name, names[i]);
        assert_string_equal(memscope_strategy_name(base), names[i]);
        assert_int_equal(memscope_strategy_find(names[i]), base);
    }
    assert_int_equal(memscope_factory_strategy(factory, 5, name, &base, NULL),
                     MEMSCOPE_E_NOT_FOUND);
    assert_int_equal(memscope_strategy_find("ASYNC"), MEMSCOPE_STRATEGY_ASYNC);
    assert_int_equal(memscope_strategy_find("asyn"), MEMSCOPE_E_NOT_FOUND);
    memscope_factory_free(factory);
}

static void test_performance(void **state)
{
    memscope_factory *factory = factory_made();
    struct memscope_strategy_performance mean, second = {4.2, 300.0, 0.5, 0.2, 3};
    char name[MEMSCOPE_STRATEGY_NAME_MAX + 1];
    assert_int_equal(memscope_factory_performance(factory, "custom_strategy", &mean),
                     MEMSCOPE_E_NOT_FOUND);
    assert_int_equal(memscope_factory_record_performance(factory, "custom_strategy", &guide), 0);
    assert_int_equal(memscope_factory_performance(factory, "custom_strategy", &mean), 0);
    assert_true(near(mean.avg_overhead_percent, 2.1) && mean.session_count == 1);
    assert_int_equal(memscope_factory_record_performance(factory, "custom_strategy", &second), 0);
    assert_int_equal(memscope_factory_performance(factory, "custom_strategy", &mean), 0);
    /* (1 * 2.1 + 3 * 4.2) / 4, and so on */
    assert_true(near(mean.avg_overhead_percent, 3.675));
    assert_true(near(mean.avg_init_time_us, 262.5));
    assert_true(near(mean.success_rate, 0.62));
    assert_true(near(mean.satisfaction_score, 0.38));
    assert_int_equal(mean.session_count, 4);
    assert_int_equal(memscope_factory_history_n(factory), 2);
    assert_int_equal(memscope_factory_history(factory, 1, name, &mean), 0);
    assert_string_equal(name, "custom_strategy");
    assert_true(near(mean.success_rate, 0.5));
    memscope_factory_free(factory);
}

static void test_refused(void **state)
{
    memscope_factory *factory = factory_made();
    struct memscope_strategy_performance bad = guide;
    char longer[MEMSCOPE_STRATEGY_NAME_MAX + 2];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_int_equal(memscope_factory_record_performance(factory, "", &guide), MEMSCOPE_E_INVALID);
    assert_int_equal(memscope_factory_record_performance(factory, longer, &guide),
                     MEMSCOPE_E_INVALID);
    assert_int_equal(memscope_factory_record_performance(NULL, "x", &guide), MEMSCOPE_E_INVALID);
    bad.success_rate = 1.01;
    assert_int_equal(memscope_factory_record_performance(factory, "x", &bad), MEMSCOPE_E_INVALID);
    bad.success_rate = NAN;
    assert_int_equal(memscope_factory_record_performance(factory, "x", &bad), MEMSCOPE_E_INVALID);
    bad = guide;
    bad.session_count = 0;
    assert_int_equal(memscope_factory_record_performance(factory, "x", &bad), MEMSCOPE_E_INVALID);
    assert_int_equal(memscope_factory_history_n(factory), 0);
    assert_int_equal(memscope_factory_add_strategy(factory, "Hybrid", 1, NULL), MEMSCOPE_E_INVALID);
    assert_int_equal(memscope_factory_add_strategy(factory, "mine", 0, NULL), MEMSCOPE_E_INVALID);
    memscope_factory_free(factory);
}

/* Sessions without an analysis: they failed, and nothing else is known of them. */
static void test_unmeasured(void **state)
{
    memscope_factory *factory = factory_made();
    struct memscope_strategy_performance mean;
    struct memscope_measurement measurement = {.event_n = 77};
    struct memscope_requirements wanted = {.needs_tasks = 1, .max_overhead_percent = 1};
    struct memscope_recommendation got;
    assert_int_equal(memscope_factory_record_analysis(factory, NULL, NULL), MEMSCOPE_E_INVALID);
    assert_int_equal(memscope_factory_record_analysis(NULL, "x", NULL), MEMSCOPE_E_INVALID);
    assert_int_equal(memscope_factory_record_analysis(factory, "async", NULL), 0);
    assert_int_equal(memscope_factory_performance(factory, "AsyncOptimized", &mean), 0);
    assert_true(mean.session_count == 1 && near(mean.success_rate, 0));
    assert_true(mean.avg_overhead_percent < 0 && mean.avg_init_time_us < 0);
    assert_true(mean.satisfaction_score < 0);
    assert_int_equal(memscope_factory_measurement(factory, "async", &measurement),
                     MEMSCOPE_E_NOT_FOUND);
    assert_int_equal(measurement.event_n, 77);
    /* An overhead that is not known is above no budget; failures count. */
    assert_int_equal(memscope_factory_recommend(factory, &wanted, NULL, &got), 0);
    assert_int_equal(got.strategy, MEMSCOPE_STRATEGY_HYBRID);
    /* What is known is averaged over those that know it: one session of the guide's two. */
    assert_int_equal(memscope_factory_record_performance(factory, "async", &guide), 0);
    assert_int_equal(memscope_factory_performance(factory, "async", &mean), 0);
    assert_true(near(mean.avg_overhead_percent, 2.1) && near(mean.avg_init_time_us, 150));
    assert_true(near(mean.success_rate, 0.49) && near(mean.satisfaction_score, 0.92));
    assert_int_equal(mean.session_count, 2);
    memscope_factory_free(factory);
}

static void test_limits(void **state)
{
    memscope_factory *factory = factory_made();
    struct memscope_strategy_performance performance = guide, got;
    char name[MEMSCOPE_STRATEGY_NAME_MAX + 1];
    for (int i = 5; i < MEMSCOPE_STRATEGIES_MAX; i++) {
        snprintf(name, sizeof name, "number %d", i);
        assert_int_equal(memscope_factory_add_strategy(factory, name, 1, NULL), 0);
    }
    assert_int_equal(memscope_factory_add_strategy(factory, "one more", 1, NULL), MEMSCOPE_E_LIMIT);
    assert_int_equal(memscope_factory_add_strategy(factory, "number 7", 2, NULL), 0);
    for (uint64_t i = 1; i <= MEMSCOPE_HISTORY_MAX + 10; i++) {
        performance.session_count = i;
        assert_int_equal(memscope_factory_record_performance(factory, "number 7", &performance), 0);
    }
    assert_int_equal(memscope_factory_history_n(factory), MEMSCOPE_HISTORY_MAX);
    assert_int_equal(memscope_factory_history(factory, 0, NULL, &got), 0);
    assert_int_equal(got.session_count, 11);
    assert_int_equal(memscope_factory_history(factory, MEMSCOPE_HISTORY_MAX - 1, NULL, &got), 0);
    assert_int_equal(got.session_count, MEMSCOPE_HISTORY_MAX + 10);
    memscope_factory_free(factory);
}

static void test_recommend(void **state)
{
    memscope_factory *factory = factory_made();
    struct memscope_requirements wanted = {0};
    struct memscope_recommendation got;
    wanted.needs_tasks = 1;
    assert_int_equal(memscope_factory_recommend(factory, &wanted, NULL, &got), 0);
    assert_int_equal(got.strategy, MEMSCOPE_STRATEGY_ASYNC);
    wanted = (struct memscope_requirements){.needs_total_order = 1};
    assert_int_equal(memscope_factory_recommend(factory, &wanted, NULL, &got), 0);
    assert_int_equal(got.strategy, MEMSCOPE_STRATEGY_LEGACY);
    wanted.needs_tasks = 1; /* nobody has both */
    assert_int_equal(memscope_factory_recommend(factory, &wanted, NULL, &got),
                     MEMSCOPE_E_NOT_FOUND);
    wanted = (struct memscope_requirements){.thread_n = 8};
    assert_int_equal(memscope_factory_recommend(factory, &wanted, NULL, &got), 0);
    assert_int_equal(got.strategy, MEMSCOPE_STRATEGY_THREAD_LOCAL);
    wanted.thread_n = 1;
    assert_int_equal(memscope_factory_recommend(factory, &wanted, NULL, &got), 0);
    assert_int_equal(got.strategy, MEMSCOPE_STRATEGY_SINGLE_THREAD);
    /* A bad record takes the best one out; a custom one with a good record wins. */
    struct memscope_strategy_performance bad = {50.0, 10.0, 0.1, 0.1, 5},
                                         good = {0.5, 10.0, 1.0, 1.0, 5};
    wanted = (struct memscope_requirements){.needs_tasks = 1, .min_success_rate = 0.9};
    assert_int_equal(memscope_factory_record_performance(factory, "async", &bad), 0);
    assert_int_equal(memscope_factory_recommend(factory, &wanted, NULL, &got), 0);
    assert_int_equal(got.strategy, MEMSCOPE_STRATEGY_HYBRID);
    assert_int_equal(memscope_factory_add_strategy(factory, "mine", MEMSCOPE_STRATEGY_ASYNC, NULL),
                     0);
    assert_int_equal(memscope_factory_record_performance(factory, "mine", &good), 0);
    assert_int_equal(memscope_factory_recommend(factory, &wanted, NULL, &got), 0);
    assert_string_equal(got.name, "mine");
    memscope_factory_free(factory);
}

static int choose_hybrid(const struct memscope_detection *detection, void *context)
{
    *(int *)context = detection->evidence_n > 0;
    return MEMSCOPE_STRATEGY_HYBRID;
}

static void test_backend(void **state)
{
    memscope_factory *factory = factory_made();
    struct memscope_error error;
    struct memscope_backend_config config;
    const struct memscope_strategy_settings settings = {.sample_rate = 0.25,
                                                        .max_overhead_percent = 2};
    memscope_backend *backend;
    int called = 0;
    assert_int_equal(memscope_factory_add_strategy(factory, "mine", MEMSCOPE_STRATEGY_THREAD_LOCAL,
                                                   &settings),
                     0);
    assert_int_equal(memscope_factory_backend(factory, "mine", NULL, &backend, &error), 0);
    assert_int_equal(memscope_backend_strategy(backend), MEMSCOPE_STRATEGY_THREAD_LOCAL);
    assert_int_equal(memscope_backend_get_config(backend, &config), 0);
    assert_true(near(config.sample_rate, 0.25) && near(config.max_overhead_percent, 2));
    memscope_backend_shutdown(backend, NULL, NULL);
    assert_int_equal(memscope_factory_backend(factory, "yours", NULL, &backend, &error),
                     MEMSCOPE_E_NOT_FOUND);
    assert_int_equal(error.code, MEMSCOPE_E_NOT_FOUND);
    assert_int_equal(memscope_factory_set_chooser(factory, choose_hybrid, &called), 0);
    assert_int_equal(memscope_factory_backend(factory, NULL, NULL, &backend, &error), 0);
    assert_int_equal(memscope_backend_strategy(backend), MEMSCOPE_STRATEGY_HYBRID);
    assert_true(called);
    memscope_backend_shutdown(backend, NULL, NULL);
    memscope_factory_free(factory);
}

static void test_config(void **state)
{
    const struct memscope_backend_config good = MEMSCOPE_BACKEND_CONFIG_INIT;
    struct memscope_backend_config bad[] = {good, good, good, good, good, good};
    struct memscope_error error;
    memscope_backend *backend = (memscope_backend *)&error;
    bad[0].force_strategy = 6;
    bad[1].sample_rate = 0;
    bad[2].sample_rate = 1.5;
    bad[3].sample_rate = NAN;
    bad[4].max_overhead_percent = 0;
    bad[5].max_overhead_percent = 101;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(&error, 0, sizeof error);
        assert_int_equal(memscope_backend_initialize(&bad[i], &backend, &error),
                         MEMSCOPE_E_INVALID);
        assert_int_equal(error.code, MEMSCOPE_E_INVALID);
        assert_true(error.text[0]);
        assert_ptr_equal(backend, &error); /* untouched */
    }
}

static void test_detection(void **state)
{
    struct memscope_detection detection;
    struct memscope_detection_config config = MEMSCOPE_DETECTION_CONFIG_INIT;
    struct memscope_error error;
    double sum = 0;
    assert_int_equal(memscope_detect_environment_detailed(&config, &detection, &error), 0);
    for (size_t i = 0; i < MEMSCOPE_ENVIRONMENT_KINDS; i++)
        sum += detection.alternatives[i];
    assert_true(fabs(sum - 1) < 1e-6);
    assert_true(detection.confidence > 0 && detection.confidence <= 1);
    assert_true(near(detection.alternatives[detection.environment.kind], detection.confidence));
    assert_true(detection.recommended_strategy != MEMSCOPE_STRATEGY_AUTO);
    assert_true(detection.evidence_n > 0 && detection.evidence[0].text[0]);
    /* A threshold that nothing reaches: hybrid is recommended. */
    config.confidence_threshold = 1;
    assert_int_equal(memscope_detect_environment_detailed(&config, &detection, &error), 0);
    if (detection.confidence < 1)
        assert_int_equal(detection.recommended_strategy, MEMSCOPE_STRATEGY_HYBRID);
    config.timeout_ms = 0;
    assert_int_equal(memscope_detect_environment_detailed(&config, &detection, &error),
                     MEMSCOPE_E_INVALID);
}

static void test_texts(void **state)
{
    for (int status = 0; status >= MEMSCOPE_E_UNSUPPORTED; status--)
        assert_string_not_equal(memscope_status_text(status), "unknown status");
    assert_string_equal(memscope_status_text(MEMSCOPE_E_UNSUPPORTED - 1), "unknown status");
    assert_string_equal(memscope_status_text(1), "unknown status");
    assert_string_equal(memscope_strategy_name(-1), "");
    assert_string_equal(memscope_strategy_name(6), "");
}

/* Everything that is freed may be NULL, everything that is asked may be asked of NULL. */
static void test_null(void **state)
{
    struct memscope_error error;
    memscope_session *session;
    memscope_session_free(NULL);
    memscope_analysis_free(NULL);
    memscope_buffer_free(NULL);
    memscope_factory_free(NULL);
    memscope_tracker_free(NULL);
    assert_int_equal(memscope_backend_shutdown(NULL, NULL, NULL), 0);
    struct memscope_measurement measurement;
    assert_int_equal(memscope_analysis_measurement(NULL, &measurement), MEMSCOPE_E_INVALID);
    assert_int_equal(memscope_analysis_site_n(NULL), 0);
    assert_int_equal(memscope_backend_start_tracking(NULL, &session, &error), MEMSCOPE_E_INVALID);
    assert_int_equal(memscope_analysis_export(NULL, "json", "x", &error), MEMSCOPE_E_INVALID);
    assert_string_equal(memscope_session_id(NULL), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_built_in),  cmocka_unit_test(test_performance),
            cmocka_unit_test(test_refused),   cmocka_unit_test(test_unmeasured),
            cmocka_unit_test(test_limits),    cmocka_unit_test(test_recommend),
            cmocka_unit_test(test_backend),   cmocka_unit_test(test_config),
            cmocka_unit_test(test_detection), cmocka_unit_test(test_texts),
            cmocka_unit_test(test_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
