/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a mapped module's program headers. */
#ifndef MEMSCOPE_CAPTURE_MODULE_ELF_H
#define MEMSCOPE_CAPTURE_MODULE_ELF_H

#include "capture/module.h"

struct module_headers {
    const Elf64_Phdr *at;
    uint32_t count;
    uintptr_t bias; /* added to a p_vaddr it gives the address */
};

/* The program headers in the first page of the mapping at `start`; false when there is no ELF
 * header or the headers do not lie within that page. */
bool module_headers_read(uintptr_t start, struct module_headers *ret_headers);

/* The executable's, as the kernel gave them; false when their place in the image is not told. */
bool module_headers_of_exe(const struct module_config *config, struct module_headers *ret_headers);

/*
 * The linker's own pointer to them: tools that rewrite files (BOLT, patchelf) put them anywhere.
 * Where the linker keeps it is learned from the executable's entry, whose headers the kernel has
 * told; false when they were not found there, or do not lie in [start, end).
 */
bool module_headers_of_map(const struct module_config *config, const struct link_map *map,
                           uintptr_t start, uintptr_t end, struct module_headers *ret_headers);

/* From the first loaded segment's page to the end of the last one; false when there is none. */
bool module_headers_extent(const struct module_headers *headers, struct module_range *ret_range);

/* The address of the module's .eh_frame_hdr, 0 when it has none. */
uintptr_t module_headers_frames(const struct module_headers *headers);

/* Fills in the readable segments and the unwind table, which is dropped when it lies outside
 * every segment. */
void module_segments_read(const struct module_headers *headers, struct module *module);

/* The build-id note in the mapping: its size, 0 when there is none. */
uint32_t module_build_id(const struct module_headers *headers, const struct module *module,
                         const uint8_t **ret_build_id);

#endif
