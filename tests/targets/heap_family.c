/* SPDX-License-Identifier: Apache-2.0 */
/* Hazards 25, 26, 30, 32: every allocating function, zero sizes, alignments, refused requests. */
#include <errno.h>
#include <malloc.h>

#include "ground.h"

/* The oldest name of free: gone from the headers, still in the library. */
extern void cfree_old(void *block);
__asm__(".symver cfree_old, cfree@GLIBC_2.2.5");

static void aligned_use(void *block, size_t alignment, size_t size_bytes)
{
    EXPECT(block != NULL && (uintptr_t)block % alignment == 0);
    EXPECT(malloc_usable_size(block) >= size_bytes);
    ground_made(block, size_bytes);
    memset(block, 5, size_bytes);
    ground_free(block);
}

static void refused_use(void)
{
    volatile size_t huge = SIZE_MAX / 2, count = SIZE_MAX / 4;
    int elsewhere;
    void *untouched = &elsewhere, *block = untouched;
    errno = 77;
    EXPECT(posix_memalign(&block, 3, 10) == EINVAL && block == untouched && errno == 77);
    EXPECT(posix_memalign(&block, 4, 10) == EINVAL && block == untouched && errno == 77);
    EXPECT(posix_memalign(&block, 0, 10) == EINVAL && block == untouched && errno == 77);
    EXPECT(posix_memalign(&block, 64, huge) == ENOMEM && block == untouched);
    errno = 0;
    EXPECT(calloc(count, 8) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(reallocarray(NULL, count, 8) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(malloc(huge) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(memalign(4096, huge) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(aligned_alloc(4096, huge) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(valloc(huge) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(pvalloc(SIZE_MAX - 100) == NULL && errno == ENOMEM);
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    void *zero[100];
    for (int i = 0; i < 100; i++) {
        zero[i] = ground_malloc(0);
        EXPECT(zero[i] && (i == 0 || zero[i] != zero[i - 1]));
    }
    for (int i = 0; i < 100; i++)
        ground_free(zero[i]);
    for (size_t i = 0; i < 100; i++) {
        size_t alignment = (size_t)16 << i % 9, size_bytes = i * 13;
        aligned_use(calloc(i, 13), 16, size_bytes);
        aligned_use(memalign(alignment, size_bytes), alignment, size_bytes);
        aligned_use(aligned_alloc(alignment, size_bytes), alignment, size_bytes);
        void *block = NULL;
        EXPECT(posix_memalign(&block, alignment, size_bytes) == 0);
        aligned_use(block, alignment, size_bytes);
        aligned_use(valloc(size_bytes), 4096, size_bytes);
        aligned_use(reallocarray(NULL, i, 13), 16, size_bytes);
        block = ground_malloc(10);
        block = reallocarray(block, i + 1, 20);
        ground_add(&ground->realloc_n, 1);
        ground_add(&ground->alloc_bytes, (i + 1) * 20);
        cfree_old(block);
        ground_add(&ground->free_n, 1);
    }
    /* pvalloc rounds up to whole pages; what was requested is what counts. */
    for (size_t i = 1; i < 100; i++)
        aligned_use(pvalloc(i * 4096), 4096, i * 4096);
    refused_use();
    say("family: %lu calls\n", (unsigned long)ground->alloc_n);
    return 0;
}
