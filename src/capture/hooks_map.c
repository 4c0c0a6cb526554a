/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that the program takes from the kernel itself: mmap, munmap, mremap, brk, sbrk.
 *
 * libc and the loader call themselves without passing a hook, so malloc's own memory is not seen
 * here; nor is that of another allocator whose blocks are recorded (allocator_owns). A release is
 * committed before the real call, as another thread may get the address right after it; should the
 * call fail, a record that nothing has changed follows.
 */
#undef _FILE_OFFSET_BITS /* else the header renames mmap */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/types.h>

#include "capture/allocator.h"
#include "capture/cpu/x86_64/syscall.h"
#include "capture/emit.h"
#include "capture/start.h"

/* The declarations of <unistd.h>, without their attributes. */
HOOK int brk(void *end);
HOOK void *sbrk(intptr_t step);

static const uintptr_t hooks_page_mask = WIRE_PAGE_BYTES - 1;

static size_t hooks_pages(size_t length)
{
    return (length + hooks_page_mask) & ~hooks_page_mask;
}

static bool hooks_wants_map(const struct hook_frame *frame)
{
    return emit_wanted() && process.segment->config.track_maps && !allocator_owns(frame->pc);
}

/* Before our relocations errno is out of reach. */
static void *hooks_raw_result(long result)
{
    return result < 0 && result > -(long)WIRE_PAGE_BYTES ? MAP_FAILED : (void *)result;
}

static inline void *hooks_mmap(void *wanted, size_t length, int protection, int flags, int fd,
                               off_t offset, const struct hook_frame *frame)
{
    if (!hooks_ready() || !next.mmap)
        return hooks_raw_result(
                syscall_6(SYS_mmap, (long)wanted, (long)length, protection, flags, fd, offset));
    void *address = next.mmap(wanted, length, protection, flags, fd, offset);
    if (address != MAP_FAILED && hooks_wants_map(frame))
        emit_map(address, hooks_pages(length), WIRE_MAP_NEW, frame);
    return address;
}

HOOK void *mmap(void *wanted, size_t length, int protection, int flags, int fd, off_t offset)
{
    const struct hook_frame frame = HOOK_FRAME();
    return hooks_mmap(wanted, length, protection, flags, fd, offset, &frame);
}

HOOK void *mmap64(void *wanted, size_t length, int protection, int flags, int fd, off_t offset)
{
    const struct hook_frame frame = HOOK_FRAME();
    return hooks_mmap(wanted, length, protection, flags, fd, offset, &frame);
}

/* What the kernel would look at: anything else it refuses, and nothing happens. */
static bool hooks_is_range(const void *address, size_t bytes)
{
    const uintptr_t end = (uintptr_t)1 << 47; /* of the program's half of the address space */
    uintptr_t from = (uintptr_t)address;
    return bytes && !(from & hooks_page_mask) && from < end && bytes <= end - from;
}

HOOK int munmap(void *address, size_t length)
{
    const struct hook_frame frame = HOOK_FRAME();
    if (!hooks_ready() || !next.munmap)
        return hooks_raw_result(syscall_3(SYS_munmap, (long)address, (long)length, 0)) ? -1 : 0;
    bool wanted = hooks_is_range(address, length) && hooks_wants_map(&frame);
    if (wanted)
        emit_unmap(address, hooks_pages(length));
    int result = next.munmap(address, length);
    if (wanted && result < 0)
        emit_map(address, hooks_pages(length), WIRE_MAP_KEPT, &frame);
    return result;
}

/* What mremap leaves of the old range where it was; 0 in its common form: all of it may move. */
static size_t hooks_remap_stays(size_t old_length, size_t length, int flags)
{
    if (flags & MREMAP_DONTUNMAP)
        return old_length;
    if (flags & MREMAP_MAYMOVE)
        return 0;
    return old_length < length ? old_length : length;
}

static void *hooks_mremap(void *old, size_t old_length, size_t length, int flags, void *wanted,
                          const struct hook_frame *frame)
{
    /* A length of nothing maps the old pages a second time. */
    if (!hooks_is_range(old, old_length ? old_length : 1) || !hooks_wants_map(frame))
        return next.mremap(old, old_length, length, flags, wanted);
    old_length = hooks_pages(old_length);
    length = hooks_pages(length);
    size_t stays = hooks_remap_stays(old_length, length, flags);
    char *gone = (char *)old + stays;
    if (old_length > stays)
        emit_unmap(gone, old_length - stays);
    char *address = next.mremap(old, old_length, length, flags, wanted);
    if (address == MAP_FAILED) {
        if (old_length > stays)
            emit_map(gone, old_length - stays, WIRE_MAP_KEPT, frame);
    } else if (address != old) {
        emit_map(address, length, WIRE_MAP_RESIZED, frame);
    } else if (length > stays) {
        emit_map(address + stays, length - stays, WIRE_MAP_RESIZED, frame);
    }
    return address;
}

HOOK void *mremap(void *old, size_t old_length, size_t length, int flags, ...)
{
    const struct hook_frame frame = HOOK_FRAME();
    void *wanted = NULL;
    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
        va_list more;
        va_start(more, flags);
        wanted = va_arg(more, void *);
        va_end(more);
    }
    if (!hooks_ready() || !next.mremap)
        return hooks_raw_result(syscall_6(SYS_mremap, (long)old, (long)old_length, (long)length,
                                          flags, (long)wanted, 0));
    return hooks_mremap(old, old_length, length, flags, wanted, &frame);
}

/* libc keeps the break in a variable of its own: without libc there is none. */
int brk(void *end)
{
    const struct hook_frame frame = HOOK_FRAME();
    if (!hooks_ready() || !next.brk)
        return -1;
    if (!next.sbrk || !hooks_wants_map(&frame))
        return next.brk(end);
    uintptr_t from = (uintptr_t)next.sbrk(0), to = (uintptr_t)end;
    if (to < from)
        emit_unmap(end, from - to);
    int result = next.brk(end);
    if (result == 0 && to > from)
        emit_map((const void *)from, to - from, WIRE_MAP_NEW, &frame);
    else if (result < 0 && to < from)
        emit_map(end, from - to, WIRE_MAP_KEPT, &frame);
    return result;
}

void *sbrk(intptr_t step)
{
    const struct hook_frame frame = HOOK_FRAME();
    if (!hooks_ready() || !next.sbrk)
        return MAP_FAILED;
    if (step == 0 || !hooks_wants_map(&frame))
        return next.sbrk(step);
    uintptr_t from = step < 0 ? (uintptr_t)next.sbrk(0) : 0;
    size_t bytes = step < 0 ? 0 - (size_t)step : (size_t)step;
    if (step < 0)
        emit_unmap((const void *)(from - bytes), bytes);
    void *old = next.sbrk(step);
    if (old == MAP_FAILED && step < 0)
        emit_map((const void *)(from - bytes), bytes, WIRE_MAP_KEPT, &frame);
    else if (old != MAP_FAILED && step > 0)
        emit_map(old, bytes, WIRE_MAP_NEW, &frame);
    return old;
}
