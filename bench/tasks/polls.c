/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Polls tasks of a table like Tokio's, and says what a poll costs, with and without an allocation.
 *
 * usage: polls empty|alloc|many|plain|wrong N. many makes 16 allocations in a poll, plain one
 * outside of tasks. wrong hands the table's functions something that is no task. Prints
 * nanoseconds, and instructions where the kernel counts them (0 = it does not), for each poll.
 */
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TASKS = 64 };

struct header;
typedef void (*slot)(struct header *header);

struct table {
    slot poll, schedule, dealloc, read_output, drop_join, drop_abort, shutdown;
    uintptr_t trailer, scheduler, id;
};

struct header {
    uintptr_t state;
    void *next;
    const struct table *table;
    uintptr_t owner;
    uintptr_t scheduler;
    uint64_t id;
    char rest[80];
};

static volatile uint64_t polled;
static void *volatile kept;

static void poll_empty(struct header *header)
{
    polled++;
}

static void poll_alloc(struct header *header)
{
    kept = malloc(40);
    free(kept);
}

static void poll_many(struct header *header)
{
    for (int i = 0; i < 16; i++)
        poll_alloc(header);
}

static void do_nothing(struct header *header)
{
    polled++;
}

static const struct table empty = {poll_empty, do_nothing, do_nothing, do_nothing, do_nothing,
                                   do_nothing, do_nothing, 112,        32,         40};
static const struct table alloc = {poll_alloc, do_nothing, do_nothing, do_nothing, do_nothing,
                                   do_nothing, do_nothing, 112,        32,         40};
static const struct table many = {poll_many,  do_nothing, do_nothing, do_nothing, do_nothing,
                                  do_nothing, do_nothing, 112,        32,         40};

static int count_open(void)
{
    struct perf_event_attr what = {.type = PERF_TYPE_HARDWARE,
                                   .size = sizeof what,
                                   .config = PERF_COUNT_HW_INSTRUCTIONS,
                                   .exclude_kernel = 1,
                                   .exclude_hv = 1};
    return (int)syscall(SYS_perf_event_open, &what, 0, -1, -1, 0);
}

static uint64_t count_read(int counter)
{
    uint64_t n = 0;
    return counter >= 0 && read(counter, &n, sizeof n) == sizeof n ? n : 0;
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    const char *mode = argc == 3 ? argv[1] : "";
    long n = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    struct header *tasks[TASKS];
    if (n <= 0)
        return EXIT_FAILURE;
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = calloc(1, sizeof *tasks[i]);
        if (!tasks[i])
            return EXIT_FAILURE;
        tasks[i]->table = strcmp(mode, "empty") == 0  ? &empty
                          : strcmp(mode, "many") == 0 ? &many
                                                      : &alloc;
        tasks[i]->id = (uint64_t)i + 1;
    }
    if (strcmp(mode, "wrong") == 0) {
        static struct header other; /* of no table */
        const struct table *volatile table = &empty;
        for (long i = 0; i < n; i++)
            table->poll(&other);
        printf("%llu polls\n", (unsigned long long)polled);
        return EXIT_SUCCESS;
    }
    int counter = count_open(), plain = strcmp(mode, "plain") == 0;
    for (int pass = 0; pass < 2; pass++) {
        double start = now_ns();
        uint64_t instructions = count_read(counter);
        for (long i = 0; i < n; i++) {
            struct header *task = tasks[i % TASKS];
            if (plain)
                poll_alloc(task);
            else
                task->table->poll(task);
        }
        instructions = count_read(counter) - instructions;
        if (pass)
            printf("%.2f %.1f\n", (now_ns() - start) / (double)n, (double)instructions / (double)n);
    }
    return EXIT_SUCCESS;
}
