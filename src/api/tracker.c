/* SPDX-License-Identifier: Apache-2.0 */
/* The legacy tracker: a backend with one session that begins with it. */
#include "api/fault.h"
#include "api/object.h"
#include "api/session.h"

struct memscope_tracker {
    memscope_backend *backend;
    memscope_session *session;
};

int memscope_tracker_new(memscope_tracker **ret_tracker, struct memscope_error *ret_error)
{
    const struct backend_plan plan = {
            .config = {0, MEMSCOPE_STRATEGY_LEGACY, 1.0, 100.0},
            .joins_any = true,
    };
    if (!ret_tracker)
        return fault_set(ret_error, MEMSCOPE_E_INVALID, "ret_tracker is NULL", NULL);
    memscope_tracker *tracker = object_take(sizeof *tracker);
    if (!tracker)
        return fault_set(ret_error, MEMSCOPE_E_MEMORY, "no memory for a tracker", NULL);
    int err = backend_new(&plan, &tracker->backend, ret_error);
    if (err == MEMSCOPE_OK)
        err = memscope_backend_start_tracking(tracker->backend, &tracker->session, ret_error);
    if (err < 0) {
        memscope_tracker_free(tracker);
        return err;
    }
    *ret_tracker = tracker;
    return MEMSCOPE_OK;
}

int memscope_tracker_quick_start(memscope_tracker **ret_tracker, struct memscope_error *ret_error)
{
    return memscope_tracker_new(ret_tracker, ret_error);
}

int memscope_tracker_statistics(memscope_tracker *tracker,
                                struct memscope_statistics *ret_statistics,
                                struct memscope_error *ret_error)
{
    memscope_analysis *analysis;
    if (!tracker || !ret_statistics)
        return fault_set(ret_error, MEMSCOPE_E_INVALID, "tracker or ret_statistics is NULL", NULL);
    int err = memscope_session_collect(tracker->session, &analysis, ret_error);
    if (err < 0)
        return err;
    err = memscope_analysis_statistics(analysis, ret_statistics);
    memscope_analysis_free(analysis);
    return err;
}

int memscope_tracker_collect(memscope_tracker *tracker, memscope_analysis **ret_analysis,
                             struct memscope_error *ret_error)
{
    if (!tracker)
        return fault_set(ret_error, MEMSCOPE_E_INVALID, "tracker is NULL", NULL);
    return memscope_session_collect(tracker->session, ret_analysis, ret_error);
}

void memscope_tracker_free(memscope_tracker *tracker)
{
    if (!tracker)
        return;
    memscope_session_free(tracker->session);
    memscope_backend_shutdown(tracker->backend, NULL, NULL);
    object_give(tracker, sizeof *tracker);
}
