/* SPDX-License-Identifier: Apache-2.0 */
/* Hazards 2, 17: a constructor of the highest priority allocates, starts a thread and forks. */
#include <pthread.h>
#include <sys/wait.h>

#include "ground.h"

static int child_status = -1;
static void *first;

static void *thread_allocate(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 100; i++)
        ground_free(ground_malloc(100 + i));
    return NULL;
}

__attribute__((constructor(101))) static void construct(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    first = ground_malloc(1);
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, thread_allocate, NULL) == 0);
    pthread_join(thread, NULL);
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < 50; i++)
            ground_free(ground_malloc(i));
        _exit(7);
    }
    waitpid(child, &child_status, 0);
}

int main(void)
{
    ground_free(first);
    say("constructor: child ended with %d\n", WEXITSTATUS(child_status));
    return 0;
}
