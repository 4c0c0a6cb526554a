/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain programs of the guide: `your_program`, `my_program`, `intensive_app`, `parallel_app`,
 * ...
 *
 * Its name and its arguments decide what it does: `parallel_app --jobs N` works in N threads,
 * `intensive_app` ten times as much as the others, `your_server --seconds N` begins anew for so
 * long. It prints what it asked malloc for itself, so that a recording can be held against it; what
 * libc allocates besides is not in these figures.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 2000, KEPT = 64, JOBS_MAX = 64 };

struct job {
    pthread_t thread;
    int rounds;
    time_t until; /* 0 = once */
    unsigned long allocation_n, byte_n;
};

static void work_once(struct job *job)
{
    void *kept[KEPT] = {NULL};
    for (int i = 0; i < job->rounds; i++) {
        size_t size = 16 + (size_t)i % 500;
        free(kept[i % KEPT]);
        kept[i % KEPT] = malloc(size);
        if (!kept[i % KEPT])
            abort();
        memset(kept[i % KEPT], i, size);
        job->allocation_n++;
        job->byte_n += size;
    }
    for (int i = 0; i < KEPT; i++)
        free(kept[i]);
}

static void *work(void *argument)
{
    struct job *job = argument;
    work_once(job);
    while (time(NULL) < job->until) {
        usleep(10000);
        work_once(job);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static struct job jobs[JOBS_MAX];
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash ? slash + 1 : argv[0];
    int job_n = 1, rounds = strcmp(name, "intensive_app") == 0 ? 10 * ROUNDS : ROUNDS;
    if (argc == 3 && strcmp(argv[1], "--jobs") == 0)
        job_n = atoi(argv[2]);
    time_t until = argc == 3 && strcmp(argv[1], "--seconds") == 0 ? time(NULL) + atoi(argv[2]) : 0;
    if (job_n < 1 || job_n > JOBS_MAX)
        return 2;
    for (int i = 0; i < job_n; i++) {
        jobs[i].rounds = rounds;
        jobs[i].until = until;
        if (job_n > 1 && pthread_create(&jobs[i].thread, NULL, work, &jobs[i]) != 0)
            return 1;
    }
    unsigned long allocation_n = 0, byte_n = 0;
    for (int i = 0; i < job_n; i++) {
        if (job_n == 1)
            work(&jobs[i]);
        else
            pthread_join(jobs[i].thread, NULL);
        allocation_n += jobs[i].allocation_n;
        byte_n += jobs[i].byte_n;
    }
    printf("%s: %lu allocations of %lu bytes\n", name, allocation_n, byte_n);
    return 0;
}
