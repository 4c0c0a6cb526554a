/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector is killed while the program records itself: calls say so and return, the program
 * goes on. As a subreaper it is the parent of what its API started, and so finds the collector.
 */
#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api_check.h"

static int parent_of(int pid)
{
    char name[64], text[512] = "";
    int parent = 0;
    snprintf(name, sizeof name, "/proc/%d/stat", pid);
    FILE *file = fopen(name, "r");
    if (!file)
        return 0;
    if (!fgets(text, sizeof text, file))
        text[0] = 0;
    fclose(file);
    const char *behind = strrchr(text, ')');
    char state;
    return behind && sscanf(behind + 1, " %c %d", &state, &parent) == 2 ? parent : 0;
}

static int kill_children(void)
{
    int killed = 0;
    DIR *folder = opendir("/proc");
    CHECK(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        int pid = atoi(entry->d_name);
        if (pid > 1 && parent_of(pid) == getpid())
            killed += kill(pid, SIGKILL) == 0;
    }
    closedir(folder);
    while (wait(NULL) > 0)
        ;
    return killed;
}

int main(void)
{
    memscope_backend *backend;
    memscope_session *session, *second;
    memscope_analysis *analysis, *early;
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    MUST(memscope_quick_start(&backend, &api_error));
    MUST(memscope_backend_start_tracking(backend, &session, &api_error));
    void *volatile block = malloc(100);
    MUST(memscope_session_collect(session, &early, &api_error));
    CHECK(kill_children() >= 1);
    for (int i = 0; i < 100000; i++)
        free(malloc(50)); /* more than the rings hold: nobody waits for a reader that is dead */
    free(block);
    CHECK(memscope_session_collect(session, &analysis, &api_error) == MEMSCOPE_E_COLLECTOR_LOST);
    CHECK(memscope_session_state(session) == MEMSCOPE_SESSION_LOST);
    CHECK(memscope_backend_start_tracking(backend, &second, &api_error) ==
          MEMSCOPE_E_COLLECTOR_LOST);
    CHECK(memscope_analysis_site_n(early) > 0); /* what was collected stays */
    memscope_analysis_free(early);
    CHECK(memscope_session_end(session, NULL, &api_error) == 0);
    memscope_session_free(session);
    CHECK(memscope_backend_shutdown(backend, NULL, &api_error) == 0);
    puts("killed");
    return 0;
}
