/* SPDX-License-Identifier: Apache-2.0 */
/* Hazards 12, 53: threads on the smallest stack pthreads allow (16 KiB), using the heap. */
#include <limits.h>
#include <pthread.h>

#include "ground.h"

static void *thread_run(void *unused)
{
    for (size_t i = 0; i < 200; i++) {
        void *block = ground_malloc(i);
        block = ground_realloc(block, i * 2 + 1);
        ground_free(block);
    }
    /* Near the end of the stack: only what a plain malloc and a signal need is left. */
    volatile char most[8000];
    most[0] = most[7999] = 1;
    for (size_t i = 0; i < 200; i++)
        ground_free(ground_malloc(i + (size_t)most[0]));
    return unused;
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    EXPECT(pthread_attr_setstacksize(&attributes, 16384) == 0);
    for (int round = 0; round < 20; round++) {
        pthread_t thread[10];
        for (int i = 0; i < 10; i++)
            EXPECT(pthread_create(&thread[i], &attributes, thread_run, NULL) == 0);
        for (int i = 0; i < 10; i++)
            pthread_join(thread[i], NULL);
    }
    say("small stacks: 200 threads\n");
    return 0;
}
