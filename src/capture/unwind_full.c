/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that need registers beyond the stack and frame pointer. */
#include "capture/unwind_full.h"

#include <stddef.h>

#include "capture/cfi.h"

enum { FULL_STEPS_MAX = 256, GROUPS = 2 };

/* The registers that a function hands back as it got them, in the groups of a run. Of the others
 * only the interrupted function can know. */
static const uint8_t preserved[GROUPS][CFI_COLUMNS] = {
        {3, CPU_BP, CPU_SP, 12, 13, 14},
        {15, CPU_PC, 0xff, 0xff, 0xff, 0xff},
};

struct full {
    struct unwind_range *range;
    uint64_t cfa;
    uint64_t registers[CPU_REGISTERS]; /* pc: exact where a signal saved it, else as returned to */
    uint64_t callers[GROUPS][CFI_COLUMNS]; /* as in `preserved` */
    struct cfi_machine machine;
};

static bool full_load(void *context, uintptr_t address, uint64_t *ret_value)
{
    uintptr_t word;
    if (!unwind_read(context, address, &word))
        return false;
    *ret_value = word;
    return true;
}

static bool full_cfa(struct full *full, const struct cfi_row *row)
{
    struct cfi_value value;
    if (row->frame_register != CFI_IN_EXPRESSION) {
        full->cfa = full->registers[row->frame_register] + (uint64_t)row->frame_offset;
        return true;
    }
    if (cfi_expression((const uint8_t *)row->frame_offset, &full->machine, NULL, &value) < 0)
        return false;
    full->cfa = (uint64_t)value.number;
    return true;
}

static bool full_rule(struct full *full, cfi_rule rule, uint64_t *value)
{
    int64_t operand = cfi_rule_value(rule);
    int64_t cfa = (int64_t)full->cfa;
    struct cfi_value result;
    switch (cfi_rule_kind(rule)) {
    case CFI_SAME:
    case CFI_UNDEFINED:
        return true;
    case CFI_OFFSET:
        return full_load(full->range, full->cfa + (uint64_t)operand, value);
    case CFI_VALUE_OFFSET:
        *value = full->cfa + (uint64_t)operand;
        return true;
    case CFI_REGISTER:
        if (operand < 0 || operand >= CPU_REGISTERS)
            return false;
        *value = full->registers[operand];
        return true;
    case CFI_EXPRESSION:
    case CFI_VALUE_EXPRESSION:
        if (cfi_expression((const uint8_t *)operand, &full->machine, &cfa, &result) < 0)
            return false;
        *value = (uint64_t)result.number;
        return cfi_rule_kind(rule) == CFI_VALUE_EXPRESSION ||
               full_load(full->range, (uintptr_t)result.number, value);
    }
    return false;
}

/* Computes the caller's registers, a group of columns at a time. */
__attribute__((noinline)) static bool full_apply(struct full *full, const struct cfi_entry *entry,
                                                 uintptr_t address)
{
    struct cfi_row row;
    for (uint32_t group = 0; group < GROUPS; group++) {
        if (cfi_run(entry, address, preserved[group], &row) < 0 ||
            (group == 0 && !full_cfa(full, &row)))
            return false;
        for (uint32_t i = 0; i < CFI_COLUMNS && preserved[group][i] != 0xff; i++) {
            uint32_t number = preserved[group][i];
            uint64_t *value = &full->callers[group][i];
            *value = number == CPU_SP ? full->cfa : full->registers[number];
            if (number == CPU_PC && cfi_rule_kind(row.rules[i]) == CFI_UNDEFINED)
                *value = 0;
            else if (!full_rule(full, row.rules[i], value))
                return false;
        }
    }
    return true;
}

/* One frame; `pc` is one past the byte whose rules hold. */
static inline __attribute__((always_inline)) enum unwind_step_result full_leave(struct full *full,
                                                                                uintptr_t *pc)
{
    struct cfi_entry entry;
    uint64_t sp = full->registers[CPU_SP];
    full->machine.pc = full->registers[CPU_PC];
    if (unwind_entry_find(*pc, &entry) != 0 || !full_apply(full, &entry, *pc - 1))
        return UNWIND_UNREADABLE;
    for (uint32_t group = 0; group < GROUPS; group++) {
        for (uint32_t i = 0; i < CFI_COLUMNS && preserved[group][i] != 0xff; i++)
            full->registers[preserved[group][i]] = full->callers[group][i];
    }
    if (full->registers[CPU_PC] == 0)
        return UNWIND_ENDED;
    *pc = full->registers[CPU_PC] + entry.signal_frame;
    return full->registers[CPU_SP] > sp ? UNWIND_STEPPED : UNWIND_UNREADABLE;
}

enum unwind_step_result unwind_full_step(struct unwind_walk *walk)
{
    if (walk->context == 0)
        return UNWIND_NEEDS_REGISTERS;
    struct full full = {.range = &walk->range};
    full.machine = (struct cfi_machine){full.registers, 0, full_load, &walk->range};
    struct unwind_range saved = unwind_range_of(walk->context);
    for (uint32_t i = 0; i < CPU_REGISTERS; i++) {
        if (!unwind_read(&saved, walk->context + cpu_context_offsets[i], &full.registers[i]))
            return UNWIND_UNREADABLE;
    }
    uintptr_t pc = full.registers[CPU_PC] + 1;
    for (uint32_t steps = 0; steps < FULL_STEPS_MAX; steps++) {
        bool arrived = pc == walk->state.pc && full.registers[CPU_SP] == walk->state.sp;
        enum unwind_step_result result = full_leave(&full, &pc);
        if (result != UNWIND_STEPPED)
            return result;
        if (arrived) {
            walk->state = (struct unwind_state){pc, full.registers[CPU_SP], full.registers[CPU_BP]};
            return UNWIND_STEPPED;
        }
    }
    return UNWIND_UNREADABLE;
}

/* What the function at *pc has saved of the preserved registers. */
__attribute__((noinline)) static bool full_frame(struct full *full, uintptr_t pc,
                                                 struct unwind_full_frame *ret_frame)
{
    static const uint8_t columns[CFI_COLUMNS] = {3, CPU_BP, 12, 13, 14, 15};
    struct cfi_entry entry;
    struct cfi_row row;
    full->machine.pc = full->registers[CPU_PC];
    if (unwind_entry_find(pc, &entry) != 0 || cfi_run(&entry, pc - 1, columns, &row) < 0 ||
        !full_cfa(full, &row))
        return false;
    *ret_frame = (struct unwind_full_frame){.start = entry.start, .cfa = full->cfa};
    for (uint32_t i = 0; i < CFI_COLUMNS; i++) {
        if (cfi_rule_kind(row.rules[i]) != CFI_OFFSET)
            continue;
        ret_frame->owned |= UINT32_C(1) << columns[i];
        ret_frame->saved[columns[i]] = full->cfa + (uint64_t)cfi_rule_value(row.rules[i]);
    }
    return true;
}

bool unwind_full_leave(uint64_t *registers, uintptr_t *pc, struct unwind_range *range,
                       struct unwind_full_frame *ret_frame)
{
    struct full full = {.range = range};
    full.machine = (struct cfi_machine){full.registers, 0, full_load, range};
    for (uint32_t i = 0; i < CPU_REGISTERS; i++)
        full.registers[i] = registers[i];
    if (ret_frame && !full_frame(&full, *pc, ret_frame))
        return false;
    bool left = full_leave(&full, pc) == UNWIND_STEPPED;
    for (uint32_t i = 0; i < CPU_REGISTERS; i++)
        registers[i] = full.registers[i];
    return left;
}
