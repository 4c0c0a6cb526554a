/* SPDX-License-Identifier: Apache-2.0 */
/* The symbol table is hostile: names are looked up within it, and cut where they are too long. */
#include "collect/task_symbols.h"

#include <stdlib.h>
#include <string.h>

#include "launch/detect_elf.h"
#include "symbol/symbol.h"

enum { SYMBOLS_ALIASES_MOST = 4, SYMBOLS_TYPE_MOST = 400 };

struct task_symbols {
    Elf64_Sym *at; /* functions, by address */
    size_t n;
    char *names;
    size_t names_n;
};

static int symbols_compare(const void *a, const void *b)
{
    const Elf64_Sym *x = a, *y = b;
    return x->st_value < y->st_value ? -1 : x->st_value > y->st_value;
}

struct task_symbols *task_symbols_open(const char *path)
{
    struct detect_elf elf;
    struct task_symbols *symbols = calloc(1, sizeof *symbols);
    size_t bytes = 0, kept = 0;
    if (!symbols || detect_elf_open(&elf, path) < 0) {
        free(symbols);
        return NULL;
    }
    symbols->at = (void *)detect_elf_section(&elf, ".symtab", &bytes);
    symbols->names = detect_elf_section(&elf, ".strtab", &symbols->names_n);
    detect_elf_done(&elf);
    for (size_t i = 0; symbols->at && i < bytes / sizeof *symbols->at; i++) {
        if (ELF64_ST_TYPE(symbols->at[i].st_info) == STT_FUNC && symbols->at[i].st_value &&
            symbols->at[i].st_name < symbols->names_n)
            symbols->at[kept++] = symbols->at[i];
    }
    symbols->n = symbols->names ? kept : 0;
    if (!symbols->n) {
        task_symbols_close(symbols);
        return NULL;
    }
    qsort(symbols->at, symbols->n, sizeof *symbols->at, symbols_compare);
    return symbols;
}

void task_symbols_close(struct task_symbols *symbols)
{
    free(symbols->at);
    free(symbols->names);
    free(symbols);
}

/* The first symbol of the address, or where it would stand. */
static size_t symbols_first(const struct task_symbols *symbols, uint64_t address)
{
    size_t low = 0, high = symbols->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (symbols->at[middle].st_value < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool symbols_name(const struct task_symbols *symbols, size_t i, struct text *ret_name)
{
    const char *mangled = symbols->names + symbols->at[i].st_name;
    return strlen(mangled) < SYMBOL_NAME_BYTES_MAX && symbol_demangle(ret_name, mangled) &&
           text_string(ret_name);
}

/* The name without its parameters. */
static size_t symbols_coroutine_length(const char *name)
{
    static const char nameless[] = "(anonymous namespace)";
    size_t depth = 0, n = 0;
    for (; name[n]; n++) {
        if (strncmp(name + n, nameless, sizeof nameless - 1) == 0)
            n += sizeof nameless - 2;
        else if (name[n] == '<')
            depth++;
        else if (name[n] == '>' && depth)
            depth--;
        else if (name[n] == '(' && depth == 0)
            break;
    }
    return n;
}

bool task_symbols_coroutine(const struct task_symbols *symbols, uint64_t address, struct text *text)
{
    static const char *const parts[] = {".actor", ".resume"};
    for (size_t i = symbols_first(symbols, address);
         i < symbols->n && symbols->at[i].st_value == address; i++) {
        const char *mangled = symbols->names + symbols->at[i].st_name;
        struct text name = {0}, plain = {0};
        for (size_t k = 0; k < 2; k++) {
            const char *part = strstr(mangled, parts[k]);
            if (part && !plain.n)
                text_add_n(&plain, mangled, (size_t)(part - mangled));
        }
        bool named = plain.n && text_string(&plain) &&
                     symbol_demangle(&name, text_string(&plain)) && text_string(&name);
        if (named)
            text_add_n(text, text_string(&name), symbols_coroutine_length(text_string(&name)));
        else if (plain.n)
            text_add_n(text, text_string(&plain), plain.n);
        bool found = plain.n != 0;
        text_done(&plain);
        text_done(&name);
        if (found)
            return true;
    }
    return false;
}

/* The first type between the brackets that follow; 0: there is none. */
static size_t symbols_argument(const char *at)
{
    size_t depth = 0, n = 0;
    for (; at[n]; n++) {
        if (strchr("<([{", at[n]))
            depth++;
        else if (at[n] == '>' && n && at[n - 1] == '-')
            continue;
        else if (strchr(">)]}", at[n]) && depth-- == 0)
            return n;
        else if (at[n] == ',' && depth == 0)
            return n;
    }
    return 0;
}

/* The future's type within a function's name. */
static const char *symbols_future_type(const char *name, size_t *ret_n)
{
    static const char *const before[] = {
            "tokio::runtime::task::raw::poll::<",
            "tokio::runtime::task::raw::poll<",
            "drop_in_place::<tokio::runtime::task::core::Stage<",
            "drop_in_place<tokio::runtime::task::core::Stage<",
            "drop_in_place::<tokio::runtime::task::core::CoreStage<",
            "drop_in_place<tokio::runtime::task::core::CoreStage<",
            "async_task::raw::RawTask<",
    };
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        const char *at = strstr(name, before[i]);
        *ret_n = at ? symbols_argument(at + strlen(before[i])) : 0;
        /* A name without a path is that of a parameter. */
        if (*ret_n && memchr(at + strlen(before[i]), ':', *ret_n))
            return at + strlen(before[i]);
    }
    return NULL;
}

bool task_symbols_future(const struct task_symbols *symbols, uint64_t address, struct text *text)
{
    unsigned found = 0;
    for (size_t i = symbols_first(symbols, address);
         i < symbols->n && symbols->at[i].st_value == address && found < SYMBOLS_ALIASES_MOST;
         i++) {
        struct text name = {0};
        size_t n = 0;
        const char *type = symbols_name(symbols, i, &name)
                                   ? symbols_future_type(text_string(&name), &n)
                                   : NULL;
        if (type) {
            text_add(text, found++ ? " | " : "");
            text_add_n(text, type, n < SYMBOLS_TYPE_MOST ? n : SYMBOLS_TYPE_MOST);
        }
        text_done(&name);
    }
    return found != 0;
}
