/* SPDX-License-Identifier: Apache-2.0 */
/* The units of a file by address. */
#include "symbol/unit.h"

#include <dwarf.h>
#include <stdlib.h>

#include "base/diag.h"

static void unit_free(struct unit *unit)
{
    vec_done(&unit->scopes);
    vec_done(&unit->segments);
    vec_done(&unit->containers);
    free(unit);
}

static int units_add(struct units *units, const Dwarf_Die *die, uint32_t *ret_index)
{
    struct unit *unit = calloc(1, sizeof *unit);
    if (!unit)
        return ERR_MEMORY;
    unit->die = *die;
    unit->line = *die;
    uint32_t index = (uint32_t)units->items.n;
    if (!VEC_PUSH(&units->items, UNITS_MAX, unit)) {
        free(unit);
        return ERR_MEMORY;
    }
    if (!map_put(&units->by_cu, (uintptr_t)die->cu, index))
        return ERR_MEMORY;
    *ret_index = index;
    return 0;
}

static int units_add_ranges(struct units *units, uint32_t index, Dwarf_Die *die)
{
    Dwarf_Addr base, low, high;
    ptrdiff_t at = 0;
    while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
        /* Linkers set the ranges of what they dropped to 0 or 1. */
        if (low <= 1 || low >= high)
            continue;
        struct unit_range range = {.low = low, .high = high, .unit = index};
        if (!VEC_PUSH(&units->ranges, UNIT_RANGES_MAX, range))
            return ERR_MEMORY;
    }
    return 0;
}

static int unit_range_compare(const void *left, const void *right)
{
    const struct unit_range *a = left, *b = right;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    if (a->high != b->high)
        return a->high > b->high ? -1 : 1; /* the smaller one is found first */
    return a->unit < b->unit ? -1 : a->unit > b->unit;
}

int units_open(struct units *units, Dwarf *dwarf)
{
    Dwarf_CU *cu = NULL;
    Dwarf_Half version;
    uint8_t type;
    Dwarf_Die die;
    while (dwarf_get_units(dwarf, cu, &cu, &version, &type, &die, NULL) == 0) {
        if (type != DW_UT_compile && type != DW_UT_skeleton)
            continue;
        uint32_t index;
        int err = units_add(units, &die, &index);
        if (err == 0)
            err = units_add_ranges(units, index, &die);
        if (err < 0)
            return err;
    }
    if (units->ranges.n)
        qsort(units->ranges.at, units->ranges.n, sizeof *units->ranges.at, unit_range_compare);
    uint64_t reach = 0;
    VEC_EACH (struct unit_range, range, &units->ranges) {
        if (range->high > reach)
            reach = range->high;
        range->reach = reach;
    }
    return 0;
}

void units_done(struct units *units)
{
    for (size_t i = 0; i < units->items.n; i++)
        unit_free(units->items.at[i]);
    vec_done(&units->items);
    vec_done(&units->ranges);
    map_done(&units->by_cu);
}

struct unit *units_find(struct units *units, uint64_t address)
{
    size_t low = 0, high = units->ranges.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (units->ranges.at[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    while (low > 0 && units->ranges.at[low - 1].reach > address) {
        low--;
        if (units->ranges.at[low].high > address)
            return units->items.at[units->ranges.at[low].unit];
    }
    return NULL;
}

struct unit *units_of_die(struct units *units, Dwarf_Die *die)
{
    int64_t found = map_find(&units->by_cu, (uintptr_t)die->cu);
    if (found >= 0)
        return units->items.at[found];
    Dwarf_Die cu_die;
    uint32_t index;
    if (!dwarf_diecu(die, &cu_die, NULL, NULL) || units_add(units, &cu_die, &index) < 0)
        return NULL;
    return units->items.at[index];
}

uint32_t unit_scope_find(const struct unit *unit, uint64_t address)
{
    size_t low = 0, high = unit->segments.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (unit->segments.at[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? unit->segments.at[low - 1].scope : SCOPE_NONE;
}

Dwarf_Die unit_scope_die(const struct unit *unit, uint32_t scope)
{
    return (Dwarf_Die){.addr = unit->scopes.at[scope].die, .cu = unit->die.cu};
}
