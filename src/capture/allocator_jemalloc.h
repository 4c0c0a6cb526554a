/* SPDX-License-Identifier: Apache-2.0 */
/* jemalloc linked into the executable, seen through its own hooks. */
#ifndef MEMSCOPE_CAPTURE_ALLOCATOR_JEMALLOC_H
#define MEMSCOPE_CAPTURE_ALLOCATOR_JEMALLOC_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/allocator_symbols.h"

/*
 * Installs our hooks in it and proves with blocks of our own that they tell the truth; false: they
 * do not, or this is no version that has them, and nothing stays installed.
 */
bool jemalloc_install(const struct allocator_symbols *symbols);

/* True while the calling thread's hook of jemalloc records this block. */
bool jemalloc_is_at(const void *address);
/* 0: the linker left that function out. */
size_t jemalloc_usable(const void *address);

#endif
