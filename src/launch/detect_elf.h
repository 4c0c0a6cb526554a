/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What detection reads of an ELF file. The file is hostile: every offset and size is checked
 * against the file's own size before it is used, and nothing is mapped.
 */
#ifndef MEMSCOPE_LAUNCH_DETECT_ELF_H
#define MEMSCOPE_LAUNCH_DETECT_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DETECT_SEGMENTS_MAX = 64, DETECT_SECTIONS_MAX = 4096, DETECT_SECTION_BYTES_MAX = 1 << 29 };

struct detect_elf {
    int fd;
    uint64_t file_bytes;
    bool fixed; /* linked to an address of its own: pointers are in the file as they are */
    uint32_t segment_n, section_n;
    Elf64_Phdr segments[DETECT_SEGMENTS_MAX];
    Elf64_Shdr *sections; /* malloc'd */
    char *section_names;
    size_t section_names_n;
    char *dynamic_strings; /* names of what it needs and imports */
    size_t dynamic_strings_n;
    Elf64_Sym *symbols; /* malloc'd; the import_n first ones are those that it imports */
    size_t symbol_n, import_n;
};

/* 0; ERR_MISSING: cannot be opened; ERR_FORMAT: no ELF file of this machine. */
int detect_elf_open(struct detect_elf *ret_elf, const char *path);
void detect_elf_done(struct detect_elf *elf);

/* A section's bytes with a 0 behind them, malloc'd; NULL: none, too large or outside the file. */
char *detect_elf_section(const struct detect_elf *elf, const char *name, size_t *ret_n);

/* Whether a dynamic symbol of this name comes from elsewhere, or is its own. */
bool detect_elf_imports(const struct detect_elf *elf, const char *name);
bool detect_elf_defines(const struct detect_elf *elf, const char *name);

/* True when it needs a library whose name begins so; *ret_name is valid as long as the view. */
bool detect_elf_needs(const struct detect_elf *elf, const char *prefix, const char **ret_name);

/* The bytes at an address of the file, as they are before anything is relocated. */
bool detect_elf_bytes(const struct detect_elf *elf, uint64_t address, void *ret_bytes, size_t n);

bool detect_elf_is_code(const struct detect_elf *elf, uint64_t address);

/*
 * The words that hold relocated constants (RELRO, or read-only data where addresses are fixed) as
 * they are after loading at 0, with the address of the first; malloc'd, NULL: none.
 */
uint64_t *detect_elf_constants(const struct detect_elf *elf, size_t *ret_n, uint64_t *ret_address);

#endif
