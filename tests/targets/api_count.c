/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that records itself and knows what the recording should say: totals to the byte, sites
 * by function, tasks, marks, what is ignored, and what lies outside of its sessions.
 */
#include <string.h>
#include <unistd.h>

#include "api_check.h"

enum {
    TEMPORARY_N = 5000,
    KEPT_N = 40,
    KEPT_BYTES = 3000,
    SCOPE_BYTES = 123456,
    BETWEEN_BYTES = 50000
};

static void *kept[KEPT_N];

__attribute__((noinline)) static void make_temporary(void)
{
    for (size_t i = 0; i < TEMPORARY_N; i++)
        counted_free(counted_malloc(i % 700), i % 700);
}

__attribute__((noinline)) static void make_kept(void)
{
    for (size_t i = 0; i < KEPT_N; i++)
        kept[i] = counted_malloc(KEPT_BYTES);
}

static int has_function(const memscope_analysis *analysis, const char *name, uint64_t blocks)
{
    for (size_t i = 0; i < memscope_analysis_site_n(analysis); i++) {
        struct memscope_site site;
        struct memscope_frame frame;
        CHECK(memscope_analysis_site(analysis, i, &site) == 0);
        CHECK(site.frame_n > 0 && memscope_analysis_frame(analysis, i, 0, &frame) == 0);
        CHECK(memscope_analysis_frame(analysis, i, site.frame_n, &frame) == MEMSCOPE_E_NOT_FOUND);
        for (uint32_t at = 0; at < site.frame_n; at++) {
            CHECK(memscope_analysis_frame(analysis, i, at, &frame) == 0);
            if (strcmp(frame.function, name) == 0 && site.alloc_n == blocks)
                return 1;
        }
    }
    return 0;
}

static void check_tables(const memscope_analysis *analysis)
{
    struct memscope_task task;
    struct memscope_mark_entry mark;
    struct memscope_thread thread;
    int found = 0;
    CHECK(has_function(analysis, "make_kept", KEPT_N));
    CHECK(has_function(analysis, "make_temporary", TEMPORARY_N));
    for (size_t i = 0; memscope_analysis_task(analysis, i, &task) == 0; i++)
        found += strcmp(task.name, "the scope") == 0 && task.alloc_bytes == SCOPE_BYTES;
    CHECK(found == 1);
    found = 0;
    for (size_t i = 0; memscope_analysis_mark(analysis, i, &mark) == 0; i++)
        found += strcmp(mark.kind, "mark") == 0 && strcmp(mark.text, "after warm-up") == 0;
    CHECK(found == 1);
    CHECK(memscope_analysis_thread_n(analysis) == 1);
    CHECK(memscope_analysis_thread(analysis, 0, &thread) == 0 && thread.tid == thread.pid);
    uint64_t sum = 0;
    struct memscope_slice slice;
    for (size_t i = 0; memscope_analysis_slice(analysis, i, &slice) == 0; i++)
        sum += slice.alloc_n;
    CHECK(sum >= counted_n);
    CHECK(memscope_analysis_metadata_get(analysis, "command") != NULL);
    CHECK(memscope_analysis_metadata_get(analysis, "no such key") == NULL);
}

static void check_exports(const memscope_analysis *analysis)
{
    static const char *const formats[] = {"json", "svg", "pprof", "folded", "speedscope", "mscope"};
    memscope_buffer *buffer;
    size_t n, raw_n;
    const char *raw = (const char *)memscope_analysis_raw(analysis, &raw_n);
    CHECK(raw_n > 100 && memcmp(raw, "\x89MSCOPE\n", 8) == 0);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        MUST(memscope_analysis_export_memory(analysis, formats[i], &buffer, &api_error));
        CHECK(memscope_buffer_bytes(buffer, &n) && n > 50 &&
              memscope_buffer_bytes(buffer, &n)[n] == 0);
        if (i == 0)
            CHECK(strstr(memscope_buffer_bytes(buffer, NULL), "\"session_id\": \"session_"));
        memscope_buffer_free(buffer);
    }
    CHECK(memscope_analysis_export_memory(analysis, "word", &buffer, &api_error) ==
          MEMSCOPE_E_FORMAT);
    CHECK(memscope_analysis_export(analysis, "json", "/no such folder/x", &api_error) ==
          MEMSCOPE_E_IO);
}

int main(void)
{
    struct memscope_backend_config config = MEMSCOPE_BACKEND_CONFIG_INIT;
    memscope_backend *backend;
    memscope_session *session, *second;
    memscope_analysis *analysis;
    struct memscope_statistics statistics;
    config.max_overhead_percent = 100;
    int joins = memscope_is_recording();
    void *volatile before = malloc(77);
    MUST(memscope_backend_initialize(&config, &backend, &api_error));
    CHECK(memscope_backend_collect(backend, &analysis, &api_error) == MEMSCOPE_E_NOT_TRACKING);
    MUST(memscope_backend_start_tracking(backend, &session, &api_error));
    CHECK(memscope_is_recording());
    CHECK(strncmp(memscope_session_id(session), "session_", 8) == 0);
    make_temporary();
    make_kept();
    memscope_mark("after warm-up");
    memscope_scope_enter("the scope");
    void *volatile scoped = counted_malloc(SCOPE_BYTES);
    memscope_scope_leave();
    void *volatile between = counted_malloc(BETWEEN_BYTES);
    memscope_ignore_begin();
    free(malloc(1 << 20));
    memscope_ignore_end();
    MUST(memscope_session_collect(session, &analysis, &api_error));
    check_counted(analysis);
    check_tables(analysis);
    check_exports(analysis);
    memscope_analysis_free(analysis);
    MUST(memscope_session_end(session, NULL, &api_error));
    CHECK(memscope_session_state(session) == MEMSCOPE_SESSION_ENDED);
    CHECK(memscope_session_end(session, NULL, &api_error) == MEMSCOPE_E_ENDED);
    memscope_session_free(session);

    /* A window of its own, over what the first one left. */
    unsigned long long kept_n = counted_n;
    counted_n = counted_bytes = freed_n = freed_bytes = 0;
    free(malloc(999)); /* between sessions: neither of them */
    free(between);     /* known from the first: live no more */
    usleep(5000);      /* a window's peak is known to a slice: the second begins in a later one */
    MUST(memscope_backend_start_tracking(backend, &second, &api_error));
    make_temporary();
    for (size_t i = 0; i < KEPT_N; i++)
        counted_free(kept[i], KEPT_BYTES);
    counted_free(scoped, SCOPE_BYTES);
    if (!joins)
        free(before); /* known as a block from before */
    MUST(memscope_session_end(second, &analysis, &api_error));
    check_counted(analysis);
    CHECK(memscope_analysis_statistics(analysis, &statistics) == 0);
    CHECK(joins || statistics.unknown_free_n == 1);
    /* Nothing was live but what the first session left, and temporary blocks. */
    unsigned long long left = KEPT_N * KEPT_BYTES + SCOPE_BYTES;
    CHECK(joins || (statistics.peak_bytes >= left && statistics.peak_bytes < left + 700));
    CHECK(joins || statistics.live_n == 0);
    memscope_analysis_free(analysis);
    memscope_session_free(second);
    if (joins)
        free(before);
    CHECK(kept_n == TEMPORARY_N + KEPT_N + 2);
    MUST(memscope_backend_shutdown(backend, NULL, &api_error));
    puts("counted");
    return 0;
}
