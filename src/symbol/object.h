/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One ELF file, opened with suspicion: a regular file, whose sections unpack within limits.
 *
 * Two sets of files stand behind this header, names_add, debug.h, minidebug_unpack and
 * symbol_demangle: those of elfutils and libiberty, and crates.c for builds by cargo.
 */
#ifndef MEMSCOPE_SYMBOL_OBJECT_H
#define MEMSCOPE_SYMBOL_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "symbol/symbol.h"

struct Elf; /* what the library that reads it knows of it */

struct object {
    struct Elf *elf; /* NULL: not open */
    char *path;      /* malloc'd: where it was found */
    uint64_t file_bytes;
    dev_t device;
    ino_t inode;
    uint8_t build_id[SYMBOL_BUILD_ID_BYTES_MAX];
    size_t build_id_bytes; /* 0: none */
};

/* How far compressed sections may unfold. */
struct object_limits {
    uint64_t section_bytes_max;
    uint32_t section_ratio_max;
};

/*
 * Opens the file of fd (>= 0; stays the caller's) or path. ERR_MISSING: no such file; ERR_FORMAT:
 * no ELF file; ERR_LIMIT: it would unpack beyond the limits.
 */
int object_open(struct object *ret_object, int fd, const char *path,
                const struct object_limits *limits);

/* Opens ELF bytes in memory, which stay the caller's and must outlive the object. */
int object_open_memory(struct object *ret_object, char *bytes, size_t n,
                       const struct object_limits *limits);
void object_done(struct object *object);

/* The bytes of a section as they are in the file; NULL: absent, empty or outside the file. */
const uint8_t *object_section_bytes(const struct object *object, const char *name, size_t *ret_n);

/* The whole file; NULL: it cannot be read. */
const uint8_t *object_bytes(const struct object *object, size_t *ret_n);

/* True when it holds DWARF of its own (compressed or not). */
bool object_has_debug(const struct object *object);

bool object_is_same_file(const struct object *a, const struct object *b);

#endif
