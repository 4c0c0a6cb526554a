/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jemalloc 5 calls hooks on request (mallctl "experimental.hooks.install"): after an allocation,
 * before a release, with the arguments of the call. A realloc that moves is an allocation and then
 * a release, one in place an expansion. It calls them without a lock of its own held.
 *
 * The numbers by which it names its functions have shifted between releases: that of realloc is
 * learned from the block that proves the hooks.
 */
#include "capture/allocator_jemalloc.h"

#include <stddef.h>
#include <stdint.h>

#include "capture/emit.h"
#include "capture/start.h"

/* jemalloc's own, in its order; realloc and rallocx stand last, wherever that is. */
enum {
    JEMALLOC_MALLOC,
    JEMALLOC_POSIX_MEMALIGN,
    JEMALLOC_ALIGNED_ALLOC,
    JEMALLOC_CALLOC,
    JEMALLOC_MEMALIGN,
    JEMALLOC_VALLOC,
    JEMALLOC_REALLOC_LEAST = 6,
    JEMALLOC_REALLOC_MOST = 12,
};

enum { JEMALLOC_EXPAND_REALLOC, JEMALLOC_EXPAND_RALLOCX, JEMALLOC_EXPAND_XALLOCX };

enum { JEMALLOC_PROBE_BYTES = 4242, JEMALLOC_PROBE_MORE = 1 << 20 };

struct jemalloc_hooks {
    void (*alloc)(void *extra, int type, void *result, uintptr_t raw, const uintptr_t *args);
    void (*dalloc)(void *extra, int type, const void *address, const uintptr_t *args);
    void (*expand)(void *extra, int type, const void *address, size_t old_bytes, size_t bytes,
                   uintptr_t raw, const uintptr_t *args);
    void *extra;
};

/* What the hooks saw of the block that proves them. */
struct jemalloc_probe {
    const void *first, *second;
    uintptr_t first_bytes, second_bytes;
    int alloc_n, free_n, realloc_type;
    const void *freed[2];
};

struct jemalloc {
    _Atomic bool proven;
    int realloc_type; /* rallocx is the next one */
    size_t (*usable)(const void *);
    struct jemalloc_probe probe;
};

static struct jemalloc jemalloc;

/* The block that the thread's hook is at: a handler in between may be at one of another heap. */
static __thread const void *jemalloc_block;

bool jemalloc_is_at(const void *address)
{
    return address && address == jemalloc_block;
}

size_t jemalloc_usable(const void *address)
{
    return jemalloc.usable ? jemalloc.usable(address) : 0;
}

static size_t jemalloc_size(int type, const uintptr_t *args)
{
    if (type == jemalloc.realloc_type || type == jemalloc.realloc_type + 1)
        return args[1];
    switch (type) {
    case JEMALLOC_POSIX_MEMALIGN:
        return args[2];
    case JEMALLOC_ALIGNED_ALLOC:
    case JEMALLOC_MEMALIGN:
        return args[1];
    case JEMALLOC_CALLOC:
        return args[0] * args[1]; /* it did not overflow: there is a block */
    default:
        return args[0];
    }
}

static void jemalloc_probe_alloc(int type, const void *address, const uintptr_t *args)
{
    struct jemalloc_probe *probe = &jemalloc.probe;
    if (probe->alloc_n++ == 0) {
        probe->first = address;
        probe->first_bytes = args[0];
    } else {
        probe->second = address;
        probe->second_bytes = args[1];
        probe->realloc_type = type;
    }
}

static __attribute__((noinline)) void jemalloc_alloc(void *extra, int type, void *result,
                                                     uintptr_t raw, const uintptr_t *args)
{
    const struct hook_frame frame = HOOK_FRAME();
    (void)extra;
    (void)raw;
    if (!jemalloc.proven) {
        jemalloc_probe_alloc(type, result, args);
    } else if (result && emit_wanted()) {
        jemalloc_block = result;
        emit_alloc(result, jemalloc_size(type, args), &frame);
        jemalloc_block = NULL;
    }
}

static void jemalloc_dalloc(void *extra, int type, const void *address, const uintptr_t *args)
{
    (void)extra;
    (void)type;
    (void)args;
    if (jemalloc.proven) {
        jemalloc_block = address;
        if (address && emit_wanted())
            emit_free(address);
        jemalloc_block = NULL;
    } else if (jemalloc.probe.free_n < 2) {
        jemalloc.probe.freed[jemalloc.probe.free_n++] = address;
    }
}

static __attribute__((noinline)) void jemalloc_expand(void *extra, int type, const void *address,
                                                      size_t old_bytes, size_t bytes, uintptr_t raw,
                                                      const uintptr_t *args)
{
    const struct hook_frame frame = HOOK_FRAME();
    (void)extra;
    (void)raw;
    size_t wanted = args[1];
    if (type == JEMALLOC_EXPAND_XALLOCX) {
        if (bytes == old_bytes)
            return; /* it could not */
        wanted = bytes < wanted + args[2] ? bytes : wanted + args[2];
    }
    if (!jemalloc.proven)
        return;
    struct emit_realloc begun;
    jemalloc_block = address;
    emit_realloc_begin(address, &begun);
    emit_realloc_end(&begun, address, wanted, &frame);
    jemalloc_block = NULL;
}

typedef int (*jemalloc_ctl)(const char *name, void *old, size_t *old_bytes, void *new_value,
                            size_t new_bytes);

/* 5.2 and later have the hooks. */
static bool jemalloc_has_hooks(jemalloc_ctl ctl)
{
    const char *version = NULL;
    size_t bytes = sizeof version;
    if (ctl("version", &version, &bytes, NULL, 0) || !version)
        return false;
    return version[0] == '5' && version[1] == '.' && version[2] >= '2' && version[2] <= '9';
}

/* malloc and mallocx alike: the former takes no notice of the arguments that it does not have. */
typedef void *(*jemalloc_take)(size_t bytes, int flags);
typedef void *(*jemalloc_resize)(void *old, size_t bytes, int flags);
typedef void (*jemalloc_give)(void *address, size_t bytes, int flags);

/* What the hooks told of the block that was made at first, moved to second, and freed. */
static bool jemalloc_told(uintptr_t first, const void *second)
{
    const struct jemalloc_probe *probe = &jemalloc.probe;
    return probe->alloc_n == 2 && (uintptr_t)probe->first == first &&
           probe->first_bytes == JEMALLOC_PROBE_BYTES && probe->second == second &&
           probe->second_bytes == JEMALLOC_PROBE_MORE && probe->free_n == 2 &&
           (uintptr_t)probe->freed[0] == first && probe->freed[1] == second &&
           probe->realloc_type >= JEMALLOC_REALLOC_LEAST &&
           probe->realloc_type <= JEMALLOC_REALLOC_MOST;
}

/* One block through the program's own entries: made, moved, freed. */
static bool jemalloc_prove(const struct allocator_symbols *symbols)
{
    uintptr_t take_at = symbols->malloc ? symbols->malloc : symbols->mallocx;
    uintptr_t resize_at = symbols->realloc ? symbols->realloc : symbols->rallocx;
    uintptr_t give_at = symbols->free ? symbols->free : symbols->sdallocx;
    if (!take_at || !resize_at || !give_at)
        return false;
    void *first = ((jemalloc_take)take_at)(JEMALLOC_PROBE_BYTES, 0);
    uintptr_t first_address = (uintptr_t)first;
    if (!first)
        return false;
    void *second = ((jemalloc_resize)resize_at)(first, JEMALLOC_PROBE_MORE, 0);
    size_t bytes = second ? JEMALLOC_PROBE_MORE : JEMALLOC_PROBE_BYTES;
    ((jemalloc_give)give_at)(second ? second : first, bytes, 0);
    jemalloc.probe.realloc_type -= !symbols->realloc;
    return second && jemalloc_told(first_address, second);
}

bool jemalloc_install(const struct allocator_symbols *symbols)
{
    static struct jemalloc_hooks hooks = {
            .alloc = jemalloc_alloc, .dalloc = jemalloc_dalloc, .expand = jemalloc_expand};
    jemalloc_ctl ctl = (jemalloc_ctl)symbols->mallctl;
    void *handle = NULL;
    size_t bytes = sizeof handle;
    if (!jemalloc_has_hooks(ctl) ||
        ctl("experimental.hooks.install", &handle, &bytes, &hooks, sizeof hooks))
        return false;
    if (!jemalloc_prove(symbols)) {
        ctl("experimental.hooks.remove", NULL, NULL, &handle, sizeof handle);
        return false;
    }
    jemalloc.realloc_type = jemalloc.probe.realloc_type;
    jemalloc.usable = (size_t(*)(const void *))symbols->malloc_usable_size;
    jemalloc.proven = true;
    return true;
}
