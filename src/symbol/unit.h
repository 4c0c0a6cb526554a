/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compilation units: which one holds an address, and which function and inlined frames there.
 *
 * Opening reads only the units' own ranges. The tree of a unit is walked once, when the first
 * address in it is asked for; what stays of it is one sorted array. Whatever the tree claims, a
 * walk takes no more steps than the unit has bytes.
 */
#ifndef MEMSCOPE_SYMBOL_UNIT_H
#define MEMSCOPE_SYMBOL_UNIT_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/vec.h"

#define SCOPE_NONE UINT32_MAX

enum {
    UNITS_MAX = 1 << 22,
    UNIT_RANGES_MAX = 1 << 26,
    SCOPES_MAX = 1 << 26,
    SCOPE_DEPTH_MAX = 1 << 16,
};

/* A function, or a call of one that was inlined. */
struct scope {
    void *die;       /* its entry's address in the debug information */
    uint32_t parent; /* the scope it was inlined into, or its function stands in; SCOPE_NONE */
    bool inlined;
};

/* From low up to the next segment's low this scope is the innermost (or none is). */
struct scope_segment {
    uint64_t low;
    uint32_t scope;
};

/* A namespace or type: its entries lie in [low, high). */
struct scope_container {
    const void *low, *high;
    const char *name; /* NULL: none */
    uint32_t parent;  /* container, SCOPE_NONE */
};

struct unit {
    Dwarf_Die die;  /* of the unit; after unit_scan of the split unit where there is one */
    Dwarf_Die line; /* of the unit that has the line table */
    bool scanned;
    bool contained; /* containers are filled */
    VEC(struct scope) scopes;
    VEC(struct scope_segment) segments;
    VEC(struct scope_container) containers; /* by low; a parent stands before its children */
};

struct unit_range {
    uint64_t low, high, reach; /* reach: the highest `high` up to here */
    uint32_t unit;
};

struct units {
    VEC(struct unit *) items;
    VEC(struct unit_range) ranges;
    struct map by_cu; /* Dwarf_CU address -> index of items */
};

/* Reads the ranges of all units of dwarf, which must outlive it. */
int units_open(struct units *units, Dwarf *dwarf);
void units_done(struct units *units);

/* The unit that holds address; NULL: none. */
struct unit *units_find(struct units *units, uint64_t address);

/* The unit that a DIE belongs to (also one without code); NULL: no memory. */
struct unit *units_of_die(struct units *units, Dwarf_Die *die);

/* Walks the unit's tree if that was not done. Returns 0 or ERR_MEMORY. */
int unit_scan(struct unit *unit);

/* The innermost scope at address, or SCOPE_NONE. */
uint32_t unit_scope_find(const struct unit *unit, uint64_t address);

/* The DIE of a scope. */
Dwarf_Die unit_scope_die(const struct unit *unit, uint32_t scope);

/* The innermost container that holds the entry at `die`; SCOPE_NONE. Fills containers if needed. */
uint32_t unit_container_find(struct unit *unit, const void *die);

#endif
