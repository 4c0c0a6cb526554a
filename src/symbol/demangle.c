/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readable C++ and Rust names, by libiberty.
 *
 * A short mangled name may unfold to gigabytes. What goes beyond the limit is dropped as it comes,
 * so memory is bounded; the demangler cannot be told to stop, so its time is bounded only by the
 * process that it runs in.
 */
#include <libiberty/demangle.h>
#include <string.h>

#include "symbol/symbol.h"

enum {
    /* libiberty's limit on depth refuses each longer C++ name, however shallow. */
    DEMANGLE_LIMITED_BYTES = DEMANGLE_RECURSION_LIMIT / 2,
    /* Up to here a stack of a few MiB bears the deepest name without that limit. */
    DEMANGLE_UNLIMITED_BYTES_MAX = 8 << 10,
};

struct demangle_sink {
    struct text *text;
    size_t start; /* where the name begins in the text */
    bool over;
};

static void demangle_take(const char *bytes, size_t n, void *context)
{
    struct demangle_sink *sink = context;
    if (sink->over || sink->text->n - sink->start + n > SYMBOL_NAME_BYTES_MAX)
        sink->over = true;
    else
        text_add_n(sink->text, bytes, n);
}

/* Ends an attempt: true if the text now holds a whole name, else it is as before. */
static bool demangle_settle(struct demangle_sink *sink, int is_done)
{
    struct text *text = sink->text;
    if (is_done && !sink->over && !text->failed && text->n > sink->start)
        return true;
    text->n = sink->start;
    if (text->bytes)
        text->bytes[sink->start] = 0;
    sink->over = false;
    return false;
}

bool symbol_demangle(struct text *text, const char *mangled)
{
    const int options = DMGL_PARAMS | DMGL_ANSI;
    bool is_rust = mangled[0] == '_' && mangled[1] == 'R';
    bool is_shared = mangled[0] == '_' && mangled[1] == 'Z'; /* C++, and Rust before v0 */
    size_t n = strnlen(mangled, SYMBOL_NAME_BYTES_MAX);
    if ((!is_rust && !is_shared) || n >= SYMBOL_NAME_BYTES_MAX)
        return false;
    struct demangle_sink sink = {.text = text, .start = text->n};
    if (demangle_settle(&sink, rust_demangle_callback(mangled, options, demangle_take, &sink)))
        return true;
    if (!is_shared)
        return false;
    int done = cplus_demangle_v3_callback(mangled, options, demangle_take, &sink);
    if (demangle_settle(&sink, done))
        return true;
    if (n <= DEMANGLE_LIMITED_BYTES || n > DEMANGLE_UNLIMITED_BYTES_MAX)
        return false;
    done = cplus_demangle_v3_callback(mangled, options | DMGL_NO_RECURSE_LIMIT, demangle_take,
                                      &sink);
    return demangle_settle(&sink, done);
}
