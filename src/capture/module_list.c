/* SPDX-License-Identifier: Apache-2.0 */
/* The debugger's list of modules, for a libc without _dl_find_object. */
#include "capture/module_list.h"

#include <stddef.h>

#include "capture/cpu/x86_64/cpu.h"
#include "capture/module_elf.h"

enum { LIST_LENGTH_MAX = 4096 };

/* The extent of the loaded segments: false when `address` is outside it. */
static bool headers_cover(const struct module_headers *headers, uintptr_t address,
                          struct module_object *ret_object)
{
    uintptr_t low = UINTPTR_MAX, high = 0, frames = 0;
    for (uint32_t i = 0; i < headers->count; i++) {
        const Elf64_Phdr *segment = &headers->at[i];
        uintptr_t start = headers->bias + segment->p_vaddr;
        if (segment->p_type == PT_GNU_EH_FRAME)
            frames = start;
        if (segment->p_type != PT_LOAD)
            continue;
        low = start < low ? start : low;
        high = start + segment->p_memsz > high ? start + segment->p_memsz : high;
    }
    if (address < low || address >= high)
        return false;
    ret_object->map_start = (void *)(low & ~(uintptr_t)(CPU_PAGE_BYTES - 1));
    ret_object->map_end = (void *)high;
    ret_object->eh_frame = (void *)frames;
    return true;
}

/* The linker leaves the list's address in the dynamic section of the executable. */
static const struct r_debug *debug_list(const struct module_config *config)
{
    uintptr_t bias = 0;
    const Elf64_Dyn *dynamic = NULL;
    for (uint32_t i = 0; i < config->exe_headers_count; i++) {
        const Elf64_Phdr *segment = &config->exe_headers[i];
        if (segment->p_type == PT_PHDR)
            bias = (uintptr_t)config->exe_headers - segment->p_vaddr;
        if (segment->p_type == PT_DYNAMIC)
            dynamic = (const Elf64_Dyn *)(bias + segment->p_vaddr);
    }
    while (dynamic != NULL && dynamic->d_tag != DT_NULL && dynamic->d_tag != DT_DEBUG)
        dynamic++;
    return dynamic == NULL || dynamic->d_tag == DT_NULL
                   ? NULL
                   : (const struct r_debug *)dynamic->d_un.d_ptr;
}

bool module_list_find(const struct module_config *config, uintptr_t address,
                      struct module_object *ret_object)
{
    const struct r_debug *debug = debug_list(config);
    if (debug == NULL || debug->r_state != RT_CONSISTENT)
        return false;
    struct link_map *map = debug->r_map;
    for (int i = 0; map != NULL && i < LIST_LENGTH_MAX; i++, map = map->l_next) {
        struct module_headers headers;
        if (i == 0)
            headers = (struct module_headers){config->exe_headers, config->exe_headers_count,
                                              map->l_addr};
        else if (!module_headers_read(map->l_addr, &headers))
            continue;
        if (!headers_cover(&headers, address, ret_object))
            continue;
        ret_object->link_map = map;
        return true;
    }
    return false;
}
