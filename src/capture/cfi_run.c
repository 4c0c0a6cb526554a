/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a call frame program up to an address.
 *
 * Only the rules of the wanted columns are kept. The state saved by `remember` lives in a small
 * fixed stack: no compiler nests it deeper, and a program that does is refused.
 */
#include "capture/cfi.h"

#include <stddef.h>

#include "capture/cpu/x86_64/cpu.h"

enum { REMEMBERED_MAX = 2 };

enum { /* instructions: high two bits, or the whole byte */
       ADVANCE = 1,
       OFFSET = 2,
       RESTORE = 3,
       NOP = 0x00,
       SET_LOCATION = 0x01,
       ADVANCE_1 = 0x02,
       ADVANCE_2 = 0x03,
       ADVANCE_4 = 0x04,
       OFFSET_EXTENDED = 0x05,
       RESTORE_EXTENDED = 0x06,
       UNDEFINED = 0x07,
       SAME_VALUE = 0x08,
       IN_REGISTER = 0x09,
       REMEMBER = 0x0a,
       RECALL = 0x0b,
       FRAME = 0x0c,
       FRAME_REGISTER = 0x0d,
       FRAME_OFFSET = 0x0e,
       FRAME_EXPRESSION = 0x0f,
       EXPRESSION = 0x10,
       OFFSET_EXTENDED_SIGNED = 0x11,
       FRAME_SIGNED = 0x12,
       FRAME_OFFSET_SIGNED = 0x13,
       VALUE_OFFSET = 0x14,
       VALUE_OFFSET_SIGNED = 0x15,
       VALUE_EXPRESSION = 0x16,
       ARGUMENTS_SIZE = 0x2e,
       OFFSET_EXTENDED_NEGATIVE = 0x2f,
};

struct program {
    const struct cfi_entry *entry;
    const uint8_t *columns;
    uint64_t wanted; /* bits: columns below 64 that are among them */
    uintptr_t location, address;
    struct cfi_row *row;
    const struct cfi_row *initial; /* NULL while the common part runs */
    uint32_t remembered_count;
    struct cfi_row remembered[REMEMBERED_MAX];
};

/* Most instructions are about registers that nobody asks for. */
static bool column_wanted(const struct program *program, uint64_t column)
{
    return column >= 64 || (program->wanted >> column & 1) != 0;
}

static void rule_set(struct program *program, uint64_t column, cfi_rule rule)
{
    if (!column_wanted(program, column))
        return;
    for (int i = 0; i < CFI_COLUMNS; i++) {
        if (program->columns[i] == column)
            program->row->rules[i] = rule;
    }
}

static cfi_rule rule_of(enum cfi_rule_kind kind, int64_t value)
{
    return (cfi_rule)value << 3 | (cfi_rule)kind;
}

static void rule_restore(struct program *program, uint64_t column)
{
    if (!column_wanted(program, column))
        return;
    for (int i = 0; i < CFI_COLUMNS; i++) {
        if (program->columns[i] == column)
            program->row->rules[i] = program->initial != NULL ? program->initial->rules[i] : 0;
    }
}

static void rule_offset(struct program *program, uint64_t column, enum cfi_rule_kind kind,
                        int64_t factored)
{
    int64_t offset = (int64_t)((uint64_t)factored * (uint64_t)program->entry->data_align);
    rule_set(program, column, rule_of(kind, offset));
}

/* Steps over an expression block and gives its address. */
static int64_t block_skip(struct cfi_reader *reader)
{
    int64_t at = (int64_t)(uintptr_t)reader->at;
    uint64_t bytes = cfi_read_uleb(reader);
    if (bytes > (uint64_t)(reader->end - reader->at))
        reader->bad = true;
    else
        reader->at += bytes;
    return at;
}

static void frame_set(struct program *program, uint64_t column, int64_t offset)
{
    program->row->frame_register = (uint8_t)(column < CPU_REGISTERS ? column : CPU_PC);
    program->row->frame_offset = offset;
}

/* An offset alone, which there is only beside a register: an expression's address must not be
 * taken for one, nor changed. */
static bool frame_move(struct program *program, int64_t offset)
{
    program->row->frame_offset = offset;
    return program->row->frame_register != CFI_IN_EXPRESSION;
}

static bool state_remember(struct program *program)
{
    if (program->remembered_count == REMEMBERED_MAX)
        return false;
    program->remembered[program->remembered_count++] = *program->row;
    return true;
}

static bool state_recall(struct program *program)
{
    if (program->remembered_count == 0)
        return false;
    *program->row = program->remembered[--program->remembered_count];
    return true;
}

/* Instructions that say how a register is found. */
static bool run_register(struct program *program, struct cfi_reader *reader, uint8_t code)
{
    uint64_t column = cfi_read_uleb(reader);
    switch (code) {
    case OFFSET_EXTENDED:
        rule_offset(program, column, CFI_OFFSET, (int64_t)cfi_read_uleb(reader));
        return true;
    case OFFSET_EXTENDED_SIGNED:
        rule_offset(program, column, CFI_OFFSET, cfi_read_sleb(reader));
        return true;
    case OFFSET_EXTENDED_NEGATIVE:
        rule_offset(program, column, CFI_OFFSET, -(int64_t)cfi_read_uleb(reader));
        return true;
    case VALUE_OFFSET:
        rule_offset(program, column, CFI_VALUE_OFFSET, (int64_t)cfi_read_uleb(reader));
        return true;
    case VALUE_OFFSET_SIGNED:
        rule_offset(program, column, CFI_VALUE_OFFSET, cfi_read_sleb(reader));
        return true;
    case RESTORE_EXTENDED:
        rule_restore(program, column);
        return true;
    case UNDEFINED:
        rule_set(program, column, rule_of(CFI_UNDEFINED, 0));
        return true;
    case SAME_VALUE:
        rule_set(program, column, rule_of(CFI_SAME, 0));
        return true;
    case IN_REGISTER:
        rule_set(program, column, rule_of(CFI_REGISTER, (int64_t)cfi_read_uleb(reader)));
        return true;
    case EXPRESSION:
        rule_set(program, column, rule_of(CFI_EXPRESSION, block_skip(reader)));
        return true;
    case VALUE_EXPRESSION:
        rule_set(program, column, rule_of(CFI_VALUE_EXPRESSION, block_skip(reader)));
        return true;
    default:
        return false;
    }
}

/* Instructions that say where the frame is. */
static bool run_frame(struct program *program, struct cfi_reader *reader, uint8_t code)
{
    struct cfi_row *row = program->row;
    int64_t align = program->entry->data_align;
    uint64_t column;
    switch (code) {
    case FRAME:
        column = cfi_read_uleb(reader);
        frame_set(program, column, (int64_t)cfi_read_uleb(reader));
        return true;
    case FRAME_SIGNED:
        column = cfi_read_uleb(reader);
        frame_set(program, column, (int64_t)((uint64_t)cfi_read_sleb(reader) * (uint64_t)align));
        return true;
    case FRAME_REGISTER:
        if (row->frame_register == CFI_IN_EXPRESSION)
            return false;
        frame_set(program, cfi_read_uleb(reader), row->frame_offset);
        return true;
    case FRAME_OFFSET:
        return frame_move(program, (int64_t)cfi_read_uleb(reader));
    case FRAME_OFFSET_SIGNED:
        return frame_move(program, (int64_t)((uint64_t)cfi_read_sleb(reader) * (uint64_t)align));
    case FRAME_EXPRESSION:
        row->frame_register = CFI_IN_EXPRESSION;
        row->frame_offset = block_skip(reader);
        return true;
    default:
        return run_register(program, reader, code);
    }
}

static bool run_other(struct program *program, struct cfi_reader *reader, uint8_t code)
{
    const struct cfi_entry *entry = program->entry;
    switch (code) {
    case NOP:
        return true;
    case SET_LOCATION:
        program->location = cfi_read_encoded(reader, entry->pointer_encoding, 0);
        return true;
    case ADVANCE_1:
        program->location += cfi_read_fixed(reader, 1) * entry->code_align;
        return true;
    case ADVANCE_2:
        program->location += cfi_read_fixed(reader, 2) * entry->code_align;
        return true;
    case ADVANCE_4:
        program->location += cfi_read_fixed(reader, 4) * entry->code_align;
        return true;
    case REMEMBER:
        return state_remember(program);
    case RECALL:
        return state_recall(program);
    case ARGUMENTS_SIZE:
        cfi_read_uleb(reader);
        return true;
    default:
        return run_frame(program, reader, code);
    }
}

/* Runs until the location passes the address. */
static int run(struct program *program, struct cfi_reader reader)
{
    while (reader.at < reader.end && program->location <= program->address) {
        uint8_t code = *reader.at++;
        uint8_t operand = code & 0x3f;
        bool known = true;
        switch (code >> 6) {
        case ADVANCE:
            program->location += operand * program->entry->code_align;
            break;
        case OFFSET:
            rule_offset(program, operand, CFI_OFFSET, (int64_t)cfi_read_uleb(&reader));
            break;
        case RESTORE:
            rule_restore(program, operand);
            break;
        default:
            known = run_other(program, &reader, code);
        }
        if (!known || reader.bad)
            return -1;
    }
    return 0;
}

int cfi_run(const struct cfi_entry *entry, uintptr_t address, const uint8_t *columns,
            struct cfi_row *ret_row)
{
    struct cfi_row row = {.frame_register = CPU_PC};
    struct cfi_row initial;
    struct program program;
    program.entry = entry;
    program.columns = columns;
    program.wanted = 0;
    for (int i = 0; i < CFI_COLUMNS; i++)
        program.wanted |= columns[i] < 64 ? 1ull << columns[i] : 0;
    program.location = entry->start;
    program.address = address;
    program.row = &row;
    program.initial = NULL;
    program.remembered_count = 0;
    if (run(&program, entry->initial) < 0)
        return -1;
    initial = row;
    program.initial = &initial;
    if (run(&program, entry->program) < 0)
        return -1;
    *ret_row = row;
    return 0;
}
