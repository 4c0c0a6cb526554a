/* SPDX-License-Identifier: Apache-2.0 */
/* The debug information of one module: frames of an address, with readable names. */
#ifndef MEMSCOPE_SYMBOL_DEBUG_H
#define MEMSCOPE_SYMBOL_DEBUG_H

#include "base/arena.h"
#include "symbol/names.h"
#include "symbol/unit.h"

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

struct debug {
    Dwarf *dwarf;
    Dwarf *alternate; /* of dwz; NULL: none */
    struct units units;
    struct map by_die; /* address of a function's entry -> index of readable.items */
};

/* Opens the DWARF of elf; alternate may be NULL. Both must outlive it. ERR_FORMAT: it has none. */
int debug_open(struct debug *debug, Elf *elf, Elf *alternate);
void debug_done(struct debug *debug);

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
