/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 38, 39: a whole allocator of the program's own. Built into the executable nothing can
 * be seen of it; built as a library before libc (lib_own_malloc) every call can. It takes no lock
 * and is safe in signal handlers, under cancellation and longjmp, which glibc's is not.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define OWN __attribute__((visibility("default")))
enum { HEADER = 16, POOL_BYTES = 512 << 20 };

static char pool[POOL_BYTES] __attribute__((aligned(4096)));
static size_t pool_used;

OWN void *malloc(size_t size_bytes);
OWN void *calloc(size_t n, size_t size_bytes);
OWN void *realloc(void *block, size_t size_bytes);
OWN void free(void *block);
OWN void *memalign(size_t alignment, size_t size_bytes);
OWN void *aligned_alloc(size_t alignment, size_t size_bytes);
OWN int posix_memalign(void **ret_block, size_t alignment, size_t size_bytes);
OWN size_t malloc_usable_size(void *block);

static void *pool_take(size_t alignment, size_t size_bytes)
{
    if (alignment < 16)
        alignment = 16;
    if (size_bytes > POOL_BYTES / 2 || alignment > 65536) {
        errno = ENOMEM;
        return NULL;
    }
    size_t room = ((size_bytes + 15) & ~(size_t)15) + HEADER + alignment;
    size_t at = __atomic_fetch_add(&pool_used, room, __ATOMIC_RELAXED);
    if (at + room > POOL_BYTES) {
        errno = ENOMEM;
        return NULL;
    }
    uintptr_t block = ((uintptr_t)pool + at + HEADER + alignment - 1) & ~(uintptr_t)(alignment - 1);
    memcpy((char *)block - 8, &size_bytes, 8);
    return (void *)block;
}

void *malloc(size_t size_bytes)
{
    return pool_take(16, size_bytes);
}

void *calloc(size_t n, size_t size_bytes)
{
    size_t whole;
    if (__builtin_mul_overflow(n, size_bytes, &whole)) {
        errno = ENOMEM;
        return NULL;
    }
    return pool_take(16, whole);
}

size_t malloc_usable_size(void *block)
{
    size_t size_bytes = 0;
    if (block)
        memcpy(&size_bytes, (char *)block - 8, 8);
    return size_bytes;
}

void *realloc(void *block, size_t size_bytes)
{
    if (block && !size_bytes)
        return NULL;
    void *moved = pool_take(16, size_bytes);
    size_t kept = malloc_usable_size(block);
    if (moved && block)
        memcpy(moved, block, kept < size_bytes ? kept : size_bytes);
    return moved;
}

/* Blocks are never used again: the pool is large enough for every target. */
void free(void *block)
{
    (void)block;
}

void *memalign(size_t alignment, size_t size_bytes)
{
    return pool_take(alignment, size_bytes);
}

void *aligned_alloc(size_t alignment, size_t size_bytes)
{
    return pool_take(alignment, size_bytes);
}

int posix_memalign(void **ret_block, size_t alignment, size_t size_bytes)
{
    void *block = pool_take(alignment, size_bytes);
    if (!block)
        return ENOMEM;
    *ret_block = block;
    return 0;
}
