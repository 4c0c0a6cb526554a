/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readable C++ and Rust names, by libiberty under a limit.
 *
 * A short mangled name may unfold to gigabytes. The demangler cannot be told to stop, so its
 * output callback jumps out of it at the limit: it keeps its state on the stack, and what little a
 * punycode name may hold on the heap is lost only in that case.
 */
#include <setjmp.h>
#include <string.h>

#include <libiberty/demangle.h>

#include "symbol/symbol.h"

struct demangle_sink {
    struct text *text;
    size_t start; /* where the name begins in the text */
    jmp_buf over;
};

static void demangle_take(const char *bytes, size_t n, void *context)
{
    struct demangle_sink *sink = context;
    if (sink->text->n - sink->start + n > SYMBOL_NAME_BYTES_MAX)
        longjmp(sink->over, 1);
    text_add_n(sink->text, bytes, n);
}

static void demangle_undo(struct text *text, size_t start)
{
    text->n = start;
    if (text->bytes)
        text->bytes[start] = 0;
}

bool symbol_demangle(struct text *text, const char *mangled)
{
    const int options = DMGL_PARAMS | DMGL_ANSI;
    bool is_rust = mangled[0] == '_' && mangled[1] == 'R';
    bool is_shared = mangled[0] == '_' && mangled[1] == 'Z'; /* C++, and Rust before v0 */
    if ((!is_rust && !is_shared) ||
        strnlen(mangled, SYMBOL_NAME_BYTES_MAX) >= SYMBOL_NAME_BYTES_MAX)
        return false;
    struct demangle_sink sink = {.text = text, .start = text->n};
    if (setjmp(sink.over)) {
        demangle_undo(text, sink.start);
        return false;
    }
    if (rust_demangle_callback(mangled, options, demangle_take, &sink) && text->n > sink.start)
        return !text->failed;
    demangle_undo(text, sink.start);
    if (is_shared && cplus_demangle_v3_callback(mangled, options, demangle_take, &sink) &&
        text->n > sink.start)
        return !text->failed;
    demangle_undo(text, sink.start);
    return false;
}
