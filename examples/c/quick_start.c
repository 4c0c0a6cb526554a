/* SPDX-License-Identifier: Apache-2.0 */
/* The shortest way: record a piece of work, print what it allocated, write a report. */
#include <stdio.h>
#include <stdlib.h>

#include <memscope/memscope.h>

static int fail(const struct memscope_error *error)
{
    fprintf(stderr, "memscope: %s\n", error->text);
    return 1;
}

int main(int argc, char **argv)
{
    struct memscope_error error;
    struct memscope_statistics statistics;
    memscope_backend *backend;
    memscope_session *session;
    memscope_analysis *analysis;

    if (memscope_quick_start(&backend, &error) < 0 ||
        memscope_backend_start_tracking(backend, &session, &error) < 0)
        return fail(&error);

    void *blocks[100];
    for (size_t i = 0; i < 100; i++)
        blocks[i] = malloc(1000 + i);
    for (size_t i = 0; i < 90; i++)
        free(blocks[i]);

    if (memscope_session_collect(session, &analysis, &error) < 0)
        return fail(&error);
    memscope_analysis_statistics(analysis, &statistics);
    printf("%s: %llu allocations, %llu bytes, %llu bytes live\n", memscope_session_id(session),
           (unsigned long long)statistics.alloc_n, (unsigned long long)statistics.alloc_bytes,
           (unsigned long long)statistics.live_bytes);
    if (argc > 1 && memscope_analysis_export(analysis, "json", argv[1], &error) < 0)
        return fail(&error);

    memscope_analysis_free(analysis);
    memscope_session_free(session);
    memscope_backend_shutdown(backend, NULL, NULL);
    for (size_t i = 90; i < 100; i++)
        free(blocks[i]);
    return 0;
}
