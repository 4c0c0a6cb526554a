/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the library when it runs already, as a plug-in or a scripting language does. */
#include <dlfcn.h>
#include <string.h>

#include "api_check.h"

#define LATE(name) __typeof(name) *late_##name

int main(int argc, char **argv)
{
    CHECK(argc > 1);
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fprintf(stderr, "%s\n", dlerror());
    CHECK(library);
    LATE(memscope_backend_initialize) = dlsym(library, "memscope_backend_initialize");
    LATE(memscope_backend_start_tracking) = dlsym(library, "memscope_backend_start_tracking");
    LATE(memscope_session_end) = dlsym(library, "memscope_session_end");
    LATE(memscope_analysis_statistics) = dlsym(library, "memscope_analysis_statistics");
    CHECK(late_memscope_backend_initialize && late_memscope_backend_start_tracking &&
          late_memscope_session_end && late_memscope_analysis_statistics);
    struct memscope_backend_config config = MEMSCOPE_BACKEND_CONFIG_INIT;
    struct memscope_statistics statistics;
    memscope_backend *backend;
    memscope_session *session;
    memscope_analysis *analysis;
    config.max_overhead_percent = 100;
    void *volatile before = malloc(5);
    MUST(late_memscope_backend_initialize(&config, &backend, &api_error));
    MUST(late_memscope_backend_start_tracking(backend, &session, &api_error));
    for (size_t i = 0; i < 10000; i++)
        counted_free(counted_malloc(i % 100), i % 100);
    free(before);
    void *volatile copy = strdup("a string that libc allocates");
    counted_n++;
    counted_bytes += sizeof "a string that libc allocates";
    MUST(late_memscope_session_end(session, &analysis, &api_error));
    CHECK(late_memscope_analysis_statistics(analysis, &statistics) == 0);
    CHECK(statistics.alloc_n == counted_n && statistics.alloc_bytes == counted_bytes);
    CHECK(statistics.free_n == freed_n && statistics.free_bytes == freed_bytes);
    free(copy);
    puts("late");
    return 0;
}
