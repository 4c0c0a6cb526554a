/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many at once, and again and again: two backends, threads that allocate while another collects,
 * a fork while tracking, and cycles of start and end after which nothing may be left.
 */
#include <dirent.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api_check.h"

enum { WORKERS = 4, WORK_N = 20000, WORK_BYTES = 64, CYCLES = 1000 };

static memscope_backend *backend;

static void *work(void *context)
{
    for (int i = 0; i < WORK_N; i++) {
        void *volatile block = malloc(WORK_BYTES);
        free(block);
    }
    return context;
}

static void check_threads(void)
{
    pthread_t threads[WORKERS];
    memscope_session *session;
    memscope_analysis *analysis;
    struct memscope_statistics statistics;
    MUST(memscope_backend_start_tracking(backend, &session, &api_error));
    for (int i = 0; i < WORKERS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
    /* While they allocate: a barrier, but no wait for their end. */
    MUST(memscope_session_collect(session, &analysis, &api_error));
    memscope_analysis_free(analysis);
    for (int i = 0; i < WORKERS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    MUST(memscope_session_end(session, &analysis, &api_error));
    CHECK(memscope_analysis_statistics(analysis, &statistics) == 0);
    /* libc allocates for threads, too. */
    CHECK(statistics.alloc_n >= (uint64_t)WORKERS * WORK_N);
    CHECK(statistics.alloc_n < (uint64_t)WORKERS * WORK_N + 100);
    int found = 0;
    for (size_t i = 0; i < memscope_analysis_thread_n(analysis); i++) {
        struct memscope_thread thread;
        CHECK(memscope_analysis_thread(analysis, i, &thread) == 0);
        found += thread.alloc_n == WORK_N && thread.alloc_bytes == WORK_N * WORK_BYTES;
    }
    CHECK(found == WORKERS);
    memscope_analysis_free(analysis);
    memscope_session_free(session);
}

static void *collect(void *context)
{
    memscope_analysis *analysis;
    MUST(memscope_session_collect((memscope_session *)context, &analysis, &api_error));
    return analysis;
}

/* Collected by a thread that did not start it; what happened before is in it. */
static void check_other_thread(void)
{
    memscope_session *session;
    pthread_t thread;
    void *analysis = NULL;
    struct memscope_statistics statistics;
    MUST(memscope_backend_start_tracking(backend, &session, &api_error));
    void *volatile block = malloc(54321);
    CHECK(pthread_create(&thread, NULL, collect, session) == 0);
    CHECK(pthread_join(thread, &analysis) == 0);
    CHECK(memscope_analysis_statistics((memscope_analysis *)analysis, &statistics) == 0);
    CHECK(statistics.alloc_bytes >= 54321);
    memscope_analysis_free((memscope_analysis *)analysis);
    free(block);
    memscope_session_free(session);
}

static void check_two_backends(void)
{
    struct memscope_backend_config config = MEMSCOPE_BACKEND_CONFIG_INIT;
    memscope_backend *other;
    memscope_session *first, *second;
    memscope_analysis *analysis;
    struct memscope_statistics statistics;
    config.max_overhead_percent = 100;
    MUST(memscope_backend_initialize(&config, &other, &api_error));
    MUST(memscope_backend_start_tracking(backend, &first, &api_error));
    void *volatile block = malloc(1000);
    MUST(memscope_backend_start_tracking(other, &second, &api_error));
    CHECK(strcmp(memscope_session_id(first), memscope_session_id(second)) != 0);
    void *volatile more = malloc(100);
    /* The first one's shutdown does not stop the second one's session. */
    MUST(memscope_session_end(first, NULL, &api_error));
    void *volatile last = malloc(10);
    MUST(memscope_session_collect(second, &analysis, &api_error));
    CHECK(memscope_analysis_statistics(analysis, &statistics) == 0);
    CHECK(statistics.alloc_bytes == 110);
    memscope_analysis_free(analysis);
    MUST(memscope_backend_shutdown(other, NULL, &api_error));
    CHECK(memscope_session_state(second) == MEMSCOPE_SESSION_ENDED);
    memscope_session_free(second);
    memscope_session_free(first);
    free(block);
    free(more);
    free(last);
}

static void check_fork(void)
{
    memscope_session *session;
    memscope_analysis *analysis;
    int status;
    MUST(memscope_backend_start_tracking(backend, &session, &api_error));
    pid_t child = fork();
    if (child == 0) {
        memscope_session *own;
        CHECK(memscope_session_state(session) == MEMSCOPE_SESSION_FORKED);
        CHECK(memscope_session_collect(session, &analysis, &api_error) == MEMSCOPE_E_ENDED);
        CHECK(memscope_session_end(session, NULL, &api_error) == MEMSCOPE_E_ENDED);
        memscope_session_free(session);
        /* It may have its own, of its own part of the recording. */
        MUST(memscope_backend_start_tracking(backend, &own, &api_error));
        void *volatile block = malloc(4321);
        MUST(memscope_session_end(own, &analysis, &api_error));
        struct memscope_statistics statistics;
        CHECK(memscope_analysis_statistics(analysis, &statistics) == 0);
        CHECK(statistics.alloc_n == 1 && statistics.alloc_bytes == 4321);
        free(block);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(memscope_session_state(session) == MEMSCOPE_SESSION_ACTIVE);
    MUST(memscope_session_end(session, &analysis, &api_error));
    memscope_analysis_free(analysis);
    memscope_session_free(session);
    /* The collector is no child that a wait could find. */
    CHECK(waitpid(-1, &status, WNOHANG) == -1);
}

static _Atomic int stop_cycling;

static void *cycle_until_told(void *context)
{
    memscope_session *session;
    while (!stop_cycling) {
        MUST(memscope_backend_start_tracking(backend, &session, &api_error));
        MUST(memscope_session_end(session, NULL, &api_error));
        memscope_session_free(session);
    }
    return context;
}

/*
 * A child of vfork calls the API, though it should not, while another thread is in the midst of
 * it: it shares the parent's memory and waits for its locks, and the sessions stay the parent's.
 */
static void check_vfork(void)
{
    pthread_t thread;
    memscope_session *session;
    memscope_analysis *analysis;
    struct memscope_statistics statistics;
    int status;
    MUST(memscope_backend_start_tracking(backend, &session, &api_error));
    CHECK(pthread_create(&thread, NULL, cycle_until_told, NULL) == 0);
    for (int i = 0; i < 20; i++) {
        pid_t child = vfork();
        if (child == 0) {
            int state = memscope_session_state(session);
            int is_there = memscope_backend_session_n(backend) > 0;
            int err = memscope_session_collect(session, &analysis, NULL);
            if (err == 0)
                memscope_analysis_free(analysis);
            _exit(state != MEMSCOPE_SESSION_ACTIVE || !is_there || err != 0);
        }
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    stop_cycling = 1;
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(memscope_session_state(session) == MEMSCOPE_SESSION_ACTIVE);
    void *volatile block = malloc(2222);
    MUST(memscope_session_end(session, &analysis, &api_error));
    CHECK(memscope_analysis_statistics(analysis, &statistics) == 0);
    CHECK(statistics.alloc_bytes >= 2222 && memscope_analysis_is_exact(analysis));
    memscope_analysis_free(analysis);
    memscope_session_free(session);
    free(block);
}

static size_t count_fds(void)
{
    size_t n = 0;
    DIR *folder = opendir("/proc/self/fd");
    CHECK(folder);
    while (readdir(folder))
        n++;
    closedir(folder);
    return n;
}

static size_t count_lines(const char *name)
{
    char buffer[4096];
    size_t n = 0, got;
    FILE *file = fopen(name, "r");
    CHECK(file);
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0) {
        for (size_t i = 0; i < got; i++)
            n += buffer[i] == '\n';
    }
    fclose(file);
    return n;
}

static unsigned long resident_pages(void)
{
    unsigned long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%lu %lu", &size, &resident) == 2);
    fclose(file);
    return resident;
}

static void cycle(int collects)
{
    memscope_session *session;
    memscope_analysis *analysis;
    MUST(memscope_backend_start_tracking(backend, &session, &api_error));
    void *volatile block = malloc(100);
    free(block);
    if (collects) {
        MUST(memscope_session_collect(session, &analysis, &api_error));
        memscope_analysis_free(analysis);
    }
    memscope_session_free(session);
}

static void check_cycles(void)
{
    for (int i = 0; i < 50; i++)
        cycle(i < 2);
    size_t fds = count_fds(), maps = count_lines("/proc/self/maps");
    unsigned long pages = resident_pages();
    for (int i = 0; i < CYCLES; i++)
        cycle(i % 250 == 0);
    CHECK(count_fds() == fds);
    CHECK(count_lines("/proc/self/maps") <= maps + 2);
    CHECK(resident_pages() <= pages + 256);
}

int main(void)
{
    struct memscope_backend_config config = MEMSCOPE_BACKEND_CONFIG_INIT;
    config.force_strategy = MEMSCOPE_STRATEGY_THREAD_LOCAL;
    config.max_overhead_percent = 100;
    MUST(memscope_backend_initialize(&config, &backend, &api_error));
    check_threads();
    check_other_thread();
    check_two_backends();
    check_fork();
    check_vfork();
    check_cycles();
    MUST(memscope_backend_shutdown(backend, NULL, &api_error));
    puts("all at once");
    return 0;
}
