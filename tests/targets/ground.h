/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test target knows about itself: its own heap calls, counted in a shared page of a file
 * so that the counts survive any death, and output that takes nothing from the heap.
 *
 * A call is counted after the real call returned and before anything else happens, so a kill can
 * leave at most one call per thread uncounted.
 */
#ifndef TARGETS_GROUND_H
#define TARGETS_GROUND_H

#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct ground {
    uint64_t alloc_n;     /* successful calls, reallocs left out */
    uint64_t alloc_bytes; /* of allocs and reallocs, as requested */
    uint64_t free_n;
    uint64_t realloc_n; /* successful, to a size above 0 */
    uint64_t pid;
    uint64_t word[3]; /* for the target's own use */
};

__attribute__((unused)) static struct ground ground_private;
__attribute__((unused)) static struct ground *ground = &ground_private;

/* Counts go to the file at path from here on; without a path they stay in this process. */
__attribute__((unused)) static void ground_open(const char *path)
{
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page != MAP_FAILED)
        ground = (struct ground *)page;
}

static inline void ground_add(uint64_t *word, uint64_t n)
{
    __atomic_fetch_add(word, n, __ATOMIC_RELAXED);
}

/* Hides a block from the compiler, which may otherwise drop the call that made it. */
static inline void *ground_keep(void *block)
{
    __asm__ volatile("" : "+r"(block) : : "memory");
    return block;
}

/* Counts a block that another call has just made. */
__attribute__((unused)) static void *ground_made(void *block, size_t size_bytes)
{
    if (block) {
        ground_add(&ground->alloc_n, 1);
        ground_add(&ground->alloc_bytes, size_bytes);
    }
    return ground_keep(block);
}

__attribute__((unused)) static void *ground_malloc(size_t size_bytes)
{
    return ground_made(malloc(size_bytes), size_bytes);
}

__attribute__((unused)) static void *ground_realloc(void *block, size_t size_bytes)
{
    void *moved = ground_keep(realloc(block, size_bytes));
    if (!block)
        return ground_made(moved, size_bytes);
    if (moved && size_bytes) {
        ground_add(&ground->realloc_n, 1);
        ground_add(&ground->alloc_bytes, size_bytes);
    } else if (!size_bytes) {
        ground_add(&ground->free_n, 1);
    }
    return moved;
}

__attribute__((unused)) static void ground_free(void *block)
{
    int live = block != NULL;
    free(ground_keep(block));
    if (live)
        ground_add(&ground->free_n, 1);
}

__attribute__((unused, format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[1024];
    va_list words;
    va_start(words, format);
    int n = vsnprintf(line, sizeof line, format, words);
    va_end(words);
    for (int at = 0; at < n && n < (int)sizeof line;) {
        ssize_t wrote = write(1, line + at, (size_t)(n - at));
        if (wrote <= 0)
            return;
        at += (int)wrote;
    }
}

/* Ends the target with the line and status 1 where something is not as it must be. */
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            say("%s:%d: not so: %s\n", __FILE_NAME__, __LINE__, #condition);                       \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

#endif
