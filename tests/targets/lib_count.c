/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An oracle for whole trees: preloaded into every process, it counts the heap calls of all of them
 * in one page, the file that COUNTS names. Counted as memscope counts: a realloc to a size above 0
 * is an allocation of the new size, and a free of the old block where there was one.
 */
#include <errno.h>
#include <malloc.h>

#include "ground.h"

void *__libc_malloc(size_t size_bytes);
void *__libc_calloc(size_t n, size_t size_bytes);
void *__libc_realloc(void *block, size_t size_bytes);
void *__libc_memalign(size_t alignment, size_t size_bytes);
void __libc_free(void *block);

static void count_open(void)
{
    if (ground != &ground_private || !environ)
        return;
    for (char **variable = environ; *variable; variable++) {
        if (strncmp(*variable, "COUNTS=", 7) == 0)
            ground_open(*variable + 7);
    }
}

static void *count_made(void *block, size_t size_bytes)
{
    count_open();
    return ground_made(block, size_bytes);
}

void *malloc(size_t size_bytes)
{
    return count_made(__libc_malloc(size_bytes), size_bytes);
}

void *calloc(size_t n, size_t size_bytes)
{
    return count_made(__libc_calloc(n, size_bytes), n * size_bytes);
}

void *realloc(void *block, size_t size_bytes)
{
    void *moved = __libc_realloc(block, size_bytes);
    if (!block)
        return count_made(moved, size_bytes);
    count_open();
    if (moved) {
        ground_add(&ground->realloc_n, 1);
        ground_add(&ground->alloc_bytes, size_bytes);
    } else if (!size_bytes) {
        ground_add(&ground->free_n, 1);
    }
    return moved;
}

void free(void *block)
{
    int saved = errno;
    if (block) {
        count_open();
        ground_add(&ground->free_n, 1);
    }
    __libc_free(block);
    errno = saved;
}

void *memalign(size_t alignment, size_t size_bytes)
{
    return count_made(__libc_memalign(alignment, size_bytes), size_bytes);
}

void *aligned_alloc(size_t alignment, size_t size_bytes)
{
    return memalign(alignment, size_bytes);
}

int posix_memalign(void **ret_block, size_t alignment, size_t size_bytes)
{
    void *block = memalign(alignment, size_bytes);
    if (!block)
        return ENOMEM;
    *ret_block = block;
    return 0;
}
