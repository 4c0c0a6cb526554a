/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation-only loops: `churn FRAMES PAIRS THREADS`.
 *
 * Each thread calls FRAMES functions deep, then allocates and frees 16 blocks there, until it has
 * done PAIRS pairs. Nothing else happens, so the cost of a profiler stands out as at no other
 * place.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCKS = 16, THREADS_MAX = 64 };

static long frames, pairs;

static void allocate(void)
{
    void *volatile blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = malloc(16 + (size_t)i * 8);
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

/* The empty asm keeps each level a frame of its own. */
__attribute__((noinline)) static void descend(long left)
{
    if (left > 1)
        descend(left - 1);
    else
        allocate();
    __asm__ volatile("" ::: "memory");
}

static void *churn(void *unused)
{
    for (long done = 0; done < pairs; done += BLOCKS)
        descend(frames);
    return unused;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: churn FRAMES PAIRS THREADS\n");
        return 2;
    }
    frames = strtol(argv[1], NULL, 10);
    pairs = strtol(argv[2], NULL, 10);
    long threads = strtol(argv[3], NULL, 10);
    pthread_t thread[THREADS_MAX];
    if (threads < 1 || threads > THREADS_MAX)
        return 2;
    for (long i = 1; i < threads; i++) {
        if (pthread_create(&thread[i], NULL, churn, NULL) != 0)
            return 1;
    }
    churn(NULL);
    for (long i = 1; i < threads; i++)
        pthread_join(thread[i], NULL);
    return 0;
}
