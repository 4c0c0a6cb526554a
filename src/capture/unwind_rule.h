/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule by which the frame at a pc is left, in 31 bits, and the cache from pc to rule.
 *
 * Throughout the unwinder a pc is what a return address is: one past the byte that the rules are
 * looked up for. Where the true pc is known exactly (code interrupted by a signal) it is kept
 * plus one, so that nothing else needs to know the difference, in the log neither.
 */
#ifndef MEMSCOPE_CAPTURE_UNWIND_RULE_H
#define MEMSCOPE_CAPTURE_UNWIND_RULE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/cfi.h"
#include "capture/cpu/x86_64/cpu.h"

/* CFA is the caller's stack pointer; the return address lies below it unless said otherwise. */
enum unwind_kind {
    UNWIND_FROM_SP = 0,   /* CFA = sp + offset */
    UNWIND_FROM_BP = 1,   /* CFA = bp + offset */
    UNWIND_REALIGNED = 2, /* CFA = [bp - offset], caller's bp = [bp] */
    UNWIND_WIDE = 3,      /* what does not fit: entry number in the upper bits */
    UNWIND_SIGNAL = 4,    /* the kernel's signal frame: everything from the ucontext */
    UNWIND_END = 5,       /* the outermost frame */
    UNWIND_GUESS = 6,     /* no information: by frame pointer, and marked so */
    UNWIND_COMPLEX = 7,   /* needs registers that a walk does not carry */
};

/*
 * Bits 0-2 kind, 3-18 offset in bytes with its low 3 bits (0) masked off, 19-30 how many words
 * below the CFA the caller's bp was saved, 0 when bp is untouched. Kind 0 needs no shift.
 */
enum {
    UNWIND_KIND_MASK = 7,
    UNWIND_OFFSET_MASK = 0x7fff8,
    UNWIND_SLOT_SHIFT = 19,
    UNWIND_SLOT_MAX = 0xfff,
    UNWIND_RULE_BITS = 31,
};

static inline uint32_t unwind_rule_kind(uint32_t rule)
{
    return rule & UNWIND_KIND_MASK;
}

static inline uintptr_t unwind_rule_offset(uint32_t rule)
{
    return rule & UNWIND_OFFSET_MASK;
}

static inline uint32_t unwind_rule_slot(uint32_t rule)
{
    return rule >> UNWIND_SLOT_SHIFT;
}

enum unwind_wide_bp { UNWIND_BP_SAME, UNWIND_BP_AT_CFA, UNWIND_BP_AT_BP, UNWIND_BP_AT_SP };

struct unwind_wide {
    int64_t cfa_offset; /* from sp or bp */
    int64_t bp_offset;  /* from what `bp` says */
    int32_t pc_offset;  /* from the CFA */
    uint8_t cfa_from_bp;
    uint8_t cfa_loaded; /* the sum is where the CFA is stored */
    uint8_t bp;         /* enum unwind_wide_bp */
    uint8_t ready;
};

/* The entry of a WIDE rule. */
const struct unwind_wide *unwind_wide_of(uint32_t rule);

/*
 * The cache: one word holds its rule and those bits of the pc that, together with the word's
 * index, give the pc back. So a hit is never false, words are read and written whole, and threads
 * share the table without knowing of each other. Neighbouring code shares a cache line: eight
 * bytes of it to a word, where two return addresses hardly ever fit.
 */
enum { UNWIND_CACHE_BITS_MIN = 14, UNWIND_CACHE_BITS_MAX = 16, UNWIND_CODE_SHIFT = 3 };

struct unwind_cache {
    _Atomic uint64_t *words; /* NULL before unwind_cache_init */
    uint64_t mask;
};

extern struct unwind_cache unwind_cache;

/* Negative when the pool gives no memory. */
int unwind_cache_init(uint32_t bits);
void unwind_cache_clear(void);

/* What unwind_entry_find may find instead of an entry. */
enum { UNWIND_ENTRY_NO_MODULE = -2, UNWIND_ENTRY_NONE = -1, UNWIND_ENTRY_SIGRETURN = 1 };

/* The call frame information for a pc: 0, or one of the above. */
int unwind_entry_find(uintptr_t pc, struct cfi_entry *ret_entry);

/* Finds the rule in the module's tables and caches it. Out of line: once per pc. */
uint32_t unwind_rule_resolve(uintptr_t pc);

/* The pc's place in the cache, and its bits in the word above the rule. */
static inline uint64_t unwind_cache_index(uintptr_t pc)
{
    uintptr_t code = pc >> UNWIND_CODE_SHIFT;
    return (code ^ code >> UNWIND_CACHE_BITS_MIN) & unwind_cache.mask;
}

static inline uint64_t unwind_cache_tag(uintptr_t pc)
{
    return pc >> (UNWIND_CODE_SHIFT + UNWIND_CACHE_BITS_MIN) << UNWIND_CODE_SHIFT | pc % 8;
}

/* The rule of a pc. */
static inline uint32_t unwind_rule_get(uintptr_t pc)
{
    /* Acquire: pairs with the release in unwind_rule_resolve, after the module's log record and
     * the WIDE entry. */
    uint64_t word =
            atomic_load_explicit(&unwind_cache.words[unwind_cache_index(pc)], memory_order_acquire);
    if (__builtin_expect(word >> UNWIND_RULE_BITS == unwind_cache_tag(pc), 1))
        return (uint32_t)word & ((1u << UNWIND_RULE_BITS) - 1);
    return unwind_rule_resolve(pc);
}

#endif
