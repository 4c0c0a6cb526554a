/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The symbolizer's reading of files for builds by cargo: instead of elfutils, libiberty and
 * liblzma, whose headers few systems have, the crates behind crates.h. It stands for object.c,
 * names_table.c, debug.c, unit.c, scope.c, demangle.c and minidebug-lzma.c.
 */
#include "symbol/crates.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "symbol/debug.h"
#include "symbol/minidebug.h"

enum {
    CRATES_HEADER_BYTES_MIN = 52,    /* an ELF32 file header */
    CRATES_NAME_BYTES_MAX = 8 << 10, /* up to here a mangled name is looked at */
};

struct debug {
    struct crates_debug *crates;
    struct crates_frame frames[SYMBOL_FRAMES_MAX];
};

static int crates_open_bytes(struct object *object, const uint8_t *bytes,
                             const struct object_limits *limits)
{
    uint64_t max;
    if (__builtin_mul_overflow(object->file_bytes, limits->section_ratio_max, &max) ||
        max > limits->section_bytes_max)
        max = limits->section_bytes_max;
    int err = crates_elf_open(bytes, object->file_bytes, max, &object->elf);
    if (err == 0)
        object->build_id_bytes =
                crates_elf_build_id(object->elf, object->build_id, sizeof object->build_id);
    return err;
}

static int crates_open_fd(struct object *ret_object, int fd, const char *path,
                          const struct object_limits *limits)
{
    struct stat status;
    struct object object = {0};
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size < CRATES_HEADER_BYTES_MIN)
        return ERR_FORMAT;
    object.file_bytes = (uint64_t)status.st_size;
    object.device = status.st_dev;
    object.inode = status.st_ino;
    void *bytes = mmap(NULL, object.file_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return ERR_MEMORY;
    object.path = strdup(path);
    int err = object.path ? crates_open_bytes(&object, bytes, limits) : ERR_MEMORY;
    if (err < 0) {
        munmap(bytes, object.file_bytes);
        free(object.path);
        return err;
    }
    *ret_object = object;
    return 0;
}

int object_open(struct object *ret_object, int fd, const char *path,
                const struct object_limits *limits)
{
    /* O_NONBLOCK: a FIFO of that name must not hold us up. */
    int own = fd >= 0 ? fd : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (own < 0)
        return errno == EACCES ? ERR_DENIED : ERR_MISSING;
    int err = crates_open_fd(ret_object, own, path, limits);
    if (fd < 0)
        close(own);
    return err;
}

int object_open_memory(struct object *ret_object, char *bytes, size_t n,
                       const struct object_limits *limits)
{
    struct object object = {.file_bytes = n};
    int err = crates_open_bytes(&object, (const uint8_t *)bytes, limits);
    if (err == 0)
        *ret_object = object;
    return err;
}

void object_done(struct object *object)
{
    size_t n;
    const uint8_t *bytes = object->elf ? object_bytes(object, &n) : NULL;
    crates_elf_free(object->elf);
    if (object->path && bytes)
        munmap((void *)(uintptr_t)bytes, object->file_bytes);
    free(object->path);
    *object = (struct object){0};
}

const uint8_t *object_bytes(const struct object *object, size_t *ret_n)
{
    return crates_elf_section(object->elf, NULL, 0, ret_n);
}

const uint8_t *object_section_bytes(const struct object *object, const char *name, size_t *ret_n)
{
    return crates_elf_section(object->elf, (const uint8_t *)name, strlen(name), ret_n);
}

bool object_has_debug(const struct object *object)
{
    size_t n;
    return object_section_bytes(object, ".debug_info", &n) ||
           object_section_bytes(object, ".zdebug_info", &n);
}

bool object_is_same_file(const struct object *a, const struct object *b)
{
    return a->device == b->device && a->inode == b->inode;
}

static int crates_offer(void *context, const struct names_symbol *symbol)
{
    return names_offer(context, symbol);
}

int names_add(struct names *names, const struct object *object, bool dynamic)
{
    return crates_elf_symbols(object->elf, dynamic, crates_offer, names);
}

int debug_open(struct debug **ret_debug, const struct object *object,
               const struct object *alternate)
{
    struct debug *debug = calloc(1, sizeof *debug);
    if (!debug)
        return ERR_MEMORY;
    int err = crates_debug_open(object->elf, alternate->elf, &debug->crates);
    if (err < 0) {
        free(debug);
        return err;
    }
    *ret_debug = debug;
    return 0;
}

void debug_free(struct debug *debug)
{
    if (debug)
        crates_debug_free(debug->crates);
    free(debug);
}

bool debug_has_units(const struct debug *debug)
{
    return debug->crates != NULL;
}

static bool crates_is_mangled(const char *name)
{
    return name && name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
}

/* Its own mangled name, else that of the symbol table, else its plain one. */
static const char *crates_function_name(const struct debug_query *query,
                                        const struct crates_frame *frame)
{
    if (crates_is_mangled(frame->name))
        return readable_name(query->readable, frame->name);
    const struct names_entry *entry =
            frame->is_last ? names_find(query->names, query->address) : NULL;
    if (entry && (crates_is_mangled(entry->name) || !frame->name))
        return readable_name(query->readable, entry->name);
    return frame->name;
}

size_t debug_frames(struct debug *debug, struct debug_query *query)
{
    size_t n = crates_debug_frames(debug->crates, query->address, debug->frames, SYMBOL_FRAMES_MAX);
    for (size_t i = 0; i < n; i++) {
        const struct crates_frame *frame = &debug->frames[i];
        query->frames[i] = (struct symbol_frame){
                .function = crates_function_name(query, frame),
                .file = frame->file,
                .line = frame->line,
                .inlined = !frame->is_last,
        };
    }
    /* A place without a function or a file is none. */
    return n == 1 && !query->frames[0].function && !query->frames[0].file ? 0 : n;
}

static void crates_add_text(void *context, const uint8_t *bytes, size_t n)
{
    text_add_n(context, (const char *)bytes, n);
}

bool symbol_demangle(struct text *text, const char *mangled)
{
    size_t n = strnlen(mangled, CRATES_NAME_BYTES_MAX + 1), start = text->n;
    if (!crates_is_mangled(mangled) || n > CRATES_NAME_BYTES_MAX ||
        !crates_demangle((const uint8_t *)mangled, n, SYMBOL_NAME_BYTES_MAX, crates_add_text, text))
        return false;
    return !text->failed && text->n > start;
}

/* Bytes that were unpacked. */
struct crates_bytes {
    char *at;
    size_t n;
};

static void crates_keep_bytes(void *context, const uint8_t *bytes, size_t n)
{
    struct crates_bytes *kept = context;
    kept->at = malloc(n ? n : 1);
    kept->n = n;
    if (kept->at)
        memcpy(kept->at, bytes, n);
}

int minidebug_unpack(const uint8_t *packed, size_t packed_n, size_t max, char **ret_bytes,
                     size_t *ret_n)
{
    struct crates_bytes bytes = {0};
    int err = crates_unpack(packed, packed_n, max, crates_keep_bytes, &bytes);
    if (err < 0)
        return err;
    if (!bytes.at)
        return ERR_MEMORY;
    *ret_bytes = bytes.at;
    *ret_n = bytes.n;
    return 0;
}
