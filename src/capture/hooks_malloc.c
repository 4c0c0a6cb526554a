/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The malloc family. Sizes, results, alignment and errno are the real functions' own; a record is
 * committed after an allocation returned and before a release is made.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/early.h"
#include "capture/emit.h"
#include "capture/late.h"
#include "capture/start.h"

enum { HOOKS_ALIGNMENT = 16 };

/* The declarations of <stdlib.h> and <malloc.h>, without their attributes. */
HOOK void *malloc(size_t size);
HOOK void *calloc(size_t n, size_t size);
HOOK void *realloc(void *old, size_t size);
HOOK void *reallocarray(void *old, size_t n, size_t size);
HOOK void free(void *address);
HOOK void cfree(void *address);
HOOK void free_sized(void *address, size_t size);
HOOK void free_aligned_sized(void *address, size_t alignment, size_t size);
HOOK int posix_memalign(void **ret_address, size_t alignment, size_t size);
HOOK void *aligned_alloc(size_t alignment, size_t size);
HOOK void *memalign(size_t alignment, size_t size);
HOOK void *valloc(size_t size);
HOOK void *pvalloc(size_t size);
HOOK size_t malloc_usable_size(void *address);

/* The frame is read behind the real call, where it is needed at all. */
static inline __attribute__((always_inline)) void *hooks_allocated(void *address, size_t size,
                                                                   struct hook_frame frame)
{
    if (!address)
        return NULL;
    enum sampling_pass pass = sampling_pass_alloc(address, size);
    if (__builtin_expect(pass == SAMPLING_PASSED, 1))
        return address;
    return emit_allocated(address, size, pass, frame.pc, frame.sp, frame.bp);
}

void *malloc(size_t size)
{
    if (!hooks_ready())
        return early_take(size, HOOKS_ALIGNMENT);
    void *address = next.malloc(size);
    return hooks_allocated(address, size, HOOK_FRAME());
}

void *calloc(size_t n, size_t size)
{
    if (!hooks_ready())
        return size && n > SIZE_MAX / size ? NULL : early_take(n * size, HOOKS_ALIGNMENT);
    void *address = next.calloc(n, size);
    return hooks_allocated(address, n * size, HOOK_FRAME());
}

/* A block of the early pool moves to the real heap; its old place is never used again. */
static void *hooks_realloc_early(const void *old, size_t size, const struct hook_frame *frame)
{
    char *address = hooks_ready() ? next.malloc(size) : early_take(size, HOOKS_ALIGNMENT);
    size_t kept = early_size(old) < size ? early_size(old) : size;
    for (size_t i = 0; address && i < kept; i++)
        address[i] = ((const char *)old)[i];
    return address && hooks_ready() ? hooks_allocated(address, size, *frame) : address;
}

static void *hooks_realloc(void *old, size_t size, const struct hook_frame *frame)
{
    if (early_owns(old))
        return hooks_realloc_early(old, size, frame);
    if (!hooks_ready())
        return early_take(size, HOOKS_ALIGNMENT);
    if (!old)
        return hooks_allocated(next.realloc(old, size), size, *frame);
    struct emit_realloc begun;
    emit_realloc_begin(old, &begun);
    void *address = next.realloc(old, size);
    emit_realloc_end(&begun, address, size, frame);
    return address;
}

void *realloc(void *old, size_t size)
{
    const struct hook_frame frame = HOOK_FRAME();
    size_t usable;
    if (!old || early_owns(old) || !sampling_pass_realloc(old, &usable))
        return hooks_realloc(old, size, &frame);
    void *address = next.realloc(old, size);
    if (__builtin_expect(!sampling_pass_realloced(address, size, usable), 0)) {
        const struct emit_realloc begun = {.old = old, .counted = true, .sampling.usable = usable};
        emit_realloc_end(&begun, address, size, &frame);
    }
    return address;
}

void *reallocarray(void *old, size_t n, size_t size)
{
    const struct hook_frame frame = HOOK_FRAME();
    size_t bytes;
    if (!__builtin_mul_overflow(n, size, &bytes))
        return hooks_realloc(old, bytes, &frame);
    /* Only to fail as the real one does, errno included. */
    return hooks_ready() && next.reallocarray ? next.reallocarray(old, n, size) : NULL;
}

/* What comes before each real release; false: there is nothing to release. */
static bool __attribute__((noinline)) hooks_freed(const void *address)
{
    if (!address || early_owns(address) || !hooks_ready())
        return false;
    if (sampling_pass_free_near(address))
        return true;
    if (emit_follows())
        emit_free(address);
    return true;
}

static void __attribute__((noinline)) hooks_free(void *address)
{
    if (hooks_freed(address))
        next.free(address);
}

/* Nothing is kept over a call: a block that was not sampled is passed on in a few registers. */
void free(void *address)
{
    if (__builtin_expect(address && !early_owns(address) && sampling_pass_free(address), 1))
        next.free(address);
    else
        hooks_free(address);
}

void cfree(void *address)
{
    if (hooks_freed(address))
        (next.cfree ? next.cfree : next.free)(address);
}

void free_sized(void *address, size_t size)
{
    if (!hooks_freed(address))
        return;
    if (next.free_sized)
        next.free_sized(address, size);
    else
        next.free(address);
}

void free_aligned_sized(void *address, size_t alignment, size_t size)
{
    if (!hooks_freed(address))
        return;
    if (next.free_aligned_sized)
        next.free_aligned_sized(address, alignment, size);
    else
        next.free(address);
}

int posix_memalign(void **ret_address, size_t alignment, size_t size)
{
    if (!hooks_ready() || !next.posix_memalign)
        return ENOMEM;
    int err = next.posix_memalign(ret_address, alignment, size);
    if (err == 0)
        hooks_allocated(*ret_address, size, HOOK_FRAME());
    return err;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    if (!hooks_ready() || !next.aligned_alloc)
        return early_take(size, alignment);
    void *address = next.aligned_alloc(alignment, size);
    return hooks_allocated(address, size, HOOK_FRAME());
}

void *memalign(size_t alignment, size_t size)
{
    if (!hooks_ready() || !next.memalign)
        return early_take(size, alignment);
    void *address = next.memalign(alignment, size);
    return hooks_allocated(address, size, HOOK_FRAME());
}

void *valloc(size_t size)
{
    if (!hooks_ready() || !next.valloc)
        return early_take(size, WIRE_PAGE_BYTES);
    void *address = next.valloc(size);
    return hooks_allocated(address, size, HOOK_FRAME());
}

void *pvalloc(size_t size)
{
    if (!hooks_ready() || !next.pvalloc)
        return early_take(size, WIRE_PAGE_BYTES);
    void *address = next.pvalloc(size);
    return hooks_allocated(address, size, HOOK_FRAME());
}

size_t malloc_usable_size(void *address)
{
    if (early_owns(address))
        return early_size(address);
    return address && hooks_ready() && next.malloc_usable_size ? next.malloc_usable_size(address)
                                                               : 0;
}

/* Our own definitions, also where the program's names lead elsewhere. */
#define OWN(name) __typeof(name) own_##name __attribute__((alias(#name), visibility("hidden")))
extern OWN(malloc);
extern OWN(calloc);
extern OWN(realloc);
extern OWN(reallocarray);
extern OWN(free);
extern OWN(cfree);
extern OWN(posix_memalign);
extern OWN(aligned_alloc);
extern OWN(memalign);
extern OWN(valloc);
extern OWN(pvalloc);
extern OWN(malloc_usable_size);

const struct late_hook late_hooks[] = {
        {"malloc", (uintptr_t)own_malloc},
        {"calloc", (uintptr_t)own_calloc},
        {"realloc", (uintptr_t)own_realloc},
        {"reallocarray", (uintptr_t)own_reallocarray},
        {"free", (uintptr_t)own_free},
        {"cfree", (uintptr_t)own_cfree},
        {"posix_memalign", (uintptr_t)own_posix_memalign},
        {"aligned_alloc", (uintptr_t)own_aligned_alloc},
        {"memalign", (uintptr_t)own_memalign},
        {"valloc", (uintptr_t)own_valloc},
        {"pvalloc", (uintptr_t)own_pvalloc},
        {"malloc_usable_size", (uintptr_t)own_malloc_usable_size},
        {NULL, 0},
};
