/* SPDX-License-Identifier: Apache-2.0 */
/* .gnu_debugdata: the symbol table that some systems leave, packed, in stripped files. */
#ifndef MEMSCOPE_SYMBOL_MINIDEBUG_H
#define MEMSCOPE_SYMBOL_MINIDEBUG_H

#include "symbol/object.h"

enum { MINIDEBUG_BYTES_MAX = 256 << 20 };

/*
 * Unpacks and opens it; *ret_bytes is malloc'd and must outlive the object. ERR_MISSING: none, or
 * this build cannot unpack it.
 */
int minidebug_open(const struct object *main, const struct object_limits *limits,
                   struct object *ret_object, char **ret_bytes);

/*
 * Unpacks xz's format into at most max bytes, malloc'd. ERR_FORMAT, ERR_LIMIT, ERR_MEMORY, or
 * ERR_MISSING: this build cannot.
 */
int minidebug_unpack(const uint8_t *packed, size_t packed_n, size_t max, char **ret_bytes,
                     size_t *ret_n);

#endif
