/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard 22: threads cancelled in the midst of heap calls. "deferred": no heap call may become a
 * point of cancellation. "async" (linked with lib_own_malloc, which may be left anywhere): the
 * thread ends at any instruction, the others go on.
 */
#include <pthread.h>
#include <semaphore.h>

#include "ground.h"

static sem_t running;
static __thread int in_heap;
static int broken, ended;

static void cleanup(void *unused)
{
    (void)unused;
    if (in_heap)
        __atomic_fetch_add(&broken, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&ended, 1, __ATOMIC_RELAXED);
}

static void *thread_deferred(void *unused)
{
    pthread_cleanup_push(cleanup, NULL);
    sem_post(&running);
    for (size_t i = 0;; i++) {
        in_heap = 1;
        for (size_t k = 0; k < 50; k++) {
            void *block = ground_malloc(k * 30);
            ground_free(ground_realloc(block, k * 60 + 1));
        }
        in_heap = 0;
        pthread_testcancel();
    }
    pthread_cleanup_pop(0);
    return unused;
}

static void *thread_async(void *unused)
{
    pthread_cleanup_push(cleanup, NULL);
    sem_post(&running);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    for (size_t i = 0;; i++)
        free(ground_keep(malloc(i % 60)));
    pthread_cleanup_pop(0);
    return unused;
}

int main(int argc, char **argv)
{
    int async = argc > 1 && !strcmp(argv[1], "async");
    if (!async)
        ground_open(argc > 2 ? argv[2] : NULL);
    sem_init(&running, 0, 0);
    int cancelled = 0;
    for (int i = 0; i < 200; i++) {
        pthread_t thread;
        void *result = NULL;
        EXPECT(pthread_create(&thread, NULL, async ? thread_async : thread_deferred, NULL) == 0);
        sem_wait(&running);
        if (i % 4)
            usleep(200);
        pthread_cancel(thread);
        pthread_join(thread, &result);
        cancelled += result == PTHREAD_CANCELED;
    }
    if (async)
        ground_open(argc > 2 ? argv[2] : NULL);
    for (size_t i = 0; i < 1000; i++)
        ground_free(ground_malloc(i));
    say("cancel: %d cancelled, %d cleaned up, %d inside a heap call\n", cancelled, ended, broken);
    return 0;
}
