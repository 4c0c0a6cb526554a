/* SPDX-License-Identifier: Apache-2.0 */
/* The debugger's list of modules, for a libc without _dl_find_object. */
#include "capture/module_list.h"

#include <stddef.h>

#include "capture/cpu/x86_64/cpu.h"
#include "capture/module_elf.h"

enum { LIST_LENGTH_MAX = 4096 };

/* As _dl_find_object, for the module with these headers. */
static bool headers_cover(const struct module_headers *headers, uintptr_t address,
                          struct module_object *ret_object)
{
    struct module_range extent;
    if (!module_headers_extent(headers, &extent) || address < extent.start || address >= extent.end)
        return false;
    ret_object->map_start = (void *)extent.start;
    ret_object->map_end = (void *)extent.end;
    ret_object->link_map = NULL;
    return true;
}

bool module_exe_find(const struct module_config *config, uintptr_t address,
                     struct module_object *ret_object)
{
    struct module_headers headers;
    return module_headers_of_exe(config, &headers) && headers_cover(&headers, address, ret_object);
}

/* The linker leaves the list's address in the dynamic section of the executable. */
static const struct r_debug *debug_list(const struct module_headers *exe)
{
    const Elf64_Dyn *dynamic = NULL;
    for (uint32_t i = 0; i < exe->count; i++) {
        if (exe->at[i].p_type == PT_DYNAMIC)
            dynamic = (const Elf64_Dyn *)(exe->bias + exe->at[i].p_vaddr);
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
    struct module_headers headers;
    if (!module_headers_of_exe(config, &headers))
        return false;
    const struct r_debug *debug = debug_list(&headers);
    if (debug == NULL || debug->r_state != RT_CONSISTENT)
        return false;
    struct link_map *map = debug->r_map;
    for (int i = 0; map != NULL && i < LIST_LENGTH_MAX; i++, map = map->l_next) {
        if (i > 0 && !module_headers_read(map->l_addr, &headers) &&
            !module_headers_of_map(config, map, map->l_addr, UINTPTR_MAX, &headers))
            continue;
        if (!headers_cover(&headers, address, ret_object))
            continue;
        ret_object->link_map = map;
        return true;
    }
    return false;
}
