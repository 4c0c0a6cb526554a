/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds the memory: the sites of a session, each with its stack; tasks and marks besides. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memscope/memscope.h>

static char *read_name(int i)
{
    char text[32];
    snprintf(text, sizeof text, "name number %d", i);
    return strdup(text);
}

static void print_sites(const memscope_analysis *analysis)
{
    struct memscope_site site;
    struct memscope_frame frame;
    for (size_t i = 0; i < 5 && memscope_analysis_site(analysis, i, &site) == MEMSCOPE_OK; i++) {
        printf("%8llu bytes at the peak, %llu blocks: %s (%s:%u)\n",
               (unsigned long long)site.peak_bytes, (unsigned long long)site.peak_n, site.function,
               site.file, site.line);
        for (size_t at = 0; memscope_analysis_frame(analysis, i, at, &frame) == MEMSCOPE_OK; at++)
            printf("             %s\n", *frame.function ? frame.function : frame.module);
    }
}

static void print_tasks(const memscope_analysis *analysis)
{
    struct memscope_task task;
    for (size_t i = 0; memscope_analysis_task(analysis, i, &task) == MEMSCOPE_OK; i++)
        printf("task %s: %llu bytes\n", task.name, (unsigned long long)task.alloc_bytes);
}

int main(void)
{
    struct memscope_backend_config config = MEMSCOPE_BACKEND_CONFIG_INIT;
    struct memscope_error error;
    memscope_backend *backend;
    memscope_session *session;
    memscope_analysis *analysis;
    char *names[100];

    config.max_overhead_percent = 100; /* every event, whatever it costs */
    if (memscope_backend_initialize(&config, &backend, &error) < 0 ||
        memscope_backend_start_tracking(backend, &session, &error) < 0) {
        fprintf(stderr, "memscope: %s\n", error.text);
        return 1;
    }
    memscope_scope_enter("read the names");
    for (int i = 0; i < 100; i++)
        names[i] = read_name(i);
    memscope_scope_leave();
    memscope_mark("names are read");

    if (memscope_backend_collect(backend, &analysis, &error) < 0) {
        fprintf(stderr, "memscope: %s\n", error.text);
        return 1;
    }
    print_sites(analysis);
    print_tasks(analysis);
    memscope_analysis_free(analysis);
    memscope_session_free(session);
    memscope_backend_shutdown(backend, NULL, NULL);
    for (int i = 0; i < 100; i++)
        free(names[i]);
    return 0;
}
