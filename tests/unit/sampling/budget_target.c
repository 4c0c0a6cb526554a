/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that want much of a tracker: many threads, many stacks, many tasks. Prints how many
 * allocations it made, and waits for a line on stdin before it ends.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <memscope/memscope.h>

static uint64_t allocation_n;

static void *made(size_t size)
{
    __atomic_fetch_add(&allocation_n, 1, __ATOMIC_RELAXED);
    void *volatile block = malloc(size);
    return block;
}

static pthread_barrier_t together;

static void *thread_main(void *context)
{
    (void)context;
    void *kept = made(100);
    pthread_barrier_wait(&together);
    for (int i = 0; i < 200; i++)
        free(made((size_t)i + 1));
    pthread_barrier_wait(&together);
    free(kept);
    return NULL;
}

static void threads_run(unsigned n)
{
    pthread_t *threads = calloc(n, sizeof *threads);
    allocation_n += 1;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    pthread_barrier_init(&together, NULL, n);
    for (unsigned i = 0; i < n; i++) {
        if (pthread_create(&threads[i], &attributes, thread_main, NULL) != 0)
            exit(3);
    }
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    free(threads);
}

/* Two ways down at each of 20 levels: 2^20 stacks. */
static __attribute__((noinline)) void down(unsigned path, unsigned depth);

static __attribute__((noinline)) void left(unsigned path, unsigned depth)
{
    down(path, depth);
    __asm__ volatile("");
}

static __attribute__((noinline)) void right(unsigned path, unsigned depth)
{
    down(path, depth);
    __asm__ volatile("");
}

static __attribute__((noinline)) void down(unsigned path, unsigned depth)
{
    if (depth == 0)
        free(made(64));
    else if (path >> (depth - 1) & 1)
        left(path, depth - 1);
    else
        right(path, depth - 1);
    __asm__ volatile("");
}

static void tasks_run(uint64_t n)
{
    for (uint64_t i = 1; i <= n; i++) {
        MEMSCOPE_TASK_ENTER(i, "job");
        free(made(i % 300 + 1));
        MEMSCOPE_TASK_LEAVE();
        MEMSCOPE_TASK_END(i);
    }
}

int main(int argc, char **argv)
{
    unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 0;
    if (n && strcmp(argv[1], "threads") == 0) {
        threads_run(n);
    } else if (n && strcmp(argv[1], "stacks") == 0) {
        for (unsigned path = 0; path < n; path++)
            down(path, 20);
    } else if (n && strcmp(argv[1], "tasks") == 0) {
        tasks_run(n);
    } else {
        return 2;
    }
    printf("%llu\n", (unsigned long long)allocation_n);
    fflush(stdout);
    return getchar() == EOF ? 1 : 0;
}
