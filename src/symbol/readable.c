/* SPDX-License-Identifier: Apache-2.0 */
/* Names made readable once each. */
#include <string.h>

#include "symbol/debug.h"

enum { READABLE_MAX = 1 << 26 };

/* Keeps a copy of the text under the key; NULL: no memory. */
static const char *readable_keep(struct readable *readable, uint64_t key, const char *bytes,
                                 size_t n)
{
    const char *copy = arena_copy(&readable->arena, bytes, n);
    if (!copy || !VEC_PUSH(&readable->items, READABLE_MAX, copy))
        return NULL;
    map_put(&readable->by_mangled, key, (uint32_t)(readable->items.n - 1));
    return copy;
}

const char *readable_name(struct readable *readable, const char *mangled)
{
    uint64_t key = (uintptr_t)mangled;
    int64_t found = map_find(&readable->by_mangled, key);
    if (found >= 0)
        return readable->items.at[found];
    /* "name@VERSION" of a symbol table is a version, not a part of the name. */
    size_t n = strnlen(mangled, SYMBOL_NAME_BYTES_MAX - 1);
    const char *at = memchr(mangled, '@', n);
    if (at && at != mangled)
        n = (size_t)(at - mangled);
    text_clear(&readable->scratch);
    text_add_n(&readable->scratch, mangled, n);
    if (readable->scratch.failed || !readable->scratch.bytes)
        return NULL;
    struct text name = {0};
    bool is_readable = symbol_demangle(&name, readable->scratch.bytes);
    const char *kept = is_readable ? readable_keep(readable, key, name.bytes, name.n)
                                   : readable_keep(readable, key, mangled, n);
    text_done(&name);
    return kept;
}

void readable_done(struct readable *readable)
{
    arena_done(&readable->arena);
    map_done(&readable->by_mangled);
    vec_done(&readable->items);
    text_done(&readable->scratch);
}
