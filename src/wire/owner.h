/* SPDX-License-Identifier: Apache-2.0 */
/* The note by which a library, or an executable that has it linked in, is known as memscope's. */
#ifndef MEMSCOPE_WIRE_OWNER_H
#define MEMSCOPE_WIRE_OWNER_H

#include <elf.h>
#include <stdint.h>

#include "wire/segment.h"

enum { OWNER_NAME_BYTES = 12 };

struct owner_note {
    Elf64_Nhdr head;
    char name[OWNER_NAME_BYTES];
    uint32_t version;
    uint32_t header_bytes; /* as in struct wire_segment */
};

/* clang-format off */
#define OWNER_NOTE                                                                                 \
    {                                                                                              \
        .head = {.n_namesz = OWNER_NAME_BYTES,                                                     \
                 .n_descsz = 2 * sizeof(uint32_t),                                                 \
                 .n_type = 1},                                                                     \
        .name = "memscope",                                                                        \
        .version = WIRE_VERSION,                                                                   \
        .header_bytes = sizeof(struct wire_segment),                                               \
    }
/* clang-format on */

#endif
