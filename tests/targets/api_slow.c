/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recorder that does not answer, or not in time. As a subreaper the program is the recorder's
 * parent and so may stop it: the whole process, or (by ptrace) the thread that drains the rings.
 * Then the calls end with what is documented, and all is well when it goes on.
 */
#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api_check.h"

enum { SKIPPED = 77, THREADS_MAX = 64 };

static int find_child(void)
{
    char name[64], text[64] = "";
    snprintf(name, sizeof name, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(name, "r");
    if (!file)
        return 0;
    if (!fgets(text, sizeof text, file))
        text[0] = 0;
    fclose(file);
    return atoi(text);
}

static int list_threads(int pid, int *tids)
{
    char name[64];
    int n = 0;
    snprintf(name, sizeof name, "/proc/%d/task", pid);
    DIR *folder = opendir(name);
    CHECK(folder);
    for (struct dirent *entry; (entry = readdir(folder)) && n < THREADS_MAX;) {
        if (atoi(entry->d_name) > 0)
            tids[n++] = atoi(entry->d_name);
    }
    closedir(folder);
    return n;
}

/* Stops one thread; 0: that is not allowed here. */
static int stop_thread(int tid)
{
    int status;
    if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0)
        return 0;
    CHECK(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0);
    CHECK(waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status));
    return 1;
}

/* Everything that was counted is there, and nothing is partial. */
static void check_whole(memscope_session *session, uint64_t least_bytes)
{
    memscope_analysis *analysis;
    struct memscope_statistics statistics;
    MUST(memscope_session_collect(session, &analysis, &api_error));
    CHECK(memscope_analysis_statistics(analysis, &statistics) == 0);
    CHECK(!memscope_analysis_is_partial(analysis));
    CHECK(statistics.alloc_bytes >= least_bytes);
    memscope_analysis_free(analysis);
}

static void check_stopped(memscope_session *session, int recorder)
{
    memscope_analysis *analysis = NULL;
    CHECK(kill(recorder, SIGSTOP) == 0);
    CHECK(memscope_session_collect(session, &analysis, &api_error) == MEMSCOPE_E_TIMEOUT);
    CHECK(api_error.code == MEMSCOPE_E_TIMEOUT && api_error.text[0] && !analysis);
    CHECK(memscope_session_state(session) == MEMSCOPE_SESSION_ACTIVE);
    CHECK(kill(recorder, SIGCONT) == 0);
    check_whole(session, 0);
}

/* Of the recorder's threads one is the drain: without it the barrier is not reached. */
static int check_partial(memscope_session *session, int recorder)
{
    int tids[THREADS_MAX], n = list_threads(recorder, tids), partial_n = 0;
    for (int i = n - 1; i > 0 && !partial_n; i--) {
        memscope_analysis *analysis = NULL;
        if (!stop_thread(tids[i]))
            return 0;
        void *volatile block = malloc(12345);
        int result = memscope_session_collect(session, &analysis, &api_error);
        CHECK(result == 0 || result == MEMSCOPE_E_TIMEOUT);
        partial_n += result == 0 && memscope_analysis_is_partial(analysis);
        CHECK(result != 0 || memscope_analysis_is_exact(analysis) ||
              memscope_analysis_is_partial(analysis));
        memscope_analysis_free(analysis);
        CHECK(ptrace(PTRACE_DETACH, tids[i], NULL, NULL) == 0);
        free(block);
    }
    CHECK(partial_n == 1);
    check_whole(session, 12345);
    return 1;
}

int main(void)
{
    memscope_backend *backend;
    memscope_session *session;
    struct memscope_backend_config config = MEMSCOPE_BACKEND_CONFIG_INIT;
    config.force_strategy = MEMSCOPE_STRATEGY_THREAD_LOCAL;
    config.max_overhead_percent = 100;
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    MUST(memscope_backend_initialize(&config, &backend, &api_error));
    MUST(memscope_backend_start_tracking(backend, &session, &api_error));
    int recorder = find_child();
    if (!recorder) {
        puts("skipped: the kernel lists no children");
        return SKIPPED;
    }
    int traced = check_partial(session, recorder);
    check_stopped(session, recorder);
    MUST(memscope_session_end(session, NULL, &api_error));
    memscope_session_free(session);
    MUST(memscope_backend_shutdown(backend, NULL, &api_error));
    puts(traced ? "slow" : "skipped: one thread of another process cannot be stopped here");
    return traced ? 0 : SKIPPED;
}
