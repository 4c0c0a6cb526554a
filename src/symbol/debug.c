/* SPDX-License-Identifier: Apache-2.0 */
/* Frames from DWARF: the scopes at an address, their names, and where each was called. */
#include "symbol/debug.h"

#include <dwarf.h>
#include <stdlib.h>

#include "base/diag.h"
#include "symbol/unit.h"

enum {
    DEBUG_ORIGINS_MAX = 16,    /* abstract origins and specifications followed from one entry */
    DEBUG_QUALIFIERS_MAX = 64, /* namespaces and types around one name */
};

struct debug {
    Dwarf *dwarf;
    Dwarf *alternate; /* of dwz; NULL: none */
    struct units units;
    struct map by_die; /* address of a function's entry -> index of readable.items */
};

int debug_open(struct debug **ret_debug, const struct object *object,
               const struct object *alternate)
{
    struct debug *debug = calloc(1, sizeof *debug);
    if (!debug)
        return ERR_MEMORY;
    debug->dwarf = dwarf_begin_elf(object->elf, DWARF_C_READ, NULL);
    if (!debug->dwarf) {
        debug_free(debug);
        return ERR_FORMAT;
    }
    if (alternate->elf)
        debug->alternate = dwarf_begin_elf(alternate->elf, DWARF_C_READ, NULL);
    /* NULL too: libdw is not to look for the file by rules of its own. */
    dwarf_setalt(debug->dwarf, debug->alternate);
    int err = units_open(&debug->units, debug->dwarf);
    if (err < 0) {
        debug_free(debug);
        return err;
    }
    *ret_debug = debug;
    return 0;
}

void debug_free(struct debug *debug)
{
    if (!debug)
        return;
    units_done(&debug->units);
    map_done(&debug->by_die);
    if (debug->dwarf)
        dwarf_end(debug->dwarf);
    if (debug->alternate)
        dwarf_end(debug->alternate);
    free(debug);
}

bool debug_has_units(const struct debug *debug)
{
    return debug->units.items.n != 0;
}

/* Follows abstract origins and specifications to the entry that carries the name. */
static Dwarf_Die debug_origin(Dwarf_Die die)
{
    for (int i = 0; i < DEBUG_ORIGINS_MAX; i++) {
        Dwarf_Attribute attribute;
        Dwarf_Die next;
        if (!dwarf_attr(&die, DW_AT_abstract_origin, &attribute) &&
            !dwarf_attr(&die, DW_AT_specification, &attribute))
            break;
        if (!dwarf_formref_die(&attribute, &next))
            break;
        die = next;
    }
    return die;
}

static const char *debug_mangled(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    if (!dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) &&
        !dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
        return NULL;
    return dwarf_formstring(&attribute);
}

/* Languages whose functions stand in no namespace. */
static bool debug_is_flat(Dwarf_Die *unit_die)
{
    switch (dwarf_srclang(unit_die)) {
    case DW_LANG_C:
    case DW_LANG_C89:
    case DW_LANG_C99:
    case DW_LANG_C11:
    case DW_LANG_Mips_Assembler:
    case DW_LANG_Go:
        return true;
    default:
        return false;
    }
}

/* Appends "a::b::name" for the entry `origin`. */
static void debug_qualify(struct debug *debug, Dwarf_Die *origin, const char *name,
                          struct text *text)
{
    struct unit *unit = units_of_die(&debug->units, origin);
    uint32_t chain[DEBUG_QUALIFIERS_MAX];
    size_t n = 0;
    if (unit && !debug_is_flat(&unit->die)) {
        uint32_t at = unit_container_find(unit, origin->addr);
        for (; at != SCOPE_NONE && n < DEBUG_QUALIFIERS_MAX; at = unit->containers.at[at].parent)
            chain[n++] = at;
    }
    while (n-- > 0) {
        const char *container = unit->containers.at[chain[n]].name;
        text_add(text, container ? container : "(anonymous)");
        text_add(text, "::");
    }
    text_add(text, name);
}

/* A name without linkage name: with its namespaces, kept per entry. */
static const char *debug_plain_name(struct debug *debug, struct readable *readable,
                                    Dwarf_Die *origin, const char *name)
{
    uint64_t key = (uintptr_t)origin->addr;
    int64_t found = map_find(&debug->by_die, key);
    if (found >= 0)
        return readable->items.at[found];
    struct text text = {0};
    debug_qualify(debug, origin, name, &text);
    const char *kept = NULL;
    if (!text.failed && text.n < SYMBOL_NAME_BYTES_MAX) {
        kept = arena_copy(&readable->arena, text_string(&text), text.n);
        if (kept && VEC_PUSH(&readable->items, SCOPES_MAX, kept))
            map_put(&debug->by_die, key, (uint32_t)(readable->items.n - 1));
    }
    text_done(&text);
    return kept;
}

static const char *debug_symbol_name(struct debug_query *query)
{
    const struct names_entry *entry = names_find(query->names, query->address);
    return entry ? entry->name : NULL;
}

static bool debug_is_mangled(const char *name)
{
    return name && name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
}

static const char *debug_function_name(struct debug *debug, struct debug_query *query,
                                       Dwarf_Die *die, bool inlined)
{
    const char *mangled = debug_mangled(die);
    if (mangled)
        return readable_name(query->readable, mangled);
    const char *symbol = inlined ? NULL : debug_symbol_name(query);
    Dwarf_Die origin = debug_origin(*die);
    const char *name = dwarf_diename(&origin);
    if (debug_is_mangled(symbol) || (!name && symbol))
        return readable_name(query->readable, symbol);
    return name ? debug_plain_name(debug, query->readable, &origin, name) : NULL;
}

/* Where an inlined function was called: file and line of the frame around it. */
static void debug_call_place(struct unit *unit, Dwarf_Die *die, struct symbol_frame *frame)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    frame->file = NULL;
    frame->line = 0;
    if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &value) == 0)
        frame->line = (uint32_t)value;
    Dwarf_Files *files;
    size_t n;
    if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &value) == 0 &&
        dwarf_getsrcfiles(&unit->die, &files, &n) == 0 && value < n)
        frame->file = dwarf_filesrc(files, value, NULL, NULL);
}

static void debug_line_place(struct unit *unit, uint64_t address, struct symbol_frame *frame)
{
    frame->file = NULL;
    frame->line = 0;
    Dwarf_Line *line = dwarf_getsrc_die(&unit->line, address);
    int number = 0;
    if (!line)
        return;
    frame->file = dwarf_linesrc(line, NULL, NULL);
    if (dwarf_lineno(line, &number) == 0 && number > 0)
        frame->line = (uint32_t)number;
}

/* The function around scope, past the inlined ones. */
static uint32_t debug_real_function(const struct unit *unit, uint32_t scope)
{
    while (unit->scopes.at[scope].inlined && unit->scopes.at[scope].parent != SCOPE_NONE)
        scope = unit->scopes.at[scope].parent;
    return scope;
}

size_t debug_frames(struct debug *debug, struct debug_query *query)
{
    struct unit *unit = units_find(&debug->units, query->address);
    if (!unit || unit_scan(unit) < 0)
        return 0;
    struct symbol_frame *frame = query->frames;
    debug_line_place(unit, query->address, frame);
    uint32_t scope = unit_scope_find(unit, query->address);
    if (scope == SCOPE_NONE) {
        const char *symbol = debug_symbol_name(query);
        frame->function = symbol ? readable_name(query->readable, symbol) : NULL;
        frame->inlined = false;
        return frame->function || frame->file ? 1 : 0;
    }
    size_t n = 0;
    for (;;) {
        Dwarf_Die die = unit_scope_die(unit, scope);
        const struct scope *at = &unit->scopes.at[scope];
        frame = &query->frames[n++];
        frame->inlined = at->inlined && at->parent != SCOPE_NONE;
        frame->function = debug_function_name(debug, query, &die, at->inlined);
        if (!frame->inlined)
            return n;
        if (n < SYMBOL_FRAMES_MAX)
            debug_call_place(unit, &die, &query->frames[n]);
        else
            return n;
        scope = at->parent;
        /* Past the limit the middle is left out: the last frame is the real function. */
        if (n == SYMBOL_FRAMES_MAX - 1)
            scope = debug_real_function(unit, scope);
    }
}
