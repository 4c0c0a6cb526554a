/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a mapped module's program headers: which of its memory may be read, and where its
 * build-id lies. Headers come from the file and are not believed beyond the mapping. */
#include "capture/module_elf.h"

#include <stddef.h>

#include "capture/cpu/x86_64/cpu.h"

enum {
    BUILD_ID_BYTES_MAX = 64,
    NOTE_HEADER_BYTES = 12,
    MAP_BYTES_MAX = 832, /* no libc's entry of a module is shorter */
};

bool module_headers_read(uintptr_t start, struct module_headers *ret_headers)
{
    const Elf64_Ehdr *elf = (const Elf64_Ehdr *)start;
    if (elf->e_ident[0] != ELFMAG0 || elf->e_ident[1] != ELFMAG1 || elf->e_ident[2] != ELFMAG2 ||
        elf->e_ident[3] != ELFMAG3 || elf->e_ident[4] != ELFCLASS64)
        return false;
    uint64_t bytes = (uint64_t)elf->e_phnum * sizeof(Elf64_Phdr);
    if (elf->e_phentsize != sizeof(Elf64_Phdr) || elf->e_phoff % 8 != 0 ||
        elf->e_phoff > CPU_PAGE_BYTES || bytes > CPU_PAGE_BYTES - elf->e_phoff)
        return false;
    const Elf64_Phdr *headers = (const Elf64_Phdr *)(start + elf->e_phoff);
    for (uint32_t i = 0; i < elf->e_phnum; i++) {
        if (headers[i].p_type != PT_LOAD)
            continue;
        *ret_headers = (struct module_headers){
                .at = headers,
                .count = elf->e_phnum,
                .bias = start - (headers[i].p_vaddr & ~(uint64_t)(CPU_PAGE_BYTES - 1)),
        };
        return true;
    }
    return false;
}

bool module_headers_of_exe(const struct module_config *config, struct module_headers *ret_headers)
{
    for (uint32_t i = 0; i < config->exe_headers_count; i++) {
        if (config->exe_headers[i].p_type != PT_PHDR)
            continue;
        *ret_headers = (struct module_headers){
                .at = config->exe_headers,
                .count = config->exe_headers_count,
                .bias = (uintptr_t)config->exe_headers - config->exe_headers[i].p_vaddr,
        };
        return true;
    }
    return false;
}

/* What the linker keeps of a module's headers: their address, the entry point, their number. */
struct map_headers {
    const Elf64_Phdr *at;
    uintptr_t entry;
    uint16_t count;
};

bool module_headers_of_map(const struct module_config *config, const struct link_map *map,
                           uintptr_t start, uintptr_t end, struct module_headers *ret_headers)
{
    uintptr_t exe = (uintptr_t)config->exe_map;
    if (exe == 0 || config->exe_headers == NULL || map == NULL)
        return false;
    for (size_t i = sizeof(struct link_map); i < MAP_BYTES_MAX; i += sizeof(uintptr_t)) {
        const struct map_headers *known = (const struct map_headers *)(exe + i);
        if (known->at != config->exe_headers || known->count != config->exe_headers_count)
            continue;
        known = (const struct map_headers *)((uintptr_t)map + i);
        uintptr_t at = (uintptr_t)known->at;
        if (at % 8 != 0 || at < start || at >= end ||
            known->count > (end - at) / sizeof(Elf64_Phdr))
            return false;
        *ret_headers = (struct module_headers){
                .at = known->at, .count = known->count, .bias = map->l_addr};
        return true;
    }
    return false;
}

bool module_headers_extent(const struct module_headers *headers, struct module_range *ret_range)
{
    uintptr_t low = UINTPTR_MAX, high = 0;
    for (uint32_t i = 0; i < headers->count; i++) {
        const Elf64_Phdr *segment = &headers->at[i];
        uintptr_t start = headers->bias + segment->p_vaddr;
        if (segment->p_type != PT_LOAD)
            continue;
        low = start < low ? start : low;
        high = start + segment->p_memsz > high ? start + segment->p_memsz : high;
    }
    if (low >= high)
        return false;
    *ret_range = (struct module_range){low & ~(uintptr_t)(CPU_PAGE_BYTES - 1), high};
    return true;
}

uintptr_t module_headers_frames(const struct module_headers *headers)
{
    for (uint32_t i = 0; i < headers->count; i++) {
        if (headers->at[i].p_type == PT_GNU_EH_FRAME)
            return headers->bias + headers->at[i].p_vaddr;
    }
    return 0;
}

void module_segments_read(const struct module_headers *headers, struct module *module)
{
    for (uint32_t i = 0; i < headers->count; i++) {
        const Elf64_Phdr *segment = &headers->at[i];
        uintptr_t start = headers->bias + segment->p_vaddr;
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_R) == 0)
            continue;
        if (start < module->start || start >= module->end ||
            segment->p_filesz > module->end - start || module->ranges_count == MODULE_RANGES_MAX)
            continue;
        module->ranges[module->ranges_count++] =
                (struct module_range){start, start + segment->p_filesz};
    }
    module->frame_hdr = module_headers_frames(headers);
    if (module_range_of(module, module->frame_hdr, 12) == NULL)
        module->frame_hdr = 0;
}

static uint32_t build_id_in_notes(uintptr_t at, uintptr_t end, const uint8_t **ret_build_id)
{
    while (end - at >= NOTE_HEADER_BYTES) {
        const uint32_t *note = (const uint32_t *)at;
        uint64_t name_bytes = ((uint64_t)note[0] + 3) & ~3ull;
        uint64_t value_bytes = ((uint64_t)note[1] + 3) & ~3ull;
        if (name_bytes + value_bytes > end - at - NOTE_HEADER_BYTES)
            return 0;
        const uint32_t gnu = 'G' | 'N' << 8 | 'U' << 16;
        if (note[2] == NT_GNU_BUILD_ID && note[0] == 4 && note[3] == gnu &&
            note[1] <= BUILD_ID_BYTES_MAX) {
            *ret_build_id = (const uint8_t *)(at + NOTE_HEADER_BYTES + 4);
            return note[1];
        }
        at += NOTE_HEADER_BYTES + name_bytes + value_bytes;
    }
    return 0;
}

uint32_t module_build_id(const struct module_headers *headers, const struct module *module,
                         const uint8_t **ret_build_id)
{
    for (uint32_t i = 0; i < headers->count; i++) {
        const Elf64_Phdr *segment = &headers->at[i];
        uintptr_t at = headers->bias + segment->p_vaddr;
        if (segment->p_type != PT_NOTE || at % 4 != 0 ||
            module_range_of(module, at, segment->p_filesz) == NULL)
            continue;
        uint32_t size = build_id_in_notes(at, at + segment->p_filesz, ret_build_id);
        if (size != 0)
            return size;
    }
    return 0;
}
