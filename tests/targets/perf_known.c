/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that says what it used: events, processor time, faults, switches, memory, and how long
 * its own calls of malloc took. What --performance-monitoring says of it is held against that.
 *
 * usage: perf_known COUNTS steady|again|deep|slow|stall
 * steady: pairs from one place; slow: few of them; again: from two paths in turn that share main
 * only; deep: from two that are longer than what the unwinder remembers; stall: pairs for a second,
 * and how long the longest one took, while somebody stops the recorder.
 */
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "ground.h"

enum {
    BATCHES = 60,
    PAIRS = 5000, /* of a batch */
    SLOW_PAIRS = 200,
    AGAIN_DEPTH = 20,
    DEEP_DEPTH = 60,
    TOUCHED_BYTES = 64 << 20,
    NAPS = 150,
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Two paths that differ in a number, so that the compiler does not make one of them. */
#define PATH(name, number)                                                                         \
    __attribute__((noinline)) static void *name(unsigned depth)                                    \
    {                                                                                              \
        void *block = depth ? name(depth - 1) : ground_malloc(number + 46);                        \
        return ground_keep(block);                                                                 \
    }
PATH(path_left, 1)
PATH(path_right, 2)

static unsigned path_depth;

static void pairs_paths(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ground_free(i & 1 ? path_left(path_depth) : path_right(path_depth));
}

static void pairs_steady(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ground_free(ground_malloc(48));
}

/* Nanoseconds of a pair in the quickest batch: the one that nobody disturbed. */
static double pairs_time(void (*pairs)(unsigned), unsigned batches, unsigned n)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < batches; i++) {
        uint64_t began = clock_ns(CLOCK_MONOTONIC);
        pairs(n);
        uint64_t passed = clock_ns(CLOCK_MONOTONIC) - began;
        least = passed < least ? passed : least;
    }
    return (double)least / n;
}

static int stall(void)
{
    uint64_t began = clock_ns(CLOCK_MONOTONIC), now = began, longest = 0;
    ground->pid = (uint64_t)getpid();
    say("ready\n");
    while (now - began < 1000000000) {
        uint64_t before = now;
        ground_free(ground_malloc(48));
        now = clock_ns(CLOCK_MONOTONIC);
        longest = now - before > longest ? now - before : longest;
    }
    say("known: longest_ns %llu wall_ns %llu\n", (unsigned long long)longest,
        (unsigned long long)(now - began));
    return 0;
}

/* Memory that faults in page by page, outside of the heap. */
static void touch(void)
{
    volatile char *at =
            mmap(NULL, TOUCHED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(at != MAP_FAILED);
    for (size_t i = 0; i < TOUCHED_BYTES; i += 4096)
        at[i] = 1;
}

static void nap(void)
{
    const struct timespec pause = {.tv_nsec = 100000};
    for (int i = 0; i < NAPS; i++)
        nanosleep(&pause, NULL);
}

/* The shared memory that was made by memfd_create and is mapped here; bare there is none. */
static unsigned long shared_bytes(void)
{
    static char text[1 << 20];
    unsigned long sum = 0;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    for (ssize_t got; n < sizeof text - 1 && (got = read(fd, text + n, sizeof text - 1 - n)) > 0;)
        n += (size_t)got;
    close(fd);
    for (char *line = text; *line;) {
        char *end = strchr(line, '\n'), *dash;
        if (end)
            *end = 0;
        unsigned long from = strtoul(line, &dash, 16), to = strtoul(dash + 1, NULL, 16);
        if (strstr(line, "/memfd:"))
            sum += to - from;
        if (!end)
            break;
        line = end + 1;
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint64_t began = clock_ns(CLOCK_MONOTONIC);
    ground_open(argc > 1 ? argv[1] : NULL);
    const char *how = argc > 2 ? argv[2] : "steady";
    if (strcmp(how, "stall") == 0)
        return stall();
    bool slow = strcmp(how, "slow") == 0;
    path_depth = strcmp(how, "deep") == 0    ? DEEP_DEPTH
                 : strcmp(how, "again") == 0 ? AGAIN_DEPTH
                                             : 0;
    touch();
    nap();
    uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    double pair_ns = slow ? pairs_time(pairs_steady, 1, SLOW_PAIRS)
                          : pairs_time(path_depth ? pairs_paths : pairs_steady, BATCHES, PAIRS);
    cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    say("known: depth %u pair_ns %.1f pairs_cpu_ns %llu shared_bytes %lu\n", path_depth, pair_ns,
        (unsigned long long)cpu, shared_bytes());
    say("known: cpu_us %lld faults %ld switches %ld rss_kb %ld\n",
        (long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec +
                used.ru_stime.tv_usec,
        used.ru_minflt + used.ru_majflt, used.ru_nvcsw + used.ru_nivcsw, used.ru_maxrss);
    say("known: wall_ns %llu\n", (unsigned long long)(clock_ns(CLOCK_MONOTONIC) - began));
    return 0;
}
