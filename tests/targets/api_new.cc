// SPDX-License-Identifier: Apache-2.0
// A C++ program that records itself: new and delete are counted as the heap calls that they are.
#include <string>
#include <vector>

#include "api_check.h"

int main()
{
    memscope_backend_config config = MEMSCOPE_BACKEND_CONFIG_INIT;
    memscope_backend *backend;
    memscope_session *session;
    memscope_analysis *analysis;
    config.auto_detect = 0;
    config.force_strategy = MEMSCOPE_STRATEGY_HYBRID;
    config.max_overhead_percent = 100;
    MUST(memscope_backend_initialize(&config, &backend, &api_error));
    CHECK(memscope_backend_strategy(backend) == MEMSCOPE_STRATEGY_HYBRID ||
          memscope_is_recording());
    MUST(memscope_backend_start_tracking(backend, &session, &api_error));
    {
        std::vector<std::string *> strings;
        strings.reserve(100);
        counted_n = 1;
        counted_bytes = 100 * sizeof(std::string *);
        for (int i = 0; i < 100; i++) {
            strings.push_back(new std::string(200, 'x'));
            counted_n += 2;
            counted_bytes += sizeof(std::string) + 201;
        }
        for (std::string *string : strings)
            delete string;
    }
    freed_n = counted_n;
    freed_bytes = counted_bytes;
    MUST(memscope_backend_shutdown(backend, &analysis, &api_error));
    CHECK(memscope_session_state(session) == MEMSCOPE_SESSION_ENDED);
    check_counted(analysis);
    memscope_analysis_free(analysis);
    memscope_session_free(session);
    std::puts("counted");
    return 0;
}
