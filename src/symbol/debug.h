/* SPDX-License-Identifier: Apache-2.0 */
/* The debug information of one module: frames of an address, with readable names. */
#ifndef MEMSCOPE_SYMBOL_DEBUG_H
#define MEMSCOPE_SYMBOL_DEBUG_H

#include "base/arena.h"
#include "base/map.h"
#include "symbol/names.h"

/* Readable names that were made once: they live as long as this. Zeroed = empty. */
struct readable {
    struct arena arena;
    struct map by_mangled; /* address of the mangled string -> index of items */
    VEC(const char *) items;
    struct text scratch;
};

/* The readable form of a name from a symbol table or debug information; NULL: no memory. */
const char *readable_name(struct readable *readable, const char *mangled);
void readable_done(struct readable *readable);

struct debug;

/*
 * Opens the DWARF of an object; alternate: dwz's, may be not open. Both must outlive it.
 * ERR_FORMAT: it has none.
 */
int debug_open(struct debug **ret_debug, const struct object *object,
               const struct object *alternate);
void debug_free(struct debug *debug);

/* False: there is no unit in it. */
bool debug_has_units(const struct debug *debug);

/* A request for the frames of one address. */
struct debug_query {
    struct readable *readable;
    const struct names *names; /* for functions whose debug entry has no mangled name */
    uint64_t address;
    struct symbol_frame *frames; /* SYMBOL_FRAMES_MAX of them */
};

/* Fills query->frames, innermost first; returns how many, 0: not known here. */
size_t debug_frames(struct debug *debug, struct debug_query *query);

#endif
