/* SPDX-License-Identifier: Apache-2.0 */
/* Where functions of an allocator lie that is linked into the executable, by its symbol table. */
#ifndef MEMSCOPE_CAPTURE_ALLOCATOR_SYMBOLS_H
#define MEMSCOPE_CAPTURE_ALLOCATOR_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

/* jemalloc's entries; addresses in memory. */
struct allocator_symbols {
    uintptr_t mallctl;
    uintptr_t malloc, mallocx, realloc, rallocx, free, sdallocx; /* 0: the linker left it out */
    uintptr_t malloc_usable_size;
    uintptr_t start, end; /* of all its code */
};

/*
 * Reads the executable's own file with the system calls that the loader has just made, and leaves
 * nothing open or mapped. False: no jemalloc, or no symbol table that tells.
 */
bool allocator_symbols_read(struct allocator_symbols *ret_symbols);

#endif
