/* SPDX-License-Identifier: Apache-2.0 */
/* Backends: a plan, and the sessions that were started with it. */
#include "api/backend.h"

#include <time.h>

#include "api/ask.h"
#include "api/fault.h"
#include "api/object.h"
#include "api/session.h"
#include "api/strategy.h"
#include "capture/cpu/x86_64/syscall.h"

static int backend_check(const struct memscope_backend_config *config, struct memscope_error *error)
{
    if (config->force_strategy < MEMSCOPE_STRATEGY_AUTO || config->force_strategy >= STRATEGY_N)
        return fault_set(error, MEMSCOPE_E_INVALID, "force_strategy is no strategy", NULL);
    /* Written so that NaN fails too. */
    if (!(config->sample_rate > 0 && config->sample_rate <= 1))
        return fault_set(error, MEMSCOPE_E_INVALID, "sample_rate is not above 0.0 and at most 1.0",
                         NULL);
    if (!(config->max_overhead_percent > 0 && config->max_overhead_percent <= 100))
        return fault_set(error, MEMSCOPE_E_INVALID,
                         "max_overhead_percent is not above 0.0 and at most 100.0", NULL);
    return MEMSCOPE_OK;
}

/* Where nothing is forced: what runs already, what suits the program, or what suits most. */
static int backend_choose(const struct backend_plan *plan)
{
    int running = recorder_strategy();
    struct memscope_detection detection;
    if (running != MEMSCOPE_STRATEGY_AUTO)
        return running;
    if (!plan->config.auto_detect ||
        memscope_detect_environment_detailed(NULL, &detection, NULL) < 0)
        return MEMSCOPE_STRATEGY_THREAD_LOCAL;
    return detection.recommended_strategy;
}

int backend_new(const struct backend_plan *plan, memscope_backend **ret_backend,
                struct memscope_error *error)
{
    if (!ret_backend)
        return fault_set(error, MEMSCOPE_E_INVALID, "ret_backend is NULL", NULL);
    int err = backend_check(&plan->config, error);
    if (err < 0)
        return err;
    memscope_backend *backend = object_take(sizeof *backend);
    if (!backend)
        return fault_set(error, MEMSCOPE_E_MEMORY, "no memory for a backend", NULL);
    backend->reference_n = 1;
    backend->plan = *plan;
    int forced = plan->config.force_strategy;
    backend->plan.is_forced = forced != MEMSCOPE_STRATEGY_AUTO && !plan->joins_any;
    backend->plan.strategy = forced != MEMSCOPE_STRATEGY_AUTO ? forced : backend_choose(plan);
    *ret_backend = backend;
    return MEMSCOPE_OK;
}

int memscope_backend_initialize(const struct memscope_backend_config *config,
                                memscope_backend **ret_backend, struct memscope_error *ret_error)
{
    const struct memscope_backend_config defaults = MEMSCOPE_BACKEND_CONFIG_INIT;
    const struct backend_plan plan = {.config = config ? *config : defaults};
    return backend_new(&plan, ret_backend, ret_error);
}

int memscope_quick_start(memscope_backend **ret_backend, struct memscope_error *ret_error)
{
    return memscope_backend_initialize(NULL, ret_backend, ret_error);
}

void backend_release(memscope_backend *backend)
{
    lock_take(&backend->lock);
    uint32_t left = --backend->reference_n;
    lock_give(&backend->lock);
    if (left == 0)
        object_give(backend, sizeof *backend);
}

int memscope_backend_collect(memscope_backend *backend, memscope_analysis **ret_analysis,
                             struct memscope_error *ret_error)
{
    if (!backend || !ret_analysis)
        return fault_set(ret_error, MEMSCOPE_E_INVALID, "backend or ret_analysis is NULL", NULL);
    lock_take(&backend->lock);
    struct session_begin begin = backend->first;
    lock_give(&backend->lock);
    if (begin.at_ns == 0)
        return fault_set(ret_error, MEMSCOPE_E_NOT_TRACKING,
                         "no session was started: start_tracking comes first", NULL);
    return session_analyse(&begin, ret_analysis, ret_error);
}

int memscope_backend_get_config(const memscope_backend *backend,
                                struct memscope_backend_config *ret_config)
{
    if (!backend || !ret_config)
        return MEMSCOPE_E_INVALID;
    *ret_config = backend->plan.config;
    return MEMSCOPE_OK;
}

int memscope_backend_strategy(const memscope_backend *backend)
{
    return backend ? backend->plan.strategy : MEMSCOPE_E_INVALID;
}

unsigned memscope_backend_session_n(const memscope_backend *backend)
{
    if (!backend)
        return 0;
    struct lock *lock = &((memscope_backend *)(uintptr_t)backend)->lock;
    unsigned n = 0;
    lock_take(lock);
    for (const memscope_session *at = backend->sessions; at; at = at->next)
        n += at->hold.image != 0 && !recorder_forked(&at->hold);
    lock_give(lock);
    return n;
}

int memscope_backend_shutdown(memscope_backend *backend, memscope_analysis **ret_analysis,
                              struct memscope_error *ret_error)
{
    if (!backend)
        return MEMSCOPE_OK;
    int err = MEMSCOPE_OK;
    if (ret_analysis)
        err = memscope_backend_collect(backend, ret_analysis, ret_error);
    lock_take(&backend->lock);
    for (memscope_session *at = backend->sessions; at; at = at->next)
        session_stop(at);
    lock_give(&backend->lock);
    backend_release(backend);
    return err;
}
