/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of symbol tables.
 *
 * Entries are sorted by address and made unique per address (the best name stays). Each knows the
 * nearest entry before it that reaches further, so that a find walks out of small symbols into the
 * larger ones around them, which are few.
 */
#include "symbol/names.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

enum { NAMES_FEW = 24, NAMES_DIGITS = 256 };

/* Among aliases the name that people know: a function, without underscores, global. */
static uint8_t names_rank(const struct names_symbol *symbol)
{
    const char *name = symbol->name;
    unsigned binding = ELF64_ST_BIND(symbol->info);
    unsigned type = ELF64_ST_TYPE(symbol->info);
    bool is_mangled = name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
    unsigned rank = type == STT_NOTYPE ? 16 : 0;
    rank += name[0] == '_' && !is_mangled ? 4 : 0;
    rank += binding == STB_GLOBAL ? 0 : binding == STB_WEAK ? 1 : 2;
    return (uint8_t)rank;
}

static bool names_wants(const struct names_symbol *symbol)
{
    unsigned type = ELF64_ST_TYPE(symbol->info);
    if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
        return false;
    /* Local $x, $a, $d mark code and data on some processors. */
    return symbol->value && symbol->name[0] && symbol->name[0] != '$';
}

int names_offer(struct names *names, const struct names_symbol *symbol)
{
    if (!names_wants(symbol) || symbol->value >= symbol->section_end)
        return 0;
    struct names_entry entry = {.low = symbol->value, .name = symbol->name, .outer = NAMES_NONE};
    entry.rank = names_rank(symbol);
    entry.unsized = symbol->bytes == 0;
    entry.high = symbol->section_end;
    if (symbol->bytes && symbol->bytes < symbol->section_end - symbol->value)
        entry.high = symbol->value + symbol->bytes;
    return VEC_PUSH(&names->entries, NAMES_MAX, entry) ? 0 : ERR_MEMORY;
}

static int names_compare(const void *left, const void *right)
{
    const struct names_entry *a = left, *b = right;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    if (a->unsized != b->unsized)
        return a->unsized ? 1 : -1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    size_t a_n = strlen(a->name), b_n = strlen(b->name);
    if (a_n != b_n)
        return a_n < b_n ? -1 : 1;
    return strcmp(a->name, b->name);
}

static unsigned names_digit(const struct names_entry *entry, unsigned shift)
{
    return (unsigned)(entry->low >> shift) % NAMES_DIGITS;
}

/* In place by one digit of the address; ret_end: where the entries of each digit end. */
static void names_sort_digit(struct names_entry *at, size_t n, unsigned shift, size_t *ret_end)
{
    size_t next[NAMES_DIGITS], counts[NAMES_DIGITS] = {0};
    for (size_t i = 0; i < n; i++)
        counts[names_digit(&at[i], shift)]++;
    for (size_t digit = 0, sum = 0; digit < NAMES_DIGITS; digit++) {
        next[digit] = sum;
        ret_end[digit] = sum += counts[digit];
    }
    for (unsigned digit = 0; digit < NAMES_DIGITS; digit++) {
        while (next[digit] < ret_end[digit]) {
            struct names_entry *entry = &at[next[digit]], moved = *entry;
            unsigned to = names_digit(entry, shift);
            *entry = at[next[to]];
            at[next[to]++] = moved;
        }
    }
}

/*
 * By the digit that holds the highest bit in which addresses differ, then each digit's entries for
 * themselves: that bit is eight lower in each step. A sort that merges would touch as much memory
 * again, and each page of it for the first time.
 */
static void names_sort(struct names_entry *at, size_t n)
{
    uint64_t differing = 0;
    for (size_t i = 1; i < n; i++)
        differing |= at[i].low ^ at[0].low;
    if (n <= NAMES_FEW || !differing) {
        qsort(at, n, sizeof *at, names_compare);
        return;
    }
    unsigned top = 63u - (unsigned)__builtin_clzll(differing);
    size_t end[NAMES_DIGITS], begin = 0;
    names_sort_digit(at, n, top > 7 ? top - 7 : 0, end);
    for (unsigned digit = 0; digit < NAMES_DIGITS; begin = end[digit++])
        names_sort(at + begin, end[digit] - begin);
}

void names_finish(struct names *names)
{
    struct names_entry *at = names->entries.at;
    size_t n = names->entries.n, kept = 0;
    if (n == 0)
        return;
    names_sort(at, n);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || at[i].low != at[kept - 1].low)
            at[kept++] = at[i];
    }
    names->entries.n = kept;
    uint32_t outer = NAMES_NONE;
    for (size_t i = 0; i < kept; i++) {
        if (at[i].unsized && i + 1 < kept && at[i + 1].low < at[i].high)
            at[i].high = at[i + 1].low;
        while (outer != NAMES_NONE && at[outer].high <= at[i].low)
            outer = at[outer].outer;
        at[i].outer = outer;
        outer = (uint32_t)i;
    }
}

const struct names_entry *names_find(const struct names *names, uint64_t address)
{
    size_t low = 0, high = names->entries.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (names->entries.at[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t i = low ? (uint32_t)(low - 1) : NAMES_NONE;
    while (i != NAMES_NONE && names->entries.at[i].high <= address)
        i = names->entries.at[i].outer;
    return i == NAMES_NONE ? NULL : &names->entries.at[i];
}

void names_done(struct names *names)
{
    vec_done(&names->entries);
}
