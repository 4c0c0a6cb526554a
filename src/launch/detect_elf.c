/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an ELF file piece by piece, with suspicion. */
#include "launch/detect_elf.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/memory.h"

enum { DETECT_ELF_LARGE = 128 << 10 };

/* n bytes at an offset, with a 0 behind them; NULL: they are not all there. */
static char *detect_elf_read(const struct detect_elf *elf, uint64_t at, uint64_t n)
{
    if (n == 0 || n > DETECT_SECTION_BYTES_MAX || at > elf->file_bytes || n > elf->file_bytes - at)
        return NULL;
    char *bytes = malloc(n + 1);
    uint64_t have = 0;
    if (bytes && n >= DETECT_ELF_LARGE)
        memory_expect(bytes, bytes + n);
    while (bytes && have < n) {
        ssize_t got = pread(elf->fd, bytes + have, n - have, (off_t)(at + have));
        if (got <= 0) {
            free(bytes);
            return NULL;
        }
        have += (uint64_t)got;
    }
    if (bytes)
        bytes[n] = 0;
    return bytes;
}

static bool detect_elf_read_segments(struct detect_elf *elf, const Elf64_Ehdr *header)
{
    if (header->e_phentsize != sizeof *elf->segments || header->e_phnum > DETECT_SEGMENTS_MAX)
        return false;
    uint64_t n = (uint64_t)header->e_phnum * sizeof *elf->segments;
    char *bytes = detect_elf_read(elf, header->e_phoff, n);
    if (!bytes)
        return false;
    memcpy(elf->segments, bytes, n);
    elf->segment_n = header->e_phnum;
    free(bytes);
    return true;
}

/* Sections are extra: without them a file is judged by less. */
static void detect_elf_read_sections(struct detect_elf *elf, const Elf64_Ehdr *header)
{
    if (header->e_shentsize != sizeof *elf->sections || header->e_shnum > DETECT_SECTIONS_MAX ||
        header->e_shstrndx >= header->e_shnum)
        return;
    uint64_t n = (uint64_t)header->e_shnum * sizeof *elf->sections;
    elf->sections = (Elf64_Shdr *)(void *)detect_elf_read(elf, header->e_shoff, n);
    if (!elf->sections)
        return;
    const Elf64_Shdr *names = &elf->sections[header->e_shstrndx];
    elf->section_names = detect_elf_read(elf, names->sh_offset, names->sh_size);
    elf->section_names_n = elf->section_names ? names->sh_size : 0;
    elf->section_n = elf->section_names ? header->e_shnum : 0;
}

char *detect_elf_section(const struct detect_elf *elf, const char *name, size_t *ret_n)
{
    for (uint32_t i = 0; i < elf->section_n; i++) {
        const Elf64_Shdr *section = &elf->sections[i];
        if (section->sh_name >= elf->section_names_n || section->sh_type == SHT_NOBITS ||
            section->sh_flags & SHF_COMPRESSED ||
            strcmp(elf->section_names + section->sh_name, name) != 0)
            continue;
        char *bytes = detect_elf_read(elf, section->sh_offset, section->sh_size);
        *ret_n = bytes ? section->sh_size : 0;
        return bytes;
    }
    *ret_n = 0;
    return NULL;
}

/* Reads the dynamic symbols once, and puts those that it imports in front. */
static void detect_elf_read_symbols(struct detect_elf *elf)
{
    size_t n;
    elf->symbols = (Elf64_Sym *)(void *)detect_elf_section(elf, ".dynsym", &n);
    elf->symbol_n = n / sizeof *elf->symbols;
    for (size_t i = 0; i < elf->symbol_n; i++) {
        Elf64_Sym symbol = elf->symbols[i];
        if (symbol.st_shndx != SHN_UNDEF)
            continue;
        elf->symbols[i] = elf->symbols[elf->import_n];
        elf->symbols[elf->import_n++] = symbol;
    }
}

static bool detect_elf_names(const struct detect_elf *elf, size_t from, size_t to, const char *name)
{
    for (size_t i = from; i < to; i++) {
        if (elf->symbols[i].st_name < elf->dynamic_strings_n &&
            strcmp(elf->dynamic_strings + elf->symbols[i].st_name, name) == 0)
            return true;
    }
    return false;
}

bool detect_elf_imports(const struct detect_elf *elf, const char *name)
{
    return detect_elf_names(elf, 0, elf->import_n, name);
}

bool detect_elf_defines(const struct detect_elf *elf, const char *name)
{
    return detect_elf_names(elf, elf->import_n, elf->symbol_n, name);
}

int detect_elf_open(struct detect_elf *ret_elf, const char *path)
{
    struct detect_elf elf = {.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat info;
    Elf64_Ehdr header;
    if (elf.fd < 0)
        return ERR_MISSING;
    bool good = fstat(elf.fd, &info) == 0 && S_ISREG(info.st_mode);
    elf.file_bytes = good ? (uint64_t)info.st_size : 0;
    good = good && pread(elf.fd, &header, sizeof header, 0) == (ssize_t)sizeof header &&
           memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
           header.e_machine == EM_X86_64 && detect_elf_read_segments(&elf, &header);
    if (!good) {
        close(elf.fd);
        return ERR_FORMAT;
    }
    elf.fixed = header.e_type == ET_EXEC;
    detect_elf_read_sections(&elf, &header);
    elf.dynamic_strings = detect_elf_section(&elf, ".dynstr", &elf.dynamic_strings_n);
    if (elf.dynamic_strings)
        detect_elf_read_symbols(&elf);
    *ret_elf = elf;
    return 0;
}

void detect_elf_done(struct detect_elf *elf)
{
    close(elf->fd);
    free(elf->sections);
    free(elf->section_names);
    free(elf->dynamic_strings);
    free(elf->symbols);
}

bool detect_elf_needs(const struct detect_elf *elf, const char *prefix, const char **ret_name)
{
    size_t n;
    bool found = false;
    char *bytes = detect_elf_section(elf, ".dynamic", &n);
    const Elf64_Dyn *entries = (const Elf64_Dyn *)(void *)bytes;
    for (size_t i = 0; bytes && i < n / sizeof *entries && !found; i++) {
        if (entries[i].d_tag != DT_NEEDED || entries[i].d_un.d_val >= elf->dynamic_strings_n)
            continue;
        const char *name = elf->dynamic_strings + entries[i].d_un.d_val;
        found = strncmp(name, prefix, strlen(prefix)) == 0;
        if (found && ret_name)
            *ret_name = name;
    }
    free(bytes);
    return found;
}

bool detect_elf_is_code(const struct detect_elf *elf, uint64_t address)
{
    for (uint32_t i = 0; i < elf->segment_n; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        if (segment->p_type == PT_LOAD && segment->p_flags & PF_X && address >= segment->p_vaddr &&
            address - segment->p_vaddr < segment->p_filesz)
            return true;
    }
    return false;
}

/* Puts the addends of relative relocations where the loader would put the addresses. */
static void detect_elf_relocate(const struct detect_elf *elf, uint64_t start, uint64_t *words,
                                size_t n)
{
    size_t bytes_n;
    char *bytes = detect_elf_section(elf, ".rela.dyn", &bytes_n);
    const Elf64_Rela *entries = (const Elf64_Rela *)(void *)bytes;
    for (size_t i = 0; bytes && i < bytes_n / sizeof *entries; i++) {
        uint64_t at = entries[i].r_offset - start;
        if (ELF64_R_TYPE(entries[i].r_info) == R_X86_64_RELATIVE && at % 8 == 0 && at / 8 < n)
            words[at / 8] = (uint64_t)entries[i].r_addend;
    }
    free(bytes);
}

uint64_t *detect_elf_constants(const struct detect_elf *elf, size_t *ret_n, uint64_t *ret_address)
{
    *ret_n = 0;
    for (uint32_t i = 0; i < elf->segment_n; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        bool holds = elf->fixed ? segment->p_type == PT_LOAD && segment->p_flags == PF_R &&
                                          segment->p_offset != 0
                                : segment->p_type == PT_GNU_RELRO;
        if (!holds || segment->p_vaddr % 8 != 0)
            continue;
        uint64_t *words =
                (uint64_t *)(void *)detect_elf_read(elf, segment->p_offset, segment->p_filesz);
        if (!words)
            continue;
        *ret_n = segment->p_filesz / 8;
        *ret_address = segment->p_vaddr;
        if (!elf->fixed)
            detect_elf_relocate(elf, segment->p_vaddr, words, *ret_n);
        return words;
    }
    return NULL;
}

bool detect_elf_bytes(const struct detect_elf *elf, uint64_t address, void *ret_bytes, size_t n)
{
    for (uint32_t i = 0; i < elf->segment_n; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        uint64_t at = address - segment->p_vaddr;
        if (segment->p_type == PT_LOAD && address >= segment->p_vaddr && at <= segment->p_filesz &&
            n <= segment->p_filesz - at)
            return pread(elf->fd, ret_bytes, n, (off_t)(segment->p_offset + at)) == (ssize_t)n;
    }
    return false;
}
