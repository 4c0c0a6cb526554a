/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the relocations of each module in the link map and stores our address in the slots of
 * functions that we hook. Only slots: a pointer that the program has taken before keeps what it
 * has. One store of 8 bytes, so that threads see the old function or the new one. Slots in memory
 * that the loader has made read-only are made writable for the store and stay so where their
 * former protection is not known from the module's own headers.
 */
#include "capture/late.h"

#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "capture/cpu/x86_64/syscall.h"
#include "capture/lane.h"
#include "capture/next.h"
#include "capture/process.h"
#include "capture/words.h"

enum { LATE_PAGE_BYTES = 4096, LATE_HEADERS_MAX = 64 };

struct late_module {
    const struct link_map *map;
    const ElfW(Sym) * symbols;
    const char *strings;
    const ElfW(Rela) * tables[2]; /* DT_RELA and DT_JMPREL */
    size_t bytes[2];
    uintptr_t relro, relro_end; /* whole pages that are read-only */
};

/* glibc relocates these entries in place, but not those of the vDSO. */
static const void *late_address(const struct link_map *map, ElfW(Addr) value)
{
    return (const void *)(value < map->l_addr ? value + map->l_addr : value);
}

/* The module's own headers, which shared objects begin with. */
static void late_read_headers(struct late_module *module)
{
    const ElfW(Ehdr) *header = (const void *)module->map->l_addr;
    const ElfW(Phdr) *segments = process.exe_headers;
    size_t n = process.exe_header_n;
    if (module->map != _r_debug.r_map) {
        if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
            header->e_phoff + header->e_phnum * sizeof *segments > LATE_PAGE_BYTES)
            return;
        segments = (const void *)(module->map->l_addr + header->e_phoff);
        n = header->e_phnum;
    }
    for (size_t i = 0; segments && i < n && i < LATE_HEADERS_MAX; i++) {
        if (segments[i].p_type != PT_GNU_RELRO)
            continue;
        uintptr_t start = module->map->l_addr + segments[i].p_vaddr;
        uintptr_t end = start + segments[i].p_memsz;
        module->relro = start & -(uintptr_t)LATE_PAGE_BYTES;
        module->relro_end = end & -(uintptr_t)LATE_PAGE_BYTES;
    }
}

static bool late_read(const struct link_map *map, struct late_module *ret_module)
{
    struct late_module module = {.map = map};
    if (!map->l_ld)
        return false;
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
        const void *address = late_address(map, entry->d_un.d_ptr);
        switch (entry->d_tag) {
        case DT_SYMTAB:
            module.symbols = address;
            break;
        case DT_STRTAB:
            module.strings = address;
            break;
        case DT_RELA:
            module.tables[0] = address;
            break;
        case DT_RELASZ:
            module.bytes[0] = entry->d_un.d_val;
            break;
        case DT_JMPREL:
            module.tables[1] = address;
            break;
        case DT_PLTRELSZ:
            module.bytes[1] = entry->d_un.d_val;
            break;
        default:
            break;
        }
    }
    late_read_headers(&module);
    *ret_module = module;
    return module.symbols && module.strings;
}

static uintptr_t late_find(const char *name)
{
    for (const struct late_hook *hook = late_hooks; hook->name; hook++) {
        size_t n = strlen(hook->name);
        if (strlen(name) == n && memcmp(name, hook->name, n) == 0)
            return hook->address;
    }
    return 0;
}

static void late_store(const struct late_module *module, uintptr_t slot, uintptr_t address)
{
    uintptr_t page = slot & -(uintptr_t)LATE_PAGE_BYTES;
    if (__atomic_load_n((uintptr_t *)slot, __ATOMIC_RELAXED) == address ||
        syscall_3(SYS_mprotect, (long)page, LATE_PAGE_BYTES, PROT_READ | PROT_WRITE) < 0)
        return;
    __atomic_store_n((uintptr_t *)slot, address, __ATOMIC_RELEASE);
    if (page >= module->relro && page < module->relro_end)
        syscall_3(SYS_mprotect, (long)page, LATE_PAGE_BYTES, PROT_READ);
}

static void late_redirect_module(const struct late_module *module)
{
    for (size_t table = 0; table < 2; table++) {
        const ElfW(Rela) *rela = module->tables[table];
        for (size_t i = 0; rela && i < module->bytes[table] / sizeof *rela; i++) {
            unsigned type = (unsigned)ELF64_R_TYPE(rela[i].r_info);
            if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT)
                continue;
            const ElfW(Sym) *symbol = &module->symbols[ELF64_R_SYM(rela[i].r_info)];
            uintptr_t address = late_find(module->strings + symbol->st_name);
            if (address)
                late_store(module, module->map->l_addr + rela[i].r_offset, address);
        }
    }
}

static bool late_is_loader(const struct link_map *map)
{
    const char *name = map->l_name ? map->l_name : "";
    for (; *name; name++) {
        if (words_start(name, "/ld-"))
            return true;
    }
    return false;
}

void late_redirect(void)
{
    if (!next_is_bypassed())
        return;
    for (const struct link_map *map = _r_debug.r_map; map; map = map->l_next) {
        struct late_module module;
        if (!late_is_loader(map) && late_read(map, &module))
            late_redirect_module(&module);
    }
}

bool late_is_seen(void)
{
    struct lane_state *state = lane_state_take();
    if (!state)
        return false;
    uint32_t before = state->ignored_n;
    lane_ignore(state);
    void *volatile block = malloc(1);
    free(block);
    lane_heed(state);
    return state->ignored_n != before;
}
