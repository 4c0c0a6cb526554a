/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that free what others allocated: `handover THREADS STEPS`.
 *
 * All threads share one table of slots. A step takes the block out of a random slot, frees it and
 * puts a new one there, so most blocks die in another thread than the one that made them.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLOTS = 4096, THREADS_MAX = 64 };

static _Atomic(void *) slots[SLOTS];
static long steps;

static void *hand_over(void *seed)
{
    uint64_t x = (uint64_t)(uintptr_t)seed * 0x9e3779b97f4a7c15u + 1;
    for (long i = 0; i < steps; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        void *fresh = malloc(16 + (x >> 40 & 511));
        free(atomic_exchange(&slots[x % SLOTS], fresh));
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: handover THREADS STEPS\n");
        return 2;
    }
    long threads = strtol(argv[1], NULL, 10);
    steps = strtol(argv[2], NULL, 10);
    pthread_t thread[THREADS_MAX];
    if (threads < 1 || threads > THREADS_MAX)
        return 2;
    for (long i = 0; i < threads; i++) {
        if (pthread_create(&thread[i], NULL, hand_over, (void *)(uintptr_t)(i + 1)) != 0)
            return 1;
    }
    for (long i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < SLOTS; i++)
        free(slots[i]);
    return 0;
}
