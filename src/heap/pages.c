/* SPDX-License-Identifier: Apache-2.0 */
/* Memory from the kernel, in large pages where these are quick. */
#include "heap/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "base/memory.h"

enum {
    PAGES_HUGE_SLOW_NS = 1000000, /* small ones of the same size take 700 us, huge ones 250 */
};

/* Processor time of this thread: how busy the machine is does not count. */
static int64_t pages_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Asks for huge pages, and looks at what the first one takes. */
static void pages_try_huge(struct pages *pages, void *at, size_t bytes)
{
    size_t skipped = -(uintptr_t)at % PAGES_HUGE_BYTES;
    char *first = (char *)at + skipped;
    if (madvise(at, bytes, MADV_HUGEPAGE) < 0 || skipped + PAGES_HUGE_BYTES > bytes)
        return;
    int64_t begin_ns = pages_now_ns();
    memory_expect(first, first + PAGES_HUGE_BYTES);
    pages->huge_slow = pages_now_ns() - begin_ns > PAGES_HUGE_SLOW_NS;
}

void *pages_new(struct pages *pages, size_t bytes)
{
    if (bytes < PAGES_MAPPED_BYTES)
        return calloc(1, bytes);
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    if (bytes >= PAGES_HUGE_BYTES && !pages->huge_slow)
        pages_try_huge(pages, at, bytes);
    /* Where all memory comes in huge pages unless it is said otherwise. */
    if (pages->huge_slow)
        madvise(at, bytes, MADV_NOHUGEPAGE);
    return at;
}

void pages_free(void *at, size_t bytes)
{
    if (bytes < PAGES_MAPPED_BYTES)
        free(at);
    else
        munmap(at, bytes);
}
