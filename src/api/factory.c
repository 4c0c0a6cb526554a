/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strategy factory: names, what they are based on, and how they did.
 *
 * One object of fixed size. A spin lock guards it: every hold is a few hundred instructions of our
 * own, without calls into the program.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "api/backend.h"
#include "api/fault.h"
#include "api/object.h"
#include "api/strategy.h"
#include "capture/cpu/x86_64/thread.h"
#include "memscope/memscope.h"

enum { FACTORY_BUILT_IN = 5, FACTORY_NAME = MEMSCOPE_STRATEGY_NAME_MAX + 1 };

struct factory_strategy {
    char name[FACTORY_NAME];
    int base; /* AUTO: only a name with a history */
    struct memscope_strategy_settings settings;
};

struct factory_record {
    uint32_t strategy; /* index */
    bool is_measured;
    struct memscope_strategy_performance performance;
    struct memscope_measurement measurement; /* of one that is */
};

struct memscope_factory {
    atomic_flag busy;
    memscope_chooser chooser;
    void *context;
    size_t strategy_n;
    struct factory_strategy strategies[MEMSCOPE_STRATEGIES_MAX];
    size_t record_n; /* ever; the newest MEMSCOPE_HISTORY_MAX are kept, in a ring */
    struct factory_record records[MEMSCOPE_HISTORY_MAX];
};

static void factory_lock(const memscope_factory *factory)
{
    /* The lock is the one thing that readers change. */
    atomic_flag *busy = &((memscope_factory *)(uintptr_t)factory)->busy;
    while (atomic_flag_test_and_set_explicit(busy, memory_order_acquire))
        thread_pause();
}

static void factory_unlock(const memscope_factory *factory)
{
    atomic_flag_clear_explicit(&((memscope_factory *)(uintptr_t)factory)->busy,
                               memory_order_release);
}

int memscope_factory_new(memscope_factory **ret_factory, struct memscope_error *ret_error)
{
    if (!ret_factory)
        return fault_set(ret_error, MEMSCOPE_E_INVALID, "ret_factory is NULL", NULL);
    memscope_factory *factory = object_take(sizeof *factory);
    if (!factory)
        return fault_set(ret_error, MEMSCOPE_E_MEMORY, "no memory for a factory", NULL);
    for (int i = 0; i < FACTORY_BUILT_IN; i++) {
        struct factory_strategy *strategy = &factory->strategies[i];
        strategy->base = i + 1;
        fault_copy(strategy->name, sizeof strategy->name, memscope_strategy_name(i + 1));
    }
    factory->strategy_n = FACTORY_BUILT_IN;
    *ret_factory = factory;
    return MEMSCOPE_OK;
}

void memscope_factory_free(memscope_factory *factory)
{
    object_give(factory, sizeof *factory);
}

static bool factory_is_name(const char *name)
{
    size_t n = name ? strlen(name) : 0;
    return n >= 1 && n <= MEMSCOPE_STRATEGY_NAME_MAX;
}

/* Built-in ones answer to both spellings. Index, or MEMSCOPE_E_NOT_FOUND. */
static int factory_find(const memscope_factory *factory, const char *name)
{
    int built_in = memscope_strategy_find(name);
    if (built_in > MEMSCOPE_STRATEGY_AUTO)
        return built_in - 1;
    for (size_t i = 0; i < factory->strategy_n; i++) {
        const char *other = factory->strategies[i].name;
        if (strlen(other) == strlen(name) && memcmp(other, name, strlen(name)) == 0)
            return (int)i;
    }
    return MEMSCOPE_E_NOT_FOUND;
}

static int factory_find_or_add(memscope_factory *factory, const char *name)
{
    int index = factory_find(factory, name);
    if (index >= 0)
        return index;
    if (factory->strategy_n == MEMSCOPE_STRATEGIES_MAX)
        return MEMSCOPE_E_LIMIT;
    struct factory_strategy *strategy = &factory->strategies[factory->strategy_n];
    *strategy = (struct factory_strategy){.base = MEMSCOPE_STRATEGY_AUTO};
    fault_copy(strategy->name, sizeof strategy->name, name);
    return (int)factory->strategy_n++;
}

static bool factory_is_part(double value)
{
    return value >= 0.0 && value <= 1.0;
}

static bool factory_is_positive(double value)
{
    return value >= 0.0 && value <= 1e300; /* neither NaN nor infinite */
}

/* Puts a record, but for its strategy, behind the others. */
static int factory_note(memscope_factory *factory, const char *name,
                        const struct factory_record *record)
{
    factory_lock(factory);
    int index = factory_find_or_add(factory, name);
    if (index >= 0) {
        struct factory_record *place =
                &factory->records[factory->record_n++ % MEMSCOPE_HISTORY_MAX];
        *place = *record;
        place->strategy = (uint32_t)index;
    }
    factory_unlock(factory);
    return index < 0 ? index : MEMSCOPE_OK;
}

int memscope_factory_record_performance(memscope_factory *factory, const char *name,
                                        const struct memscope_strategy_performance *performance)
{
    if (!factory || !performance || !factory_is_name(name) ||
        !factory_is_positive(performance->avg_overhead_percent) ||
        !factory_is_positive(performance->avg_init_time_us) ||
        !factory_is_part(performance->success_rate) ||
        !factory_is_part(performance->satisfaction_score) || performance->session_count == 0)
        return MEMSCOPE_E_INVALID;
    const struct factory_record record = {.performance = *performance};
    return factory_note(factory, name, &record);
}

int memscope_factory_record_analysis(memscope_factory *factory, const char *name,
                                     const memscope_analysis *analysis)
{
    struct factory_record record = {.performance = {-1, -1, 0, -1, 1}};
    if (analysis) {
        struct memscope_measurement *measurement = &record.measurement;
        record.is_measured = memscope_analysis_measurement(analysis, measurement) == MEMSCOPE_OK;
        record.performance.avg_overhead_percent = measurement->overhead_percent;
        record.performance.avg_init_time_us = measurement->init_time_us;
        record.performance.success_rate = measurement->is_complete;
        if (!name)
            name = memscope_strategy_name(measurement->strategy);
    }
    if (!factory || !factory_is_name(name))
        return MEMSCOPE_E_INVALID;
    return factory_note(factory, name, &record);
}

static size_t factory_kept(const memscope_factory *factory)
{
    return factory->record_n < MEMSCOPE_HISTORY_MAX ? factory->record_n : MEMSCOPE_HISTORY_MAX;
}

/* A mean of what is known. */
struct factory_average {
    double sum, weight;
};

static void factory_average_add(struct factory_average *average, double value, double weight)
{
    if (value < 0)
        return;
    average->sum += weight * value;
    average->weight += weight;
}

/* Below 0: nothing is known. */
static double factory_average(const struct factory_average *average)
{
    return average->weight > 0 ? average->sum / average->weight : -1;
}

/* The mean of all records of a strategy, weighted by sessions. False: it has none. */
static bool factory_mean(const memscope_factory *factory, uint32_t strategy,
                         struct memscope_strategy_performance *ret_mean)
{
    struct factory_average overhead = {0}, init = {0}, success = {0}, satisfaction = {0};
    uint64_t session_n = 0;
    for (size_t i = 0; i < factory_kept(factory); i++) {
        const struct factory_record *record = &factory->records[i];
        if (record->strategy != strategy)
            continue;
        double n = (double)record->performance.session_count;
        factory_average_add(&overhead, record->performance.avg_overhead_percent, n);
        factory_average_add(&init, record->performance.avg_init_time_us, n);
        factory_average_add(&success, record->performance.success_rate, n);
        factory_average_add(&satisfaction, record->performance.satisfaction_score, n);
        session_n += record->performance.session_count;
    }
    if (!session_n)
        return false;
    *ret_mean = (struct memscope_strategy_performance){
            .avg_overhead_percent = factory_average(&overhead),
            .avg_init_time_us = factory_average(&init),
            .success_rate = factory_average(&success),
            .satisfaction_score = factory_average(&satisfaction),
            .session_count = session_n,
    };
    return true;
}

/* The records of a strategy that were measured, in one. False: none was. */
static bool factory_measured(const memscope_factory *factory, uint32_t strategy,
                             struct memscope_measurement *ret_all)
{
    struct factory_average init = {0}, overhead = {0}, event = {0}, p50 = {0}, p99 = {0};
    struct memscope_measurement all = {.is_complete = 1, .stall_s = -1, .tracker_bytes = -1};
    size_t kept = factory_kept(factory), found_n = 0;
    for (size_t i = factory->record_n - kept; i < factory->record_n; i++) {
        const struct factory_record *record = &factory->records[i % MEMSCOPE_HISTORY_MAX];
        const struct memscope_measurement *one = &record->measurement;
        if (record->strategy != strategy || !record->is_measured)
            continue;
        found_n++;
        factory_average_add(&init, one->init_time_us, 1);
        factory_average_add(&overhead, one->overhead_percent, 1);
        factory_average_add(&event, one->event_cpu_ns, 1);
        factory_average_add(&p50, one->hook_p50_ns, 1);
        factory_average_add(&p99, one->hook_p99_ns, 1);
        all.strategy = one->strategy;
        all.is_complete = all.is_complete && one->is_complete;
        all.event_n += one->event_n;
        if (one->stall_s >= 0)
            all.stall_s = (all.stall_s < 0 ? 0 : all.stall_s) + one->stall_s;
        if (one->tracker_bytes > all.tracker_bytes)
            all.tracker_bytes = one->tracker_bytes;
    }
    all.init_time_us = factory_average(&init);
    all.overhead_percent = factory_average(&overhead);
    all.event_cpu_ns = factory_average(&event);
    all.hook_p50_ns = factory_average(&p50);
    all.hook_p99_ns = factory_average(&p99);
    if (found_n)
        *ret_all = all;
    return found_n > 0;
}

int memscope_factory_measurement(const memscope_factory *factory, const char *name,
                                 struct memscope_measurement *ret_measurement)
{
    if (!factory || !factory_is_name(name) || !ret_measurement)
        return MEMSCOPE_E_INVALID;
    factory_lock(factory);
    int index = factory_find(factory, name);
    bool found = index >= 0 && factory_measured(factory, (uint32_t)index, ret_measurement);
    factory_unlock(factory);
    return found ? MEMSCOPE_OK : MEMSCOPE_E_NOT_FOUND;
}

int memscope_factory_performance(const memscope_factory *factory, const char *name,
                                 struct memscope_strategy_performance *ret_performance)
{
    if (!factory || !factory_is_name(name) || !ret_performance)
        return MEMSCOPE_E_INVALID;
    factory_lock(factory);
    int index = factory_find(factory, name);
    bool found = index >= 0 && factory_mean(factory, (uint32_t)index, ret_performance);
    factory_unlock(factory);
    return found ? MEMSCOPE_OK : MEMSCOPE_E_NOT_FOUND;
}

size_t memscope_factory_history_n(const memscope_factory *factory)
{
    if (!factory)
        return 0;
    factory_lock(factory);
    size_t n = factory_kept(factory);
    factory_unlock(factory);
    return n;
}

int memscope_factory_history(const memscope_factory *factory, size_t i, char *ret_name,
                             struct memscope_strategy_performance *ret_performance)
{
    if (!factory || !ret_performance)
        return MEMSCOPE_E_INVALID;
    factory_lock(factory);
    bool found = i < factory_kept(factory);
    if (found) {
        size_t first = factory->record_n - factory_kept(factory);
        const struct factory_record *record = &factory->records[(first + i) % MEMSCOPE_HISTORY_MAX];
        *ret_performance = record->performance;
        if (ret_name)
            fault_copy(ret_name, FACTORY_NAME, factory->strategies[record->strategy].name);
    }
    factory_unlock(factory);
    return found ? MEMSCOPE_OK : MEMSCOPE_E_NOT_FOUND;
}

static bool factory_fulfils(int base, const struct memscope_requirements *wanted)
{
    bool tasks = base == MEMSCOPE_STRATEGY_ASYNC || base == MEMSCOPE_STRATEGY_HYBRID;
    if (wanted->needs_tasks && !tasks)
        return false;
    if (wanted->needs_total_order && base != MEMSCOPE_STRATEGY_LEGACY)
        return false;
    if (wanted->thread_n > 1 && base == MEMSCOPE_STRATEGY_SINGLE_THREAD)
        return false;
    return base != MEMSCOPE_STRATEGY_AUTO;
}

/* The one that was made for what is wanted; AUTO: it was not said. */
static int factory_made_for(const struct memscope_requirements *wanted)
{
    if (wanted->needs_total_order)
        return MEMSCOPE_STRATEGY_LEGACY;
    if (wanted->needs_tasks)
        return MEMSCOPE_STRATEGY_ASYNC;
    if (wanted->thread_n == 0)
        return MEMSCOPE_STRATEGY_AUTO;
    return wanted->thread_n > 1 ? MEMSCOPE_STRATEGY_THREAD_LOCAL : MEMSCOPE_STRATEGY_SINGLE_THREAD;
}

/* How well a strategy suits, without its history. Below 0: it does not fulfil a requirement. */
static double factory_suits(int base, const struct memscope_requirements *wanted,
                            const struct memscope_detection *detection)
{
    static const double alone[STRATEGY_N] = {
            [MEMSCOPE_STRATEGY_SINGLE_THREAD] = 0.4, [MEMSCOPE_STRATEGY_THREAD_LOCAL] = 0.45,
            [MEMSCOPE_STRATEGY_ASYNC] = 0.4,         [MEMSCOPE_STRATEGY_HYBRID] = 0.5,
            [MEMSCOPE_STRATEGY_LEGACY] = 0.2,
    };
    if (!factory_fulfils(base, wanted))
        return -1;
    double score = base == factory_made_for(wanted) ? 0.7 : alone[base];
    if (detection && detection->recommended_strategy == base)
        score += 0.25 * detection->confidence;
    return score;
}

/* The score with the history in it. */
static double factory_score(const memscope_factory *factory, uint32_t i,
                            const struct memscope_requirements *wanted,
                            const struct memscope_detection *detection, bool *ret_known)
{
    struct memscope_strategy_performance mean;
    double score = factory_suits(factory->strategies[i].base, wanted, detection);
    *ret_known = factory_mean(factory, i, &mean);
    if (score < 0 || !*ret_known)
        return score;
    if ((wanted->max_overhead_percent > 0 &&
         mean.avg_overhead_percent > wanted->max_overhead_percent) ||
        mean.success_rate < wanted->min_success_rate)
        return -1;
    double past = mean.success_rate;
    if (mean.satisfaction_score >= 0)
        past *= mean.satisfaction_score;
    if (mean.avg_overhead_percent >= 0)
        past /= 1 + mean.avg_overhead_percent / 100;
    return (score + past) / 2;
}

int memscope_factory_recommend(const memscope_factory *factory,
                               const struct memscope_requirements *requirements,
                               const struct memscope_detection *detection,
                               struct memscope_recommendation *ret_recommendation)
{
    if (!factory || !requirements || !ret_recommendation)
        return MEMSCOPE_E_INVALID;
    struct memscope_recommendation best = {.score = -1};
    factory_lock(factory);
    for (size_t i = 0; i < factory->strategy_n; i++) {
        bool known;
        double score = factory_score(factory, (uint32_t)i, requirements, detection, &known);
        if (score <= best.score)
            continue;
        best.score = score > 1 ? 1 : score;
        best.strategy = factory->strategies[i].base;
        fault_copy(best.name, sizeof best.name, factory->strategies[i].name);
        fault_copy(best.text, sizeof best.text,
                   known ? "it suits the requirements best, its record included"
                         : "it suits the requirements best; it has no record yet");
    }
    factory_unlock(factory);
    if (best.score < 0)
        return MEMSCOPE_E_NOT_FOUND;
    *ret_recommendation = best;
    return MEMSCOPE_OK;
}

int memscope_factory_add_strategy(memscope_factory *factory, const char *name, int base,
                                  const struct memscope_strategy_settings *settings)
{
    const struct memscope_strategy_settings none = {0};
    if (!settings)
        settings = &none;
    if (!factory || !factory_is_name(name) || base <= MEMSCOPE_STRATEGY_AUTO ||
        base >= STRATEGY_N || !factory_is_part(settings->sample_rate) ||
        !(settings->max_overhead_percent >= 0 && settings->max_overhead_percent <= 100) ||
        memscope_strategy_find(name) >= 0)
        return MEMSCOPE_E_INVALID;
    factory_lock(factory);
    int index = factory_find_or_add(factory, name);
    if (index >= 0) {
        factory->strategies[index].base = base;
        factory->strategies[index].settings = *settings;
    }
    factory_unlock(factory);
    return index < 0 ? index : MEMSCOPE_OK;
}

size_t memscope_factory_strategy_n(const memscope_factory *factory)
{
    if (!factory)
        return 0;
    factory_lock(factory);
    size_t n = factory->strategy_n;
    factory_unlock(factory);
    return n;
}

int memscope_factory_strategy(const memscope_factory *factory, size_t i, char *ret_name,
                              int *ret_base, struct memscope_strategy_settings *ret_settings)
{
    if (!factory || !ret_base)
        return MEMSCOPE_E_INVALID;
    factory_lock(factory);
    bool found = i < factory->strategy_n;
    if (found) {
        const struct factory_strategy *strategy = &factory->strategies[i];
        *ret_base = strategy->base;
        if (ret_name)
            fault_copy(ret_name, FACTORY_NAME, strategy->name);
        if (ret_settings)
            *ret_settings = strategy->settings;
    }
    factory_unlock(factory);
    return found ? MEMSCOPE_OK : MEMSCOPE_E_NOT_FOUND;
}

int memscope_factory_set_chooser(memscope_factory *factory, memscope_chooser chooser, void *context)
{
    if (!factory)
        return MEMSCOPE_E_INVALID;
    factory_lock(factory);
    factory->chooser = chooser;
    factory->context = context;
    factory_unlock(factory);
    return MEMSCOPE_OK;
}

/* What a named strategy makes of a configuration. */
static int factory_apply(const memscope_factory *factory, const char *name,
                         struct backend_plan *plan, struct memscope_error *error)
{
    struct factory_strategy strategy = {.base = MEMSCOPE_STRATEGY_AUTO};
    factory_lock(factory);
    int index = factory_is_name(name) ? factory_find(factory, name) : MEMSCOPE_E_NOT_FOUND;
    if (index >= 0)
        strategy = factory->strategies[index];
    factory_unlock(factory);
    if (strategy.base == MEMSCOPE_STRATEGY_AUTO)
        return fault_set(error, MEMSCOPE_E_NOT_FOUND, "the factory has no such strategy", name);
    plan->config.auto_detect = 0;
    plan->config.force_strategy = strategy.base;
    if (strategy.settings.sample_rate > 0)
        plan->config.sample_rate = strategy.settings.sample_rate;
    if (strategy.settings.max_overhead_percent > 0)
        plan->config.max_overhead_percent = strategy.settings.max_overhead_percent;
    plan->track_tasks = strategy.settings.track_tasks != 0;
    return MEMSCOPE_OK;
}

/* Asks the chooser, if there is one, what it says of this program. */
static int factory_choose(memscope_factory *factory, struct backend_plan *plan,
                          struct memscope_error *error)
{
    factory_lock(factory);
    memscope_chooser chooser = factory->chooser;
    void *context = factory->context;
    factory_unlock(factory);
    if (!chooser)
        return MEMSCOPE_OK;
    struct memscope_detection *detection = object_take(sizeof *detection);
    if (!detection)
        return fault_set(error, MEMSCOPE_E_MEMORY, "no memory for what the chooser is told", NULL);
    int err = memscope_detect_environment_detailed(NULL, detection, error);
    if (err == MEMSCOPE_OK) {
        int chosen = chooser(detection, context);
        if (chosen > MEMSCOPE_STRATEGY_AUTO && chosen < STRATEGY_N) {
            plan->config.auto_detect = 0;
            plan->config.force_strategy = chosen;
        }
    }
    object_give(detection, sizeof *detection);
    return err;
}

int memscope_factory_backend(memscope_factory *factory, const char *name,
                             const struct memscope_backend_config *config,
                             memscope_backend **ret_backend, struct memscope_error *ret_error)
{
    const struct memscope_backend_config defaults = MEMSCOPE_BACKEND_CONFIG_INIT;
    struct backend_plan plan = {.config = config ? *config : defaults, .is_measured = true};
    if (!factory)
        return fault_set(ret_error, MEMSCOPE_E_INVALID, "factory is NULL", NULL);
    int err = name ? factory_apply(factory, name, &plan, ret_error)
                   : factory_choose(factory, &plan, ret_error);
    return err < 0 ? err : backend_new(&plan, ret_backend, ret_error);
}
