/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jemalloc, mimalloc and tcmalloc are known by messages and names of properties that only they
 * hold; CPython by its name. The files of most programs are never read: what they hold is what they
 * have allocated.
 */
#include "collect/allocators.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum {
    ALLOCATORS_FILE_MAX = 256 << 20, /* bytes that are looked through */
    ALLOCATORS_PIECE = 256 << 10,
    ALLOCATORS_MESSAGE_MAX = 64, /* longer than any that is known */
    ALLOCATORS_ENVIRON_MAX = 4 << 20,
    ALLOCATORS_MUCH = 8 << 20,           /* bytes that are no recorded block */
    ALLOCATORS_MUCH_LIMITED = 128 << 20, /* ... before a session with a percent budget asks why */
};

static const struct {
    const char *message, *name;
} allocators_known[] = {
        {"<jemalloc>: ", "jemalloc"},
        {"mimalloc: error: ", "mimalloc"},
        {"mimalloc: warning: ", "mimalloc"},
        {"tcmalloc: large alloc", "tcmalloc"},
        {"tcmalloc.max_total_thread_cache_bytes", "tcmalloc"},
};

/* The name of the allocator whose message stands at "alloc"; NULL: none that is known. */
static const char *allocators_at(const char *bytes, size_t n, size_t alloc)
{
    for (size_t i = 0; i < sizeof allocators_known / sizeof *allocators_known; i++) {
        const char *message = allocators_known[i].message;
        size_t before = (size_t)(strstr(message, "alloc") - message), length = strlen(message);
        if (before <= alloc && length <= n - (alloc - before) &&
            memcmp(bytes + alloc - before, message, length) == 0)
            return allocators_known[i].name;
    }
    return NULL;
}

static const char *allocators_in_piece(const char *bytes, size_t n)
{
    const char *name = NULL;
    for (size_t at = 0; !name && at < n;) {
        const char *found = memmem(bytes + at, n - at, "alloc", 5);
        if (!found)
            break;
        size_t alloc = (size_t)(found - bytes);
        name = allocators_at(bytes, n, alloc);
        at = alloc + 5;
    }
    return name;
}

/* Looks through a part of the file in pieces, each with the end of the one before it. */
static const char *allocators_in_part(int fd, const Elf64_Phdr *part)
{
    const char *name = NULL;
    size_t kept = 0;
    char *piece = malloc(ALLOCATORS_PIECE);
    for (uint64_t at = 0; piece && !name && at < part->p_filesz;) {
        uint64_t left = part->p_filesz - at;
        size_t room = ALLOCATORS_PIECE - kept, wanted = left < room ? left : room;
        ssize_t n = pread(fd, piece + kept, wanted, (off_t)(part->p_offset + at));
        if (n <= 0)
            break;
        at += (size_t)n;
        size_t all = kept + (size_t)n;
        name = allocators_in_piece(piece, all);
        kept = all < ALLOCATORS_MESSAGE_MAX ? all : ALLOCATORS_MESSAGE_MAX;
        memmove(piece, piece + all - kept, kept);
    }
    free(piece);
    return name;
}

/* Of the parts that are loaded for reading only: messages lie there. */
static const char *allocators_in_elf(int fd)
{
    Elf64_Ehdr header;
    const char *name = NULL;
    uint64_t left = ALLOCATORS_FILE_MAX;
    if (pread(fd, &header, sizeof header, 0) != sizeof header)
        return NULL;
    for (size_t i = 0; !name && i < header.e_phnum; i++) {
        Elf64_Phdr part;
        if (pread(fd, &part, sizeof part, (off_t)(header.e_phoff + i * sizeof part)) != sizeof part)
            break;
        if (part.p_type != PT_LOAD || part.p_flags & (PF_W | PF_X) || part.p_filesz > left)
            continue;
        left -= part.p_filesz;
        name = allocators_in_part(fd, &part);
    }
    return name;
}

/* The name of the allocator in the executable's file; NULL: none that is known. */
static const char *allocators_in_file(int pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    const char *name = allocators_in_elf(fd);
    close(fd);
    return name;
}

/* CPython without PYTHONMALLOC=malloc: small objects come out of arenas. */
static bool allocators_is_pymalloc(const struct model *model, const struct image *image)
{
    const char *exe = model_string_at(model, model->processes.at[image->process].exe);
    const char *base = strrchr(exe, '/');
    if (strncmp(base ? base + 1 : exe, "python", 6) != 0)
        return false;
    char path[64], *text;
    size_t n;
    snprintf(path, sizeof path, "/proc/%d/environ", image->pid);
    if (file_read_all(path, ALLOCATORS_ENVIRON_MAX, &text, &n, NULL) < 0)
        return false;
    static const char wanted[] = "PYTHONMALLOC=malloc";
    bool plain = false;
    for (const char *at = text; !plain && at < text + n; at += strlen(at) + 1)
        plain = strncmp(at, wanted, sizeof wanted - 1) == 0;
    free(text);
    return !plain;
}

static void allocators_set(struct model *model, const struct image *image, const char *name,
                           enum model_allocator is)
{
    struct model_process *process = &model->processes.at[image->process];
    uint32_t string = model_string_add(model, name, strlen(name));
    process->allocator = string == MODEL_NONE ? 0 : string;
    process->allocator_is = is;
}

/* Its hooks may come a moment after it was looked at: then it is recorded after all. */
static bool allocators_is_settled(const struct model *model, const struct image *image,
                                  uint32_t flags)
{
    return image->allocator_known &&
           !(flags & WIRE_PROCESS_JEMALLOC &&
             model->processes.at[image->process].allocator_is == ALLOCATOR_UNSEEN);
}

void allocators_name(struct images *images, struct image *image)
{
    struct model *model = images->model;
    const struct model_process *process = &model->processes.at[image->process];
    uint32_t flags = atomic_load(&wire_process_at(images->segment->at, image->slot)->flags);
    uint64_t live = process->sums.live_bytes;
    uint64_t other = image->rss_bytes > live ? image->rss_bytes - live : 0;
    if (allocators_is_settled(model, image, flags))
        return;
    bool own = flags & (WIRE_PROCESS_OWN_ALLOCATOR | WIRE_PROCESS_JEMALLOC_UNSEEN);
    uint64_t least =
            images->segment->at->config.is_limited ? ALLOCATORS_MUCH_LIMITED : ALLOCATORS_MUCH;
    bool much = process->mapped_bytes >= least && other >= least;
    if (flags & WIRE_PROCESS_JEMALLOC) {
        image->allocator_known = true;
        allocators_set(model, image, "jemalloc", ALLOCATOR_RECORDED);
    } else if (own || much) {
        image->allocator_known = true;
        /* CPython since 3.13 has mimalloc in it for its build without a lock, and uses it there. */
        bool arenas = !own && allocators_is_pymalloc(model, image);
        const char *name = arenas ? NULL : allocators_in_file(image->pid);
        if (arenas)
            allocators_set(model, image, "pymalloc", ALLOCATOR_ARENAS);
        else if (name || own)
            allocators_set(model, image, name ? name : "an allocator", ALLOCATOR_UNSEEN);
    }
}

void allocators_name_ended(struct images *images, struct image *image)
{
    uint32_t flags = atomic_load(&wire_process_at(images->segment->at, image->slot)->flags);
    if (allocators_is_settled(images->model, image, flags))
        return;
    if (flags & WIRE_PROCESS_JEMALLOC)
        allocators_set(images->model, image, "jemalloc", ALLOCATOR_RECORDED);
    else if (flags & WIRE_PROCESS_JEMALLOC_UNSEEN)
        allocators_set(images->model, image, "jemalloc", ALLOCATOR_UNSEEN);
    else if (flags & WIRE_PROCESS_OWN_ALLOCATOR)
        allocators_set(images->model, image, "an allocator", ALLOCATOR_UNSEEN);
}
