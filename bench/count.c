/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that any profiler by preload costs: finds the real functions and counts their calls in
 * the calling thread. Says nothing; bench/run.py compares with it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

static _Thread_local unsigned long count __attribute__((tls_model("initial-exec")));

/* dlsym allocates: what it asks for comes from here, and is never given back. */
static _Alignas(16) char early[1 << 16];
static size_t early_n;

static void *early_take(size_t size)
{
    size_t at = early_n;
    early_n += (size + 15) & ~(size_t)15;
    return early_n <= sizeof early ? early + at : NULL;
}

static int early_owns(const void *address)
{
    return (const char *)address >= early && (const char *)address < early + sizeof early;
}

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);

__attribute__((constructor)) static void find(void)
{
    /* The calls that dlsym itself makes must not be the real ones' before all are known. */
    void *(*found_malloc)(size_t) = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    next_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    next_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    next_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
    next_malloc = found_malloc;
}

void *malloc(size_t size)
{
    count++;
    return next_malloc ? next_malloc(size) : early_take(size);
}

void *calloc(size_t n, size_t size)
{
    count++;
    return next_malloc ? next_calloc(n, size) : early_take(n * size);
}

void *realloc(void *old, size_t size)
{
    count++;
    if (next_malloc && !early_owns(old))
        return next_realloc(old, size);
    char *address = next_malloc ? next_malloc(size) : early_take(size);
    for (size_t i = 0; address && old && i < size && (char *)old + i < early + sizeof early; i++)
        address[i] = ((char *)old)[i];
    return address;
}

void free(void *address)
{
    count++;
    if (next_malloc && !early_owns(address))
        next_free(address);
}
