/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the compact rule of a pc from call frame information, and keeps it. */
#include "capture/unwind_rule.h"

#include <stddef.h>

#include "capture/module.h"
#include "capture/pool.h"

enum { WIDE_PER_PAGE = CPU_PAGE_BYTES / sizeof(struct unwind_wide), WIDE_PAGES_MAX = 64 };

struct unwind_cache unwind_cache;

static struct {
    _Atomic uint32_t used;
    _Atomic(struct unwind_wide *) pages[WIDE_PAGES_MAX];
} wide;

int unwind_cache_init(uint32_t bits)
{
    _Atomic uint64_t *words = pool_take(sizeof(uint64_t) << bits);
    if (words == NULL)
        return -1;
    unwind_cache.mask = (1ull << bits) - 1;
    unwind_cache.words = words;
    return 0;
}

void unwind_cache_clear(void)
{
    for (uint64_t i = 0; i <= unwind_cache.mask; i++) {
        if (atomic_load_explicit(&unwind_cache.words[i], memory_order_relaxed) != 0)
            atomic_store_explicit(&unwind_cache.words[i], 0, memory_order_relaxed);
    }
}

static struct unwind_wide *wide_at(uint32_t number)
{
    /* Acquire: pairs with the release that put the page there. */
    struct unwind_wide *page =
            atomic_load_explicit(&wide.pages[number / WIDE_PER_PAGE], memory_order_acquire);
    return page == NULL ? NULL : page + number % WIDE_PER_PAGE;
}

const struct unwind_wide *unwind_wide_of(uint32_t rule)
{
    return wide_at(rule >> 3);
}

static bool wide_equal(const struct unwind_wide *a, const struct unwind_wide *b)
{
    return a->cfa_offset == b->cfa_offset && a->bp_offset == b->bp_offset &&
           a->pc_offset == b->pc_offset && a->cfa_from_bp == b->cfa_from_bp &&
           a->cfa_loaded == b->cfa_loaded && a->bp == b->bp;
}

/* The number of an entry like this one, made when there is none; negative when full. */
static int64_t wide_number(const struct unwind_wide *entry)
{
    uint32_t number = 0;
    for (;; number++) {
        if (number == atomic_load_explicit(&wide.used, memory_order_acquire)) {
            if (number == WIDE_PER_PAGE * WIDE_PAGES_MAX)
                return -1;
            break;
        }
        const struct unwind_wide *other = wide_at(number);
        if (other != NULL && other->ready && wide_equal(other, entry))
            return number;
    }
    /* Two threads may make the same entry twice; each has a number of its own. */
    number = atomic_fetch_add_explicit(&wide.used, 1, memory_order_relaxed);
    if (number >= WIDE_PER_PAGE * WIDE_PAGES_MAX) {
        atomic_fetch_sub_explicit(&wide.used, 1, memory_order_relaxed);
        return -1;
    }
    if (wide_at(number) == NULL) {
        struct unwind_wide *page = pool_take(CPU_PAGE_BYTES);
        struct unwind_wide *none = NULL;
        if (page == NULL)
            return -1;
        /* Release: pairs with the acquire in wide_at. */
        atomic_compare_exchange_strong_explicit(&wide.pages[number / WIDE_PER_PAGE], &none, page,
                                                memory_order_release, memory_order_relaxed);
    }
    struct unwind_wide *mine = wide_at(number);
    if (mine == NULL)
        return -1;
    *mine = *entry;
    mine->ready = 1;
    return number;
}

static uint32_t rule_wide(const struct unwind_wide *entry)
{
    int64_t number = wide_number(entry);
    return number < 0 ? UNWIND_COMPLEX : (uint32_t)number << 3 | UNWIND_WIDE;
}

/* Where the row says that the caller's bp is; false when only registers could tell. */
static bool wide_bp(const struct cfi_machine *machine, cfi_rule rule, struct unwind_wide *entry)
{
    struct cfi_value value;
    switch (cfi_rule_kind(rule)) {
    case CFI_SAME:
    case CFI_UNDEFINED:
        entry->bp = UNWIND_BP_SAME;
        return true;
    case CFI_OFFSET:
        entry->bp = UNWIND_BP_AT_CFA;
        entry->bp_offset = cfi_rule_value(rule);
        return true;
    case CFI_EXPRESSION:
        if (cfi_expression((const uint8_t *)cfi_rule_value(rule), machine, NULL, &value) < 0 ||
            value.base == 0 || value.dereferenced)
            return false;
        entry->bp = value.base == CPU_BP ? UNWIND_BP_AT_BP : UNWIND_BP_AT_SP;
        entry->bp_offset = value.number;
        return true;
    default:
        return false;
    }
}

static bool wide_cfa(const struct cfi_machine *machine, const struct cfi_row *row,
                     struct unwind_wide *entry)
{
    struct cfi_value value = {.number = row->frame_offset, .base = row->frame_register};
    if (row->frame_register == CFI_IN_EXPRESSION &&
        cfi_expression((const uint8_t *)row->frame_offset, machine, NULL, &value) < 0)
        return false;
    if (value.base != CPU_SP && value.base != CPU_BP)
        return false;
    entry->cfa_from_bp = value.base == CPU_BP;
    entry->cfa_offset = value.number;
    entry->cfa_loaded = value.dereferenced;
    return true;
}

static bool offset_fits(int64_t offset)
{
    return offset >= 0 && offset % 8 == 0 && offset <= UNWIND_OFFSET_MASK;
}

/* How many words below the CFA bp was saved, 0 when it was not; negative when that is not all. */
static int64_t slot_of(const struct unwind_wide *entry)
{
    if (entry->bp == UNWIND_BP_SAME)
        return 0;
    int64_t slot = -entry->bp_offset / 8;
    if (entry->bp != UNWIND_BP_AT_CFA || entry->bp_offset % 8 != 0 || slot <= 0 ||
        slot > UNWIND_SLOT_MAX)
        return -1;
    return slot;
}

/* The compact form of an entry, else a WIDE rule. */
static uint32_t rule_compact(const struct unwind_wide *entry)
{
    if (entry->pc_offset != -8)
        return rule_wide(entry);
    if (entry->cfa_loaded) {
        if (entry->cfa_from_bp && entry->bp == UNWIND_BP_AT_BP && entry->bp_offset == 0 &&
            offset_fits(-entry->cfa_offset))
            return (uint32_t)-entry->cfa_offset | 1u << UNWIND_SLOT_SHIFT | UNWIND_REALIGNED;
        return rule_wide(entry);
    }
    int64_t slot = slot_of(entry);
    if (slot < 0 || !offset_fits(entry->cfa_offset))
        return rule_wide(entry);
    return (uint32_t)entry->cfa_offset | (uint32_t)slot << UNWIND_SLOT_SHIFT |
           (entry->cfa_from_bp ? UNWIND_FROM_BP : UNWIND_FROM_SP);
}

static uint32_t rule_of_row(const struct cfi_entry *entry, const struct cfi_row *row, uintptr_t pc)
{
    const struct cfi_machine machine = {.pc = pc - 1};
    cfi_rule pc_rule = row->rules[1];
    struct unwind_wide result = {.ready = 0};
    if (cfi_rule_kind(pc_rule) == CFI_UNDEFINED)
        return UNWIND_END;
    if (!wide_cfa(&machine, row, &result))
        return UNWIND_COMPLEX;
    if (entry->signal_frame)
        return result.cfa_loaded && !result.cfa_from_bp && result.cfa_offset == CPU_CONTEXT_SP
                       ? UNWIND_SIGNAL
                       : UNWIND_COMPLEX;
    if (cfi_rule_kind(pc_rule) != CFI_OFFSET ||
        cfi_rule_value(pc_rule) != (int32_t)cfi_rule_value(pc_rule) ||
        !wide_bp(&machine, row->rules[0], &result))
        return UNWIND_COMPLEX;
    result.pc_offset = (int32_t)cfi_rule_value(pc_rule);
    return rule_compact(&result);
}

/* A libc may leave its signal trampoline without unwind information. */
static bool code_is_sigreturn(const struct module *module, uintptr_t pc)
{
    if (module_range_of(module, pc, sizeof(cpu_sigreturn_code)) == NULL)
        return false;
    for (uint32_t i = 0; i < sizeof(cpu_sigreturn_code); i++) {
        if (((const uint8_t *)pc)[i] != cpu_sigreturn_code[i])
            return false;
    }
    return true;
}

int unwind_entry_find(uintptr_t pc, struct cfi_entry *ret_entry)
{
    struct module module;
    if (!module_find(pc - 1, &module))
        return UNWIND_ENTRY_NO_MODULE;
    if (cfi_find(&module, pc - 1, ret_entry) == 0)
        return 0;
    return code_is_sigreturn(&module, pc) ? UNWIND_ENTRY_SIGRETURN : UNWIND_ENTRY_NONE;
}

/* Out of line: its row and unwind_entry_find's module are never on the stack together. */
__attribute__((noinline)) static uint32_t rule_of_entry(const struct cfi_entry *entry, uintptr_t pc)
{
    static const uint8_t columns[CFI_COLUMNS] = {CPU_BP, CPU_PC, 0xff, 0xff, 0xff, 0xff};
    struct cfi_row row;
    if (cfi_run(entry, pc - 1, columns, &row) < 0)
        return UNWIND_COMPLEX;
    return rule_of_row(entry, &row, pc);
}

uint32_t unwind_rule_resolve(uintptr_t pc)
{
    struct cfi_entry entry;
    uint32_t rule = UNWIND_GUESS;
    if (pc >> CPU_ADDRESS_BITS != 0)
        return rule;
    int found = unwind_entry_find(pc, &entry);
    /* Code outside every module may be replaced without notice: nothing to keep. */
    if (found == UNWIND_ENTRY_NO_MODULE)
        return rule;
    if (found != UNWIND_ENTRY_NONE)
        rule = found == 0 ? rule_of_entry(&entry, pc) : UNWIND_SIGNAL;
    /* Release: pairs with the acquire in unwind_rule_get. */
    atomic_store_explicit(&unwind_cache.words[unwind_cache_index(pc)],
                          unwind_cache_tag(pc) << UNWIND_RULE_BITS | rule, memory_order_release);
    return rule;
}
