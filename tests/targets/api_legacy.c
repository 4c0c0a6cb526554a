/* SPDX-License-Identifier: Apache-2.0 */
/* The legacy tracker, and that a backend with another strategy does not get into its way. */
#include "api_check.h"

int main(void)
{
    struct memscope_backend_config config = MEMSCOPE_BACKEND_CONFIG_INIT;
    struct memscope_statistics statistics;
    memscope_tracker *tracker;
    memscope_backend *backend;
    memscope_session *session;
    memscope_analysis *analysis;
    MUST(memscope_tracker_quick_start(&tracker, &api_error));
    for (size_t i = 0; i < 1000; i++)
        counted_free(counted_malloc(i), i);
    MUST(memscope_tracker_statistics(tracker, &statistics, &api_error));
    CHECK(statistics.alloc_n == counted_n && statistics.alloc_bytes == counted_bytes);
    MUST(memscope_tracker_collect(tracker, &analysis, &api_error));
    check_counted(analysis);
    if (memscope_analysis_strategy(analysis) == MEMSCOPE_STRATEGY_LEGACY) {
        config.force_strategy = MEMSCOPE_STRATEGY_ASYNC;
        MUST(memscope_backend_initialize(&config, &backend, &api_error));
        int err = memscope_backend_start_tracking(backend, &session, &api_error);
        /* Under `memscope run --mode legacy` the user has decided: it is joined. */
        CHECK(err == MEMSCOPE_E_BUSY || err == 0);
        if (err == 0)
            memscope_session_free(session);
        memscope_backend_shutdown(backend, NULL, NULL);
    }
    memscope_analysis_free(analysis);
    memscope_tracker_free(tracker);
    puts("legacy");
    return 0;
}
