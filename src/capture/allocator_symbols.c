/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks for jemalloc in .symtab: as Rust's crates name it (_rjem_), with its usual prefix (je_), or
 * under malloc's own names. Every offset is checked against the file before it is used.
 */
#include "capture/allocator_symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "capture/cpu/x86_64/syscall.h"
#include "capture/module_elf.h"
#include "capture/process.h"

enum { SYMBOLS_CODE_MAX = 4 << 20 };

struct symbols_file {
    const char *at;
    uint64_t bytes;
};

static bool symbols_map(struct symbols_file *file)
{
    static const char path[] = "/proc/self/exe";
    struct stat status;
    long fd = syscall_6(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (fd < 0)
        return false;
    long at = -1;
    if (syscall_3(SYS_fstat, fd, (long)&status, 0) == 0 &&
        status.st_size >= (off_t)sizeof(Elf64_Ehdr)) {
        file->bytes = (uint64_t)status.st_size;
        at = syscall_6(SYS_mmap, 0, status.st_size, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    }
    syscall_3(SYS_close, fd, 0, 0);
    file->at = (const char *)at;
    return at > 0;
}

static const void *symbols_at(const struct symbols_file *file, uint64_t offset, uint64_t bytes)
{
    return offset <= file->bytes && bytes <= file->bytes - offset ? file->at + offset : NULL;
}

/* The section of that type, and the one that it links to. */
static bool symbols_sections(const struct symbols_file *file, const Elf64_Shdr **ret_symbols,
                             const Elf64_Shdr **ret_strings)
{
    const Elf64_Ehdr *header = symbols_at(file, 0, sizeof *header);
    if (!header || header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shoff % 8)
        return false;
    uint64_t n = header->e_shnum;
    const Elf64_Shdr *sections = symbols_at(file, header->e_shoff, n * sizeof *sections);
    for (uint64_t i = 0; sections && i < n; i++) {
        const Elf64_Shdr *section = &sections[i];
        if (section->sh_type != SHT_SYMTAB || section->sh_link >= n || section->sh_offset % 8)
            continue;
        const Elf64_Shdr *strings = &sections[section->sh_link];
        if (!symbols_at(file, section->sh_offset, section->sh_size) ||
            !symbols_at(file, strings->sh_offset, strings->sh_size))
            return false;
        *ret_symbols = section;
        *ret_strings = strings;
        return true;
    }
    return false;
}

/* What follows prefix in text, NULL when it does not begin so. */
static const char *symbols_behind(const char *text, const char *prefix)
{
    while (*prefix) {
        if (*text++ != *prefix++)
            return NULL;
    }
    return text;
}

static bool symbols_is(const char *text, const char *name)
{
    const char *rest = symbols_behind(text, name);
    return rest && !*rest;
}

static void symbols_note(struct allocator_symbols *found, const char *name, uintptr_t address)
{
    static const struct {
        const char *name;
        size_t offset;
    } entries[] = {
            {"mallctl", offsetof(struct allocator_symbols, mallctl)},
            {"malloc", offsetof(struct allocator_symbols, malloc)},
            {"mallocx", offsetof(struct allocator_symbols, mallocx)},
            {"realloc", offsetof(struct allocator_symbols, realloc)},
            {"rallocx", offsetof(struct allocator_symbols, rallocx)},
            {"free", offsetof(struct allocator_symbols, free)},
            {"sdallocx", offsetof(struct allocator_symbols, sdallocx)},
            {"malloc_usable_size", offsetof(struct allocator_symbols, malloc_usable_size)},
    };
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        if (symbols_is(name, entries[i].name))
            *(uintptr_t *)(void *)((char *)found + entries[i].offset) = address;
    }
}

/* Counts a function of the allocator to its code. */
static void symbols_extend(struct allocator_symbols *found, uintptr_t address, uint64_t bytes)
{
    if (!found->start || address < found->start)
        found->start = address;
    if (address + bytes > found->end)
        found->end = address + bytes;
}

enum { SYMBOLS_RUST, SYMBOLS_PREFIXED, SYMBOLS_PLAIN, SYMBOLS_NAMINGS };

static void symbols_scan(const struct symbols_file *file, const Elf64_Shdr *table,
                         const Elf64_Shdr *strings, uintptr_t bias,
                         struct allocator_symbols found[SYMBOLS_NAMINGS])
{
    static const char *const prefixes[] = {"_rjem_", "je_", ""};
    const Elf64_Sym *symbols = symbols_at(file, table->sh_offset, table->sh_size);
    const char *text = symbols_at(file, strings->sh_offset, strings->sh_size);
    if (strings->sh_size == 0 || text[strings->sh_size - 1])
        return;
    for (uint64_t i = 0; i < table->sh_size / sizeof *symbols; i++) {
        const Elf64_Sym *symbol = &symbols[i];
        if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF ||
            symbol->st_name >= strings->sh_size)
            continue;
        const char *name = text + symbol->st_name;
        for (unsigned naming = 0; naming < SYMBOLS_NAMINGS; naming++) {
            const char *rest = symbols_behind(name, prefixes[naming]);
            if (!rest)
                continue;
            if (ELF64_ST_BIND(symbol->st_info) != STB_LOCAL)
                symbols_note(&found[naming], rest, symbol->st_value + bias);
            if (*prefixes[naming])
                symbols_extend(&found[naming], symbol->st_value + bias, symbol->st_size);
            break;
        }
    }
    /* Under malloc's own names its inner functions still have the usual prefix. */
    found[SYMBOLS_PLAIN].start = found[SYMBOLS_PREFIXED].start;
    found[SYMBOLS_PLAIN].end = found[SYMBOLS_PREFIXED].end;
}

static bool symbols_bias(uintptr_t *ret_bias)
{
    const struct module_config config = {.exe_headers = process.exe_headers,
                                         .exe_headers_count = process.exe_header_n,
                                         .exe_name = process.exe_name};
    struct module_headers headers;
    if (!module_headers_of_exe(&config, &headers))
        return false;
    *ret_bias = headers.bias;
    return true;
}

bool allocator_symbols_read(struct allocator_symbols *ret_symbols)
{
    struct symbols_file file;
    struct allocator_symbols found[SYMBOLS_NAMINGS] = {0};
    const Elf64_Shdr *table, *strings;
    uintptr_t bias;
    if (!process_may_map() || !symbols_bias(&bias) || !symbols_map(&file))
        return false;
    if (symbols_sections(&file, &table, &strings))
        symbols_scan(&file, table, strings, bias, found);
    syscall_3(SYS_munmap, (long)file.at, (long)file.bytes, 0);
    for (unsigned naming = 0; naming < SYMBOLS_NAMINGS; naming++) {
        struct allocator_symbols *entry = &found[naming];
        if (!entry->mallctl || (!entry->malloc && !entry->mallocx))
            continue;
        if (entry->end - entry->start > SYMBOLS_CODE_MAX)
            entry->start = entry->end = 0; /* scattered: nothing is told by it */
        *ret_symbols = *entry;
        return true;
    }
    return false;
}
