/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of symbol tables.
 *
 * Entries are sorted by address and made unique per address (the best name stays). Each knows the
 * nearest entry before it that reaches further, so that a find walks out of small symbols into the
 * larger ones around them, which are few.
 */
#include "symbol/names.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

/* Among aliases the name that people know: a function, without underscores, global. */
static uint8_t names_rank(const GElf_Sym *symbol, const char *name)
{
    unsigned binding = GELF_ST_BIND(symbol->st_info);
    unsigned type = GELF_ST_TYPE(symbol->st_info);
    bool is_mangled = name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
    unsigned rank = type == STT_NOTYPE ? 16 : 0;
    rank += name[0] == '_' && !is_mangled ? 4 : 0;
    rank += binding == STB_GLOBAL ? 0 : binding == STB_WEAK ? 1 : 2;
    return (uint8_t)rank;
}

static bool names_wants(const GElf_Sym *symbol, const char *name)
{
    unsigned type = GELF_ST_TYPE(symbol->st_info);
    if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
        return false;
    if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS || symbol->st_value == 0)
        return false;
    /* Local $x, $a, $d mark code and data on some processors. */
    return name[0] && name[0] != '$';
}

/* A table under way. */
struct names_table {
    const struct object *object;
    Elf_Data *symbols;
    Elf_Data *extended; /* section numbers beyond 16 bits; NULL: none */
    const char *strings;
    size_t strings_n;
};

static bool names_table_open(struct names_table *table, const struct object *object, bool dynamic)
{
    *table = (struct names_table){.object = object};
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    while ((section = elf_nextscn(object->elf, section))) {
        if (gelf_getshdr(section, &header) && header.sh_type == (dynamic ? SHT_DYNSYM : SHT_SYMTAB))
            break;
    }
    if (!section)
        return false;
    table->symbols = elf_getdata(section, NULL);
    Elf_Scn *string_section = elf_getscn(object->elf, header.sh_link);
    Elf_Data *strings = string_section ? elf_getdata(string_section, NULL) : NULL;
    if (!table->symbols || !table->symbols->d_buf || !strings || !strings->d_buf)
        return false;
    table->strings = strings->d_buf;
    table->strings_n = strings->d_size;
    int extended = elf_scnshndx(section);
    if (extended > 0)
        table->extended = elf_getdata(elf_getscn(object->elf, (size_t)extended), NULL);
    /* A last byte of 0 ends every string: then offsets alone need checks. */
    return table->strings_n > 0 && table->strings[table->strings_n - 1] == 0;
}

/* The end of the section that holds the symbol, or 0 when it holds no code. */
static uint64_t names_section_end(const struct names_table *table, const GElf_Sym *symbol,
                                  Elf32_Word extended)
{
    size_t index = symbol->st_shndx == SHN_XINDEX ? extended : symbol->st_shndx;
    Elf_Scn *section = elf_getscn(table->object->elf, index);
    GElf_Shdr header;
    if (!section || !gelf_getshdr(section, &header) || !(header.sh_flags & SHF_EXECINSTR))
        return 0;
    uint64_t end;
    if (symbol->st_value < header.sh_addr ||
        __builtin_add_overflow(header.sh_addr, header.sh_size, &end) || symbol->st_value >= end)
        return 0;
    return end;
}

int names_add(struct names *names, const struct object *object, bool dynamic)
{
    struct names_table table;
    if (!names_table_open(&table, object, dynamic))
        return 0;
    size_t entry_bytes = gelf_fsize(object->elf, ELF_T_SYM, 1, EV_CURRENT);
    size_t n = entry_bytes ? table.symbols->d_size / entry_bytes : 0;
    for (size_t i = 1; i < n && i < INT32_MAX; i++) {
        GElf_Sym symbol;
        Elf32_Word extended = 0;
        if (!gelf_getsymshndx(table.symbols, table.extended, (int)i, &symbol, &extended) ||
            symbol.st_name >= table.strings_n)
            continue;
        const char *name = table.strings + symbol.st_name;
        if (!names_wants(&symbol, name))
            continue;
        uint64_t section_end = names_section_end(&table, &symbol, extended);
        if (!section_end)
            continue;
        struct names_entry entry = {.low = symbol.st_value, .name = name, .outer = NAMES_NONE};
        entry.rank = names_rank(&symbol, name);
        entry.unsized = symbol.st_size == 0;
        entry.high = section_end;
        if (symbol.st_size && symbol.st_size < section_end - symbol.st_value)
            entry.high = symbol.st_value + symbol.st_size;
        if (!VEC_PUSH(&names->entries, NAMES_MAX, entry))
            return ERR_MEMORY;
    }
    return 0;
}

static int names_compare(const void *left, const void *right)
{
    const struct names_entry *a = left, *b = right;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    if (a->unsized != b->unsized)
        return a->unsized ? 1 : -1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    size_t a_n = strlen(a->name), b_n = strlen(b->name);
    if (a_n != b_n)
        return a_n < b_n ? -1 : 1;
    return strcmp(a->name, b->name);
}

void names_finish(struct names *names)
{
    struct names_entry *at = names->entries.at;
    size_t n = names->entries.n, kept = 0;
    if (n == 0)
        return;
    qsort(at, n, sizeof *at, names_compare);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || at[i].low != at[kept - 1].low)
            at[kept++] = at[i];
    }
    names->entries.n = kept;
    uint32_t outer = NAMES_NONE;
    for (size_t i = 0; i < kept; i++) {
        if (at[i].unsized && i + 1 < kept && at[i + 1].low < at[i].high)
            at[i].high = at[i + 1].low;
        while (outer != NAMES_NONE && at[outer].high <= at[i].low)
            outer = at[outer].outer;
        at[i].outer = outer;
        outer = (uint32_t)i;
    }
}

const struct names_entry *names_find(const struct names *names, uint64_t address)
{
    size_t low = 0, high = names->entries.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (names->entries.at[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t i = low ? (uint32_t)(low - 1) : NAMES_NONE;
    while (i != NAMES_NONE && names->entries.at[i].high <= address)
        i = names->entries.at[i].outer;
    return i == NAMES_NONE ? NULL : &names->entries.at[i];
}

void names_done(struct names *names)
{
    vec_done(&names->entries);
}
