/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 17, 18, 19: 200 forks while 6 threads use the heap; each child uses it too, and ends.
 * With "exec" as second argument children become another program instead, by fork and by spawn.
 */
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>

#include "ground.h"

enum { THREADS = 6, FORKS = 200, CHILD_BLOCKS = 100 };

static int stop;

static void atfork_use(void)
{
    ground_free(ground_malloc(64));
}

/* A child that becomes /bin/sh; the pid, or the child does not come back. */
static pid_t child_exec(int i)
{
    char command[32];
    snprintf(command, sizeof command, "exit %d", i % 100);
    char *words[] = {(char *)"sh", (char *)"-c", command, NULL};
    pid_t child;
    if (i % 2) {
        EXPECT(posix_spawn(&child, "/bin/sh", NULL, NULL, words, environ) == 0);
        return child;
    }
    child = fork();
    if (child == 0) {
        execv("/bin/sh", words);
        _exit(127);
    }
    return child;
}

static void *thread_allocate(void *unused)
{
    void *block[16] = {NULL};
    for (size_t i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        ground_free(block[i % 16]);
        block[i % 16] = ground_malloc(i % 500);
        if (i % 64 == 0)
            usleep(100);
    }
    for (int i = 0; i < 16; i++)
        ground_free(block[i]);
    return unused;
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    int exec = argc > 2 && !strcmp(argv[2], "exec");
    pthread_atfork(atfork_use, atfork_use, atfork_use);
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&thread[i], NULL, thread_allocate, NULL) == 0);
    int good = 0;
    for (int i = 0; i < FORKS; i++) {
        pid_t child = exec ? child_exec(i) : fork();
        EXPECT(child >= 0);
        if (child == 0) {
            void *block[CHILD_BLOCKS];
            for (size_t k = 0; k < CHILD_BLOCKS; k++)
                block[k] = ground_malloc(k);
            for (size_t k = 0; k < CHILD_BLOCKS; k++)
                ground_free(block[k]);
            _exit(i % 100);
        }
        int status;
        EXPECT(waitpid(child, &status, 0) == child);
        good += WIFEXITED(status) && WEXITSTATUS(status) == i % 100;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    say("fork storm: %d of %d children ended well\n", good, FORKS);
    return 0;
}
