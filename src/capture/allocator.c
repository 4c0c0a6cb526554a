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
};

static struct allocator allocator;

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

void allocator_start(void)
{
    struct allocator_symbols symbols;
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

size_t allocator_usable(const void *address)
{
    if (jemalloc_is_at(address))
        return jemalloc_usable(address);
    return next.malloc_usable_size ? next.malloc_usable_size((void *)(uintptr_t)address) : 0;
}

static bool allocator_within(const struct module_range *range, uintptr_t pc)
{
    return pc - range->start < range->end - range->start;
}

bool allocator_owns(uintptr_t pc)
{
    return allocator_within(&allocator.behind, pc) || allocator_within(&allocator.inside, pc);
}
