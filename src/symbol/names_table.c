/* SPDX-License-Identifier: Apache-2.0 */
/* Reading symbol tables by libelf. */
#include "symbol/names.h"

#include <gelf.h>

#include "base/diag.h"

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
    if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS)
        return 0;
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
        struct names_symbol offered = {
                .name = table.strings + symbol.st_name,
                .value = symbol.st_value,
                .bytes = symbol.st_size,
                .section_end = names_section_end(&table, &symbol, extended),
                .info = symbol.st_info,
        };
        int err = names_offer(names, &offered);
        if (err < 0)
            return err;
    }
    return 0;
}
