/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 58, 59, 60, 61: 12 345 blocks, then the end named by the argument; all of them must be
 * in the report. Arguments: counts page, how to end.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "ground.h"

static void *thread_after_main(void *first)
{
    pthread_join(*(pthread_t *)first, NULL);
    for (size_t i = 0; i < 1000; i++)
        ground_free(ground_malloc(i));
    say("death: the main thread is gone\n");
    exit(6);
}

static void *thread_busy(void *unused)
{
    for (size_t i = 0;; i++)
        ground_free(ground_malloc(i % 100));
    return unused;
}

static void end(const char *how)
{
    static pthread_t first;
    pthread_t thread;
    if (!strcmp(how, "_exit"))
        _exit(1);
    if (!strcmp(how, "quick_exit"))
        quick_exit(2);
    if (!strcmp(how, "exit_group"))
        syscall(SYS_exit_group, 3);
    if (!strcmp(how, "thread_exit")) /* the only thread: ends the process */
        syscall(SYS_exit, 4);
    if (!strcmp(how, "abort"))
        abort();
    if (!strcmp(how, "kill"))
        raise(SIGKILL);
    if (!strcmp(how, "term"))
        raise(SIGTERM);
    if (!strcmp(how, "segv"))
        *(volatile int *)(uintptr_t)(ground->word[0] + 8) = 1;
    if (!strcmp(how, "trap"))
        __builtin_trap();
    if (!strcmp(how, "main_gone")) {
        first = pthread_self();
        EXPECT(pthread_create(&thread, NULL, thread_after_main, &first) == 0);
        pthread_exit(NULL);
    }
    if (!strcmp(how, "busy_exit")) {
        for (int i = 0; i < 4; i++)
            EXPECT(pthread_create(&thread, NULL, thread_busy, NULL) == 0);
        usleep(50000);
        exit(7);
    }
    if (!strcmp(how, "alarm")) {
        ualarm(100000, 0);
        thread_busy(NULL);
    }
    if (!strcmp(how, "cpu_limit")) {
        struct rlimit limit = {1, 2};
        setrlimit(RLIMIT_CPU, &limit);
        thread_busy(NULL);
    }
}

int main(int argc, char **argv)
{
    EXPECT(argc == 3);
    ground_open(argv[1]);
    for (size_t i = 0; i < 12345; i++) {
        void *block = ground_malloc(i % 1000);
        if (i % 3)
            ground_free(block);
    }
    say("death: %s\n", argv[2]);
    end(argv[2]);
    return 5;
}
