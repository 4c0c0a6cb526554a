/* SPDX-License-Identifier: Apache-2.0 */
/* Learns once, before main, which code is the allocator's. */
#include "capture/allocator.h"

#include "capture/allocator_jemalloc.h"
#include "capture/module.h"
#include "capture/process.h"
#include "capture/start.h"

struct allocator {
    struct module_range behind; /* of the module that has the malloc behind ours */
    struct module_range inside; /* within the executable */
    _Atomic bool has_chunks;    /* blocks lie as glibc lays them; never again once false */
};

static struct allocator allocator;

static bool allocator_within(const struct module_range *range, uintptr_t pc)
{
    return pc - range->start < range->end - range->start;
}

void allocator_find_behind(void)
{
    struct module module;
    if (process.segment && module_find((uintptr_t)next.malloc, &module))
        allocator.behind = (struct module_range){module.start, module.end};
}

/* jemalloc gives memory back by madvise and tries locks: what takes neither has no jemalloc. */
static bool allocator_may_be_inside(void)
{
    return next_exe_imports("madvise") && next_exe_imports("pthread_mutex_trylock");
}

/* 2.34, from which on no hooks of the program's can lay blocks otherwise. */
static bool allocator_is_new_glibc(const char *version)
{
    unsigned major = 0, minor = 0;
    for (; *version >= '0' && *version <= '9'; version++)
        major = major * 10 + (unsigned)(*version - '0');
    for (version += *version == '.'; *version >= '0' && *version <= '9'; version++)
        minor = minor * 10 + (unsigned)(*version - '0');
    return major == 2 && minor >= 34;
}

/* Whether malloc and free are glibc's own. */
static bool allocator_is_glibc(void)
{
    const char *(*version)(void) = (const char *(*)(void))next_symbol("gnu_get_libc_version");
    struct module module;
    if (!version || !next.malloc_usable_size || !module_find((uintptr_t)version, &module))
        return false;
    const struct module_range libc = {module.start, module.end};
    return allocator_within(&libc, (uintptr_t)next.malloc) &&
           allocator_within(&libc, (uintptr_t)next.free) && allocator_is_new_glibc(version());
}

void allocator_start(void)
{
    struct allocator_symbols symbols;
    atomic_store_explicit(&allocator.has_chunks, allocator_is_glibc(), memory_order_relaxed);
    if (!allocator_may_be_inside() || !allocator_symbols_read(&symbols))
        return;
    /* Before it is called for the first time, when it maps its first memory. */
    allocator.inside = (struct module_range){symbols.start, symbols.end};
    bool seen = jemalloc_install(&symbols);
    atomic_fetch_or(&process.slot->flags,
                    seen ? WIRE_PROCESS_JEMALLOC : WIRE_PROCESS_JEMALLOC_UNSEEN);
    if (!seen)
        allocator.inside = (struct module_range){0};
}

bool allocator_has_chunks(const void *block)
{
    if (!atomic_load_explicit(&allocator.has_chunks, memory_order_relaxed) || jemalloc_is_at(block))
        return false;
    size_t chunk = allocator_chunk(block);
    if (chunk & ALLOCATOR_CHUNK_MAPPED ||
        allocator_chunk_usable(chunk) == next.malloc_usable_size((void *)(uintptr_t)block))
        return true;
    atomic_store_explicit(&allocator.has_chunks, false, memory_order_relaxed);
    return false;
}

size_t allocator_usable(const void *address)
{
    if (jemalloc_is_at(address))
        return jemalloc_usable(address);
    if (atomic_load_explicit(&allocator.has_chunks, memory_order_relaxed)) {
        size_t chunk = allocator_chunk(address);
        if (!(chunk & ALLOCATOR_CHUNK_MAPPED))
            return allocator_chunk_usable(chunk);
    }
    return next.malloc_usable_size ? next.malloc_usable_size((void *)(uintptr_t)address) : 0;
}

bool allocator_owns(uintptr_t pc)
{
    return allocator_within(&allocator.behind, pc) || allocator_within(&allocator.inside, pc);
}
