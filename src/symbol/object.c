/* SPDX-License-Identifier: Apache-2.0 */
/* Opening ELF files: what they are is checked before a library reads them. */
#include "symbol/object.h"

#include <elfutils/libdwelf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"

enum {
    OBJECT_SECTIONS_MAX = 1 << 20,
    OBJECT_HEADER_BYTES_MIN = 52, /* an ELF32 file header */
};

/* Bytes that a section will take when unpacked; its size in the file if it is not packed. */
static uint64_t object_unpacked_bytes(Elf_Scn *section, const GElf_Shdr *header, const char *name)
{
    if (header->sh_flags & SHF_COMPRESSED) {
        GElf_Chdr compression;
        return gelf_getchdr(section, &compression) ? compression.ch_size : UINT64_MAX;
    }
    if (strncmp(name, ".zdebug", 7) != 0)
        return header->sh_size;
    /* "ZLIB" and the size, big-endian: the form that came before SHF_COMPRESSED. */
    Elf_Data *data = elf_rawdata(section, NULL);
    uint64_t size;
    if (!data || !data->d_buf || data->d_size < 4 + sizeof size || memcmp(data->d_buf, "ZLIB", 4))
        return header->sh_size;
    memcpy(&size, (char *)data->d_buf + 4, sizeof size);
    return be64toh(size);
}

static int object_check_sections(const struct object *object, const struct object_limits *limits)
{
    size_t names, n = 0;
    if (elf_getshdrnum(object->elf, &n) != 0 || elf_getshdrstrndx(object->elf, &names) != 0)
        return ERR_FORMAT;
    if (n > OBJECT_SECTIONS_MAX)
        return ERR_LIMIT;
    uint64_t file_max;
    if (__builtin_mul_overflow(object->file_bytes, limits->section_ratio_max, &file_max))
        file_max = UINT64_MAX;
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(object->elf, section))) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header))
            return ERR_FORMAT;
        if (header.sh_type == SHT_NOBITS)
            continue;
        const char *name = elf_strptr(object->elf, names, header.sh_name);
        uint64_t bytes = object_unpacked_bytes(section, &header, name ? name : "");
        bool is_packed = bytes != header.sh_size;
        if (is_packed && (bytes > limits->section_bytes_max || bytes > file_max))
            return ERR_LIMIT;
    }
    return 0;
}

static int object_check(struct object *object, const struct object_limits *limits)
{
    if (!object->elf || elf_kind(object->elf) != ELF_K_ELF)
        return ERR_FORMAT;
    const void *build_id = NULL;
    ssize_t n = dwelf_elf_gnu_build_id(object->elf, &build_id);
    if (n > 0 && n <= SYMBOL_BUILD_ID_BYTES_MAX) {
        memcpy(object->build_id, build_id, (size_t)n);
        object->build_id_bytes = (size_t)n;
    }
    return object_check_sections(object, limits);
}

/* Takes over fd. */
static int object_open_fd(struct object *ret_object, int fd, const char *path,
                          const struct object_limits *limits)
{
    struct stat status;
    struct object object = {0};
    int err = ERR_FORMAT;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_size >= OBJECT_HEADER_BYTES_MIN) {
        object.file_bytes = (uint64_t)status.st_size;
        object.device = status.st_dev;
        object.inode = status.st_ino;
        object.path = strdup(path);
        object.elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
        err = object.path ? object_check(&object, limits) : ERR_MEMORY;
        if (err == 0)
            elf_cntl(object.elf, ELF_C_FDDONE);
    }
    close(fd);
    if (err < 0) {
        object_done(&object);
        return err;
    }
    *ret_object = object;
    return 0;
}

int object_open(struct object *ret_object, int fd, const char *path,
                const struct object_limits *limits)
{
    elf_version(EV_CURRENT);
    /* O_NONBLOCK: a FIFO of that name must not hold us up. */
    int own = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3)
                      : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (own < 0)
        return errno == EACCES ? ERR_DENIED : ERR_MISSING;
    return object_open_fd(ret_object, own, path, limits);
}

int object_open_memory(struct object *ret_object, char *bytes, size_t n,
                       const struct object_limits *limits)
{
    elf_version(EV_CURRENT);
    struct object object = {.file_bytes = n};
    object.elf = elf_memory(bytes, n);
    int err = object_check(&object, limits);
    if (err < 0) {
        object_done(&object);
        return err;
    }
    *ret_object = object;
    return 0;
}

void object_done(struct object *object)
{
    if (object->elf)
        elf_end(object->elf);
    free(object->path);
    *object = (struct object){0};
}

/* The section of that name, or NULL. */
static Elf_Scn *object_section(const struct object *object, const char *name)
{
    size_t names;
    if (elf_getshdrstrndx(object->elf, &names) != 0)
        return NULL;
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(object->elf, section))) {
        GElf_Shdr header;
        const char *found = gelf_getshdr(section, &header)
                                    ? elf_strptr(object->elf, names, header.sh_name)
                                    : NULL;
        if (found && strcmp(found, name) == 0)
            return section;
    }
    return NULL;
}

const uint8_t *object_section_bytes(const struct object *object, const char *name, size_t *ret_n)
{
    Elf_Scn *section = object_section(object, name);
    GElf_Shdr header;
    if (!section || !gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS)
        return NULL;
    Elf_Data *data = elf_rawdata(section, NULL);
    if (!data || !data->d_buf || data->d_size == 0)
        return NULL;
    *ret_n = data->d_size;
    return data->d_buf;
}

const uint8_t *object_bytes(const struct object *object, size_t *ret_n)
{
    return (const uint8_t *)elf_rawfile(object->elf, ret_n);
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
