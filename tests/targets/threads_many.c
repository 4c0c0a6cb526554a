/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 55, 56: "many" threads alive at the same time, or "churn": short ones, one after the
 * other in small groups, with re-used thread ids. Arguments: counts page, many|churn, how many.
 */
#include <pthread.h>

#include "ground.h"

static pthread_barrier_t barrier;
static int together;

static void *thread_run(void *unused)
{
    void *block[20];
    for (size_t i = 0; i < 20; i++)
        block[i] = ground_malloc(i * 11);
    if (together)
        pthread_barrier_wait(&barrier);
    for (int i = 0; i < 20; i++)
        ground_free(block[i]);
    return unused;
}

int main(int argc, char **argv)
{
    EXPECT(argc == 4);
    ground_open(argv[1]);
    together = !strcmp(argv[2], "many");
    int n = atoi(argv[3]), group = together ? n : 8;
    pthread_t *thread = ground_malloc(sizeof *thread * (size_t)group);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    pthread_barrier_init(&barrier, NULL, (unsigned)group);
    for (int done = 0; done < n; done += group) {
        for (int i = 0; i < group; i++)
            EXPECT(pthread_create(&thread[i], &attributes, thread_run, NULL) == 0);
        for (int i = 0; i < group; i++)
            pthread_join(thread[i], NULL);
    }
    ground_free(thread);
    say("threads: %d\n", n);
    return 0;
}
