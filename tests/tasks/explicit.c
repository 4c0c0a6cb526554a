/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ground truth for tasks that a program names itself: four threads work on sixteen jobs, each in
 * several pieces on whichever thread comes first; jobs nest, and one end is used for another job.
 * Run bare, the weak calls do nothing.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "memscope/memscope.h"

enum { BASE = 100000, STEPS = 256, JOBS = 16, PIECES = 50, THREADS = 4 };

static struct {
    pthread_mutex_t lock;
    unsigned long count, bytes;
    unsigned pieces;
} jobs[JOBS + 1];

static void job_alloc(unsigned job, unsigned step)
{
    size_t size = BASE + (size_t)job * STEPS + step % STEPS;
    __atomic_fetch_add(&jobs[job].count, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&jobs[job].bytes, size, __ATOMIC_RELAXED);
    void *volatile block = malloc(size);
    free(block);
}

static void job_piece(unsigned job)
{
    char name[32];
    snprintf(name, sizeof name, "job %u", job);
    MEMSCOPE_TASK_ENTER(job, name);
    job_alloc(job, 1);
    if (job % 2 == 0) {
        MEMSCOPE_TASK_ENTER(job - 1, NULL);
        job_alloc(job - 1, 2);
        MEMSCOPE_TASK_LEAVE();
    }
    job_alloc(job, 3);
    MEMSCOPE_TASK_LEAVE();
    job_alloc(0, 1);
}

static void *worker(void *unused)
{
    for (unsigned round = 0; round < PIECES; round++) {
        for (unsigned job = 1; job <= JOBS; job++) {
            if (pthread_mutex_trylock(&jobs[job].lock) != 0)
                continue;
            job_piece(job);
            pthread_mutex_unlock(&jobs[job].lock);
        }
    }
    MEMSCOPE_TASK_LEAVE(); /* one too many: nothing to leave */
    return unused;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (unsigned job = 0; job <= JOBS; job++)
        pthread_mutex_init(&jobs[job].lock, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, worker, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned job = 1; job <= JOBS; job++)
        MEMSCOPE_TASK_END(job);
    job_alloc(0, 2);
    for (unsigned job = 0; job <= JOBS; job++)
        printf("task %u %lu %lu -1\n", job, jobs[job].count, jobs[job].bytes);
    return 0;
}
