/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Call frame information: from a code address to the rules by which its frame is left.
 *
 * Pure functions over the bytes of a module's readable segments. Every read is checked against
 * the segment it lies in, every count is bounded, so hostile bytes give a refusal or wrong
 * rules, never a fault or a loop.
 */
#ifndef MEMSCOPE_CAPTURE_CFI_H
#define MEMSCOPE_CAPTURE_CFI_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/module.h"

/* Bytes still to be read. The first read past the end sets `bad`; later reads give 0. */
struct cfi_reader {
    const uint8_t *at, *end;
    bool bad;
};

uint64_t cfi_read_fixed(struct cfi_reader *reader, uint32_t bytes);
uint64_t cfi_read_uleb(struct cfi_reader *reader);
int64_t cfi_read_sleb(struct cfi_reader *reader);
/* A pointer in one of the encodings of .eh_frame, without its indirection. */
uint64_t cfi_read_encoded(struct cfi_reader *reader, uint8_t encoding, uintptr_t data_base);

/* One function's entry with what it inherits from its common part. */
struct cfi_entry {
    uintptr_t start, end;      /* code it covers */
    struct cfi_reader initial; /* the common part's instructions */
    struct cfi_reader program; /* the function's own */
    uint64_t code_align;
    int64_t data_align;
    uint8_t pointer_encoding;
    uint8_t return_column;
    bool signal_frame; /* the caller's pc is exact, not a return address */
};

/* The entry that covers `address`: 0, or negative when there is none. */
int cfi_find(const struct module *module, uintptr_t address, struct cfi_entry *ret_entry);

enum cfi_rule_kind {
    CFI_SAME = 0, /* as in the caller; also what is not mentioned */
    CFI_UNDEFINED,
    CFI_OFFSET,           /* saved at frame address + value */
    CFI_VALUE_OFFSET,     /* is frame address + value */
    CFI_REGISTER,         /* is in register `value` */
    CFI_EXPRESSION,       /* saved where the expression at address `value` says */
    CFI_VALUE_EXPRESSION, /* is what the expression at address `value` says */
};

/* A kind in the low 3 bits and a signed value above: rows are copied often. */
typedef uint64_t cfi_rule;

static inline enum cfi_rule_kind cfi_rule_kind(cfi_rule rule)
{
    return (enum cfi_rule_kind)(rule & 7);
}

static inline int64_t cfi_rule_value(cfi_rule rule)
{
    return (int64_t)rule >> 3;
}

/* Registers whose rules are wanted in one run. CFI_COLUMNS at a time keeps the stack small; who
 * wants all of them runs the program again. */
enum { CFI_COLUMNS = 6, CFI_IN_EXPRESSION = 0xff };

struct cfi_row {
    uint8_t frame_register; /* frame address = register + offset; or CFI_IN_EXPRESSION */
    int64_t frame_offset;   /* or the address of the expression */
    cfi_rule rules[CFI_COLUMNS];
};

/* The rules that hold at `address` for the registers columns[0..CFI_COLUMNS): 0, or negative
 * when the program is broken or uses what is not understood. */
int cfi_run(const struct cfi_entry *entry, uintptr_t address, const uint8_t *columns,
            struct cfi_row *ret_row);

/* What expressions are evaluated against. */
struct cfi_machine {
    const uint64_t *registers; /* by DWARF number; NULL: symbolically, see below */
    uint64_t pc;
    bool (*load)(void *context, uintptr_t address, uint64_t *ret_value);
    void *context;
};

/* A number, or without registers a sum over the stack or the frame pointer, dereferenced at
 * most once and as the last step. */
struct cfi_value {
    int64_t number;
    uint8_t base; /* 0 none, CPU_SP or CPU_BP */
    bool dereferenced;
};

/* Evaluates the expression block (length first) at `at`, which cfi_run has checked to lie
 * within its segment; `initial` is on the stack at the start when it is not NULL. Negative when
 * it cannot be evaluated. */
int cfi_expression(const uint8_t *at, const struct cfi_machine *machine, const int64_t *initial,
                   struct cfi_value *ret_value);

#endif
