/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk through a unit's tree of debugging entries.
 *
 * The ranges of functions and inlined calls are gathered with their depth, sorted, and flattened
 * by one sweep into segments that name the innermost scope: nested ranges stay nested, a range
 * that sticks out of the one around it (broken or folded code) is cut there.
 */
#include <dwarf.h>
#include <stdlib.h>

#include "base/diag.h"
#include "symbol/unit.h"

struct scope_range {
    uint64_t low, high;
    uint32_t depth;
    uint32_t scope;
};

/* One level of the walk: the entry it stands at. */
struct scope_level {
    Dwarf_Die die;
    uint32_t scope;     /* around this level */
    uint32_t container; /* made by the entry, SCOPE_NONE */
};

struct scope_walk {
    struct unit *unit;
    bool wants_containers; /* instead of scopes */
    size_t steps_left;
    const unsigned char *unit_end;
    uint32_t container; /* around the current entry */
    VEC(struct scope_level) levels;
    VEC(struct scope_range) ranges;
};

static bool scope_is_container(int tag)
{
    return tag == DW_TAG_namespace || tag == DW_TAG_structure_type || tag == DW_TAG_class_type ||
           tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type || tag == DW_TAG_module ||
           tag == DW_TAG_interface_type;
}

static bool scope_is_block(int tag)
{
    return tag == DW_TAG_lexical_block || tag == DW_TAG_try_block || tag == DW_TAG_catch_block;
}

/* Adds a function or inlined call if it has code; *scope becomes it. */
static int scope_add(struct scope_walk *walk, Dwarf_Die *die, bool inlined, uint32_t *scope)
{
    struct unit *unit = walk->unit;
    uint32_t index = (uint32_t)unit->scopes.n;
    Dwarf_Addr base, low, high;
    ptrdiff_t at = 0;
    bool has_code = false;
    while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
        if (low <= 1 || low >= high)
            continue;
        struct scope_range range = {low, high, (uint32_t)walk->levels.n, index};
        if (!VEC_PUSH(&walk->ranges, SCOPES_MAX, range))
            return ERR_MEMORY;
        has_code = true;
    }
    if (!has_code)
        return 0;
    struct scope entry = {.die = die->addr, .parent = *scope, .inlined = inlined};
    if (!VEC_PUSH(&unit->scopes, SCOPES_MAX, entry))
        return ERR_MEMORY;
    *scope = index;
    return 0;
}

static int scope_container_add(struct scope_walk *walk, struct scope_level *level)
{
    struct scope_container container = {
            .low = level->die.addr,
            .name = dwarf_diename(&level->die),
            .parent = walk->container,
    };
    level->container = (uint32_t)walk->unit->containers.n;
    if (!VEC_PUSH(&walk->unit->containers, SCOPES_MAX, container))
        return ERR_MEMORY;
    walk->container = level->container;
    return 0;
}

/* Takes note of the entry of the last level; *ret_scope: what its children stand in. */
static int scope_visit(struct scope_walk *walk, bool *ret_descend, uint32_t *ret_scope)
{
    struct scope_level *level = &walk->levels.at[walk->levels.n - 1];
    int tag = dwarf_tag(&level->die);
    bool is_function = tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
    bool is_container = scope_is_container(tag);
    *ret_scope = level->scope;
    level->container = SCOPE_NONE;
    *ret_descend = false;
    if (walk->wants_containers) {
        *ret_descend = is_container && dwarf_haschildren(&level->die) == 1;
        return *ret_descend ? scope_container_add(walk, level) : 0;
    }
    if (!is_function && !is_container && !scope_is_block(tag))
        return 0;
    *ret_descend = dwarf_haschildren(&level->die) == 1;
    if (!is_function)
        return 0;
    return scope_add(walk, &level->die, tag == DW_TAG_inlined_subroutine, ret_scope);
}

/* Leaves the container of an entry whose children are done; the next entry begins at `end`. */
static void scope_container_end(struct scope_walk *walk, struct scope_level *level, const void *end)
{
    if (level->container == SCOPE_NONE)
        return;
    struct scope_container *container = &walk->unit->containers.at[level->container];
    container->high = end;
    walk->container = container->parent;
    level->container = SCOPE_NONE;
}

/*
 * The entry after `die`, whose children end before *end (NULL: not known); false: it was the last
 * of its level, and *end is moved behind the level's terminator, or NULL.
 *
 * libdw looks for the next sibling by walking all children again. When it finds none it leaves the
 * place of the terminator in the result, and from there one byte further stands the sibling of the
 * parent or the terminator of its level. Should it ever leave nothing, the walk is only slower.
 */
static bool scope_sibling(const struct scope_walk *walk, Dwarf_Die *die, Dwarf_Die *ret_next,
                          const unsigned char **end)
{
    const unsigned char *at = *end;
    *ret_next = (Dwarf_Die){.cu = die->cu};
    *end = NULL;
    if (!at) {
        int result = dwarf_siblingof(die, ret_next);
        if (result == 0)
            return ret_next->addr > die->addr;
        at = ret_next->addr;
        bool is_terminator =
                result == 1 && at > (unsigned char *)die->addr && at < walk->unit_end && *at == 0;
        *end = is_terminator ? at + 1 : NULL;
        return false;
    }
    if (at >= walk->unit_end)
        return false;
    if (*at == 0) {
        *end = at + 1;
        return false;
    }
    ret_next->addr = (void *)(uintptr_t)at;
    return true;
}

/* Moves to the next entry that follows the last level's, leaving levels that are done. */
static void scope_advance(struct scope_walk *walk)
{
    const unsigned char *end = NULL;
    while (walk->levels.n) {
        struct scope_level *level = &walk->levels.at[walk->levels.n - 1];
        Dwarf_Die next;
        bool has_next = scope_sibling(walk, &level->die, &next, &end);
        /* The last child of its parent reaches as far as the parent: filled in at the end. */
        scope_container_end(walk, level, has_next ? next.addr : NULL);
        if (has_next) {
            level->die = next;
            return;
        }
        walk->levels.n--;
    }
}

/* Enters the children of the last level's entry; false: none. */
static bool scope_enter(struct scope_walk *walk, uint32_t scope, int *ret_err)
{
    struct scope_level *level = &walk->levels.at[walk->levels.n - 1];
    struct scope_level child = {.scope = scope, .container = SCOPE_NONE};
    if (walk->levels.n >= SCOPE_DEPTH_MAX || dwarf_child(&level->die, &child.die) != 0)
        return false;
    if (!VEC_PUSH(&walk->levels, SCOPE_DEPTH_MAX, child)) {
        *ret_err = ERR_MEMORY;
        return false;
    }
    return true;
}

static int scope_walk_run(struct scope_walk *walk)
{
    struct scope_level root = {.scope = SCOPE_NONE, .container = SCOPE_NONE};
    int err = 0;
    if (dwarf_child(&walk->unit->die, &root.die) != 0)
        return 0;
    if (!VEC_PUSH(&walk->levels, SCOPE_DEPTH_MAX, root))
        return ERR_MEMORY;
    while (err == 0 && walk->levels.n && walk->steps_left) {
        bool descend;
        uint32_t scope;
        walk->steps_left--;
        err = scope_visit(walk, &descend, &scope);
        if (err == 0 && (!descend || !scope_enter(walk, scope, &err)))
            scope_advance(walk);
    }
    return err;
}

/* Notes where the unit ends: each entry takes a byte at least, which bounds an honest walk. */
static void scope_bound(struct scope_walk *walk)
{
    Dwarf_Die *die = &walk->unit->die;
    Dwarf_Off in_unit = dwarf_cuoffset(die), start = dwarf_dieoffset(die) - in_unit, next = start;
    size_t header;
    Dwarf_Half version;
    if (dwarf_next_unit(dwarf_cu_getdwarf(die->cu), start, &next, &header, &version, NULL, NULL,
                        NULL, NULL, NULL) != 0)
        return;
    walk->steps_left = (size_t)(next - start);
    walk->unit_end = (const unsigned char *)die->addr - in_unit + walk->steps_left;
}

static int scope_range_compare(const void *left, const void *right)
{
    const struct scope_range *a = left, *b = right;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    if (a->depth != b->depth)
        return a->depth < b->depth ? -1 : 1;
    if (a->high != b->high)
        return a->high > b->high ? -1 : 1;
    return a->scope < b->scope ? -1 : a->scope > b->scope;
}

/* The sweep: ranges still open, innermost last. */
struct scope_sweep {
    struct unit *unit;
    VEC(struct scope_range) open;
};

static int scope_emit(struct scope_sweep *sweep, uint64_t low, uint32_t scope)
{
    struct unit *unit = sweep->unit;
    if (unit->segments.n && unit->segments.at[unit->segments.n - 1].low == low) {
        unit->segments.at[unit->segments.n - 1].scope = scope;
        return 0;
    }
    struct scope_segment segment = {low, scope};
    return VEC_PUSH(&unit->segments, SCOPES_MAX, segment) ? 0 : ERR_MEMORY;
}

/* Closes what ends at or before `low`. */
static int scope_close(struct scope_sweep *sweep, uint64_t low)
{
    int err = 0;
    while (err == 0 && sweep->open.n && sweep->open.at[sweep->open.n - 1].high <= low) {
        uint64_t high = sweep->open.at[--sweep->open.n].high;
        uint32_t around = sweep->open.n ? sweep->open.at[sweep->open.n - 1].scope : SCOPE_NONE;
        err = scope_emit(sweep, high, around);
    }
    return err;
}

static int scope_flatten(struct scope_walk *walk)
{
    struct scope_sweep sweep = {.unit = walk->unit};
    int err = 0;
    if (walk->ranges.n)
        qsort(walk->ranges.at, walk->ranges.n, sizeof *walk->ranges.at, scope_range_compare);
    for (size_t i = 0; i < walk->ranges.n && err == 0; i++) {
        struct scope_range range = walk->ranges.at[i];
        err = scope_close(&sweep, range.low);
        if (sweep.open.n && range.high > sweep.open.at[sweep.open.n - 1].high)
            range.high = sweep.open.at[sweep.open.n - 1].high;
        if (err == 0)
            err = scope_emit(&sweep, range.low, range.scope);
        if (err == 0 && !VEC_PUSH(&sweep.open, SCOPES_MAX, range))
            err = ERR_MEMORY;
    }
    if (err == 0)
        err = scope_close(&sweep, UINT64_MAX);
    vec_done(&sweep.open);
    return err;
}

int unit_scan(struct unit *unit)
{
    if (unit->scanned)
        return 0;
    unit->scanned = true;
    Dwarf_Die split = {0};
    uint8_t type = 0;
    if (dwarf_cu_info(unit->die.cu, NULL, &type, NULL, &split, NULL, NULL, NULL) == 0 &&
        type == DW_UT_skeleton && split.addr)
        unit->die = split;
    struct scope_walk walk = {
            .unit = unit,
            .container = SCOPE_NONE,
    };
    scope_bound(&walk);
    int err = scope_walk_run(&walk);
    if (err == 0)
        err = scope_flatten(&walk);
    vec_done(&walk.levels);
    vec_done(&walk.ranges);
    return err;
}

static void unit_scan_containers(struct unit *unit)
{
    unit->contained = true;
    struct scope_walk walk = {
            .unit = unit,
            .wants_containers = true,
            .container = SCOPE_NONE,
    };
    scope_bound(&walk);
    if (scope_walk_run(&walk) < 0)
        unit->containers.n = 0;
    vec_done(&walk.levels);
    vec_done(&walk.ranges);
    /* The last child of its parent reaches as far as the parent. */
    VEC_EACH (struct scope_container, container, &unit->containers) {
        if (container->high)
            continue;
        container->high = container->parent == SCOPE_NONE
                                  ? (const void *)UINTPTR_MAX
                                  : unit->containers.at[container->parent].high;
    }
}

uint32_t unit_container_find(struct unit *unit, const void *die)
{
    if (!unit->contained)
        unit_scan_containers(unit);
    size_t low = 0, high = unit->containers.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uintptr_t)unit->containers.at[middle].low < (uintptr_t)die)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t found = low ? (uint32_t)(low - 1) : SCOPE_NONE;
    while (found != SCOPE_NONE && (uintptr_t)unit->containers.at[found].high <= (uintptr_t)die)
        found = unit->containers.at[found].parent;
    return found;
}
