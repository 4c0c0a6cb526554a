/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 41, 42, 43: `race_reuse COUNTS [THREADS [SEED]]`, about 400 000 events over 8 threads (or
 * as many as are asked for, 64 at the most) that hand blocks to each other through shared slots, so
 * a block made by one is resized by a second and freed by a third while its address is taken again
 * at once by a fourth.
 */
#include <pthread.h>

#include "ground.h"

enum { THREADS_MAX = 64, ROUNDS = 200000, SLOTS = 32 };

static void *slot[SLOTS];
static int rounds;

static void *thread_run(void *seed)
{
    uint32_t dice = (uint32_t)(uintptr_t)seed * 2654435761u;
    for (int i = 0; i < rounds; i++) {
        dice = dice * 1664525 + 1013904223;
        void **place = &slot[dice >> 27];
        void *block = __atomic_exchange_n(place, NULL, __ATOMIC_ACQ_REL);
        size_t size_bytes = (dice >> 10 & 7) * 16 + 1; /* few sizes: addresses come back at once */
        if (!block)
            block = ground_malloc(size_bytes);
        else if (dice >> 20 & 1)
            block = ground_realloc(block, size_bytes);
        block = __atomic_exchange_n(place, block, __ATOMIC_ACQ_REL);
        ground_free(block);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    int threads = argc > 2 ? atoi(argv[2]) : 8;
    uintptr_t seed = argc > 3 ? (uintptr_t)atoi(argv[3]) : 0;
    EXPECT(threads > 0 && threads <= THREADS_MAX);
    rounds = ROUNDS / threads;
    pthread_t thread[THREADS_MAX];
    for (int i = 0; i < threads; i++)
        EXPECT(pthread_create(&thread[i], NULL, thread_run,
                              (void *)(seed * 64 + (uintptr_t)i + 1)) == 0);
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < SLOTS; i++)
        ground_free(slot[i]);
    EXPECT(ground->alloc_n == ground->free_n);
    say("race: no block lost\n");
    return 0;
}
