/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that need registers beyond the stack and frame pointer. */
#include "capture/unwind_full.h"

#include <stddef.h>

#include "capture/cfi.h"
#include "capture/module.h"

enum { FULL_STEPS_MAX = 256 };

struct full {
    struct unwind_range *range;
    uint64_t cfa;
    uint64_t registers[CPU_REGISTERS]; /* pc: exact where a signal saved it, else as returned to */
    uint64_t callers[CPU_REGISTERS];
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
static bool full_apply(struct full *full, const struct cfi_entry *entry, uintptr_t address)
{
    struct cfi_row row;
    uint8_t columns[CFI_COLUMNS];
    for (uint32_t first = 0; first < CPU_REGISTERS; first += CFI_COLUMNS) {
        for (uint32_t i = 0; i < CFI_COLUMNS; i++)
            columns[i] = (uint8_t)(first + i);
        if (cfi_run(entry, address, columns, &row) < 0)
            return false;
        if (first == 0 && !full_cfa(full, &row))
            return false;
        for (uint32_t i = 0; i < CFI_COLUMNS && first + i < CPU_REGISTERS; i++) {
            uint32_t number = first + i;
            full->callers[number] = number == CPU_SP ? full->cfa : full->registers[number];
            if (number == CPU_PC && cfi_rule_kind(row.rules[i]) == CFI_UNDEFINED)
                full->callers[number] = 0;
            else if (!full_rule(full, row.rules[i], &full->callers[number]))
                return false;
        }
    }
    return true;
}

/* One frame; `pc` is one past the byte whose rules hold. */
static enum unwind_step_result full_leave(struct full *full, uintptr_t *pc)
{
    struct module module;
    struct cfi_entry entry;
    if (!module_find(*pc - 1, &module) || cfi_find(&module, *pc - 1, &entry) < 0)
        return UNWIND_UNREADABLE;
    full->machine.pc = full->registers[CPU_PC];
    if (!full_apply(full, &entry, *pc - 1))
        return UNWIND_UNREADABLE;
    if (full->callers[CPU_PC] == 0)
        return UNWIND_ENDED;
    if (full->callers[CPU_SP] <= full->registers[CPU_SP])
        return UNWIND_UNREADABLE;
    for (uint32_t i = 0; i < CPU_REGISTERS; i++)
        full->registers[i] = full->callers[i];
    *pc = full->registers[CPU_PC] + entry.signal_frame;
    return UNWIND_STEPPED;
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
