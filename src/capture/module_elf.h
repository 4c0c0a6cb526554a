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

/* Fills in the readable segments and, where `module->frame_hdr` is 0, the unwind table; drops
 * the latter when it lies outside every segment. */
void module_segments_read(const struct module_headers *headers, struct module *module);

/* The build-id note in the mapping: its size, 0 when there is none. */
uint32_t module_build_id(const struct module_headers *headers, const struct module *module,
                         const uint8_t **ret_build_id);

#endif
