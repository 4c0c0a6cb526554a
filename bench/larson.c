/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's pattern: `larson THREADS GENERATIONS STEPS`.
 *
 * Each thread has a table of blocks of many sizes and replaces random ones. A generation of threads
 * ends and leaves its tables to the next one: blocks outlive the threads that made them.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLOTS = 1000, SIZE_LEAST = 8, SIZE_RANGE = 1000, THREADS_MAX = 64 };

struct worker {
    void *blocks[SLOTS];
    uint64_t random;
};

static long steps;

static void replace(struct worker *worker)
{
    for (long i = 0; i < steps; i++) {
        worker->random ^= worker->random << 13;
        worker->random ^= worker->random >> 7;
        worker->random ^= worker->random << 17;
        void **block = &worker->blocks[worker->random % SLOTS];
        free(*block);
        *block = malloc(SIZE_LEAST + (size_t)(worker->random >> 32) % SIZE_RANGE);
    }
}

static void *work(void *worker)
{
    replace(worker);
    return NULL;
}

int main(int argc, char **argv)
{
    long threads = argc == 4 ? strtol(argv[1], NULL, 10) : 0;
    if (threads < 1 || threads > THREADS_MAX) {
        fprintf(stderr, "usage: larson THREADS GENERATIONS STEPS\n");
        return 2;
    }
    steps = strtol(argv[3], NULL, 10);
    static struct worker workers[THREADS_MAX];
    pthread_t thread[THREADS_MAX];
    for (long i = 0; i < threads; i++)
        workers[i].random = (uint64_t)(i + 1) * 0x9e3779b97f4a7c15u;
    for (long generations = strtol(argv[2], NULL, 10); generations > 0; generations--) {
        for (long i = 0; i < threads; i++) {
            if (pthread_create(&thread[i], NULL, work, &workers[i]) != 0)
                return 1;
        }
        for (long i = 0; i < threads; i++)
            pthread_join(thread[i], NULL);
    }
    for (long i = 0; i < threads; i++) {
        for (int k = 0; k < SLOTS; k++)
            free(workers[i].blocks[k]);
    }
    return 0;
}
