/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory taken from the kernel past malloc, held against a table of pages of this program's own.
 * Behind the heap's counts the page holds what all processes mapped: calls, bytes, what each had
 * at its peak, and what each had at its end.
 *
 *     mapped COUNTS           one thread and a forked child, each kind of call
 *     mapped COUNTS threads   four threads that get each other's addresses
 */
#undef _FILE_OFFSET_BITS
#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>

#include "ground.h"

enum { PAGE = 4096, PAGES_MAX = 4096, THREADS = 4, ROUNDS = 3000 };

struct mapped {
    uint64_t calls, bytes, peak_bytes, end_bytes;
};

static struct mapped *mapped;
static uintptr_t pages[PAGES_MAX];  /* those that are mapped, in no order */
static size_t page_n, broken_bytes; /* the latter by sbrk */
static uint64_t peak_bytes;

static size_t page_find(uintptr_t page)
{
    size_t i = 0;
    while (i < page_n && pages[i] != page)
        i++;
    return i;
}

static void table_take(const void *address, size_t page_count)
{
    for (size_t i = 0; i < page_count; i++) {
        size_t at = page_find((uintptr_t)address + i * PAGE);
        if (at < page_n)
            pages[at] = pages[--page_n];
    }
}

static void table_put(const void *address, size_t page_count)
{
    table_take(address, page_count);
    EXPECT(page_n + page_count <= PAGES_MAX);
    for (size_t i = 0; i < page_count; i++)
        pages[page_n++] = (uintptr_t)address + i * PAGE;
}

static void peak_see(void)
{
    if (page_n * PAGE + broken_bytes > peak_bytes)
        peak_bytes = page_n * PAGE + broken_bytes;
}

static void count_call(size_t bytes)
{
    ground_add(&mapped->calls, 1);
    ground_add(&mapped->bytes, bytes);
}

static char *map(void *wanted, size_t page_count, int flags)
{
    /* The last page is asked for in part. */
    char *at = mmap(wanted, page_count * PAGE - 100, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    EXPECT(at != MAP_FAILED);
    count_call(page_count * PAGE);
    table_put(at, page_count);
    peak_see();
    return at;
}

static void unmap(char *at, size_t page_count)
{
    EXPECT(munmap(at, page_count * PAGE - 7) == 0);
    table_take(at, page_count);
}

static char *remap(char *at, size_t from, size_t to, int flags, char *wanted)
{
    char *moved = mremap(at, from * PAGE, to * PAGE, flags, wanted);
    EXPECT(moved != MAP_FAILED);
    table_take(at, from);
    table_put(moved, to);
    peak_see();
    return moved;
}

static void broken(intptr_t step)
{
    EXPECT(sbrk(step) != (void *)-1);
    broken_bytes += (size_t)step;
    if (step > 0)
        count_call((size_t)step);
    peak_see();
}

static void calls_that_fail(char *at)
{
    EXPECT(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED);
    EXPECT(munmap(at + 1, PAGE) < 0 && errno == EINVAL);
    EXPECT(munmap(at, (size_t)1 << 60) < 0 && errno == EINVAL);
    EXPECT(mremap(at, PAGE, (size_t)1 << 60, MREMAP_MAYMOVE) == MAP_FAILED);
}

static void each_kind(void)
{
    char *whole = map(NULL, 100, 0);
    unmap(whole + 10 * PAGE, 20);          /* a hole: two pieces */
    unmap(whole, 5);                       /* the head */
    unmap(whole + 25 * PAGE, 10);          /* half in the hole */
    map(whole + 50 * PAGE, 10, MAP_FIXED); /* in the midst of its own */
    map(whole + 95 * PAGE, 5, MAP_FIXED);  /* its tail */
    map(whole + 8 * PAGE, 7, MAP_FIXED);   /* over an edge */
    calls_that_fail(whole + 60 * PAGE);
    char *second = map(NULL, 64, 0);
    char *room = map(NULL, 200, 0);
    second = remap(second, 64, 32, MREMAP_MAYMOVE, NULL);
    second = remap(second, 32, 90, MREMAP_MAYMOVE, NULL);
    second = remap(second, 90, 30, 0, NULL);
    second = remap(second, 30, 40, MREMAP_MAYMOVE | MREMAP_FIXED, room + 20 * PAGE);
    unmap(second + 39 * PAGE, 2); /* the last of what moved, the first of what it lies in */
    broken(12345);
    broken(-345);
    broken(8192);
    broken(-10000);
}

static void child(void)
{
    page_n = broken_bytes = 0; /* what it inherits is its parent's */
    peak_bytes = 0;
    char *own = map(NULL, 33, 0);
    unmap(own + 3 * PAGE, 4);
    ground_free(ground_malloc(77));
    ground_add(&mapped->peak_bytes, peak_bytes);
    ground_add(&mapped->end_bytes, page_n * PAGE);
    _exit(0);
}

static void *thread_run(void *seed)
{
    uint32_t dice = (uint32_t)(uintptr_t)seed;
    for (int i = 0; i < ROUNDS; i++) {
        dice = dice * 1664525 + 1013904223;
        size_t bytes = (1 + (dice >> 29)) * PAGE;
        char *at = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        EXPECT(at != MAP_FAILED);
        count_call(bytes);
        EXPECT(munmap(at, bytes) == 0);
    }
    return NULL;
}

static void threads(void)
{
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&thread[i], NULL, thread_run, (void *)(i + 1)) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

int main(int argc, char **argv)
{
    EXPECT(argc > 1);
    ground_open(argv[1]);
    EXPECT(ground != &ground_private);
    mapped = (struct mapped *)(ground + 1);
    count_call(PAGE); /* the page of counts */
    table_put(ground, 1);
    for (int i = 0; i < 50; i++)
        ground_malloc(1000);
    if (argc > 2) {
        threads();
    } else {
        each_kind();
        pid_t pid = fork();
        EXPECT(pid >= 0);
        if (pid == 0)
            child();
        int status;
        EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
    }
    peak_see();
    ground_add(&mapped->peak_bytes, peak_bytes);
    ground_add(&mapped->end_bytes, page_n * PAGE + broken_bytes);
    say("mapped\n");
    return 0;
}
