/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that runs out at a chosen allocation, for the one file of a test that includes this.
 *
 * To be linked with --wrap for malloc, calloc, realloc and mmap.
 */
#ifndef MEMSCOPE_UNIT_FAULTS_H
#define MEMSCOPE_UNIT_FAULTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

static bool faults_on;
static _Atomic int64_t faults_after; /* allocations that still succeed, of all threads */
static _Atomic bool faults_hit;

static bool fault(void)
{
    if (!faults_on || atomic_fetch_sub(&faults_after, 1) > 0)
        return false;
    faults_hit = true;
    return true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *at, size_t n);
void *__real_mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *at, size_t n);
void *__wrap_mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t n)
{
    return fault() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
    return fault() ? NULL : __real_calloc(n, bytes);
}

void *__wrap_realloc(void *at, size_t n)
{
    return fault() ? NULL : __real_realloc(at, n);
}

void *__wrap_mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
    return fault() ? MAP_FAILED : __real_mmap(at, n, protection, flags, fd, offset);
}

static void faults_begin(uint64_t after)
{
    faults_after = (int64_t)after;
    faults_hit = false;
    faults_on = true;
}

#endif
