/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluates the DWARF expressions of call frame information.
 *
 * With registers it computes. Without them it computes symbolically, as far as a sum over the
 * stack or frame pointer goes: enough for the frames that compilers and linkers make (a realigned
 * stack, a PLT entry), whose rule can then be kept in the cache like any other.
 */
#include "capture/cfi.h"

#include <stddef.h>

#include "capture/cpu/x86_64/cpu.h"

enum { STACK_MAX = 8, STEPS_MAX = 256 };

enum {
    OP_ADDRESS = 0x03,
    OP_DEREFERENCE = 0x06,
    OP_CONST1U = 0x08,
    OP_CONST8S = 0x0f,
    OP_CONSTU = 0x10,
    OP_CONSTS = 0x11,
    OP_DUPLICATE = 0x12,
    OP_DROP = 0x13,
    OP_OVER = 0x14,
    OP_SWAP = 0x16,
    OP_AND = 0x1a,
    OP_MINUS = 0x1c,
    OP_MULTIPLY = 0x1e,
    OP_NEGATE = 0x1f,
    OP_NOT = 0x20,
    OP_OR = 0x21,
    OP_PLUS = 0x22,
    OP_PLUS_CONST = 0x23,
    OP_SHIFT_LEFT = 0x24,
    OP_SHIFT_RIGHT = 0x25,
    OP_SHIFT_RIGHT_SIGNED = 0x26,
    OP_XOR = 0x27,
    OP_BRANCH = 0x28,
    OP_EQUAL = 0x29,
    OP_GREATER_EQUAL = 0x2a,
    OP_GREATER = 0x2b,
    OP_LESS_EQUAL = 0x2c,
    OP_LESS = 0x2d,
    OP_UNEQUAL = 0x2e,
    OP_SKIP = 0x2f,
    OP_LITERAL_0 = 0x30,
    OP_REGISTER_0 = 0x70,
    OP_REGISTER_X = 0x92,
    OP_NOP = 0x96,
};

struct evaluation {
    const struct cfi_machine *machine;
    struct cfi_reader reader;
    const uint8_t *start;
    uint32_t depth;
    struct cfi_value stack[STACK_MAX];
};

static bool push(struct evaluation *e, struct cfi_value value)
{
    if (e->depth == STACK_MAX)
        return false;
    e->stack[e->depth++] = value;
    return true;
}

static bool push_number(struct evaluation *e, int64_t number)
{
    return push(e, (struct cfi_value){.number = number});
}

static bool push_register(struct evaluation *e, uint64_t number)
{
    int64_t offset = cfi_read_sleb(&e->reader);
    const struct cfi_machine *machine = e->machine;
    struct cfi_value value = {0};
    if (number == CPU_PC)
        value.number = (int64_t)machine->pc;
    else if (number > CPU_PC)
        return false;
    else if (machine->registers != NULL)
        value.number = (int64_t)machine->registers[number];
    else if (number == CPU_SP || number == CPU_BP)
        value.base = (uint8_t)number;
    else
        return false;
    value.number = (int64_t)((uint64_t)value.number + (uint64_t)offset);
    return push(e, value);
}

static bool dereference(struct evaluation *e)
{
    if (e->depth == 0)
        return false;
    struct cfi_value *top = &e->stack[e->depth - 1];
    if (e->machine->registers == NULL) {
        if (top->dereferenced)
            return false;
        top->dereferenced = true;
        return true;
    }
    uint64_t value;
    if (!e->machine->load(e->machine->context, (uintptr_t)top->number, &value))
        return false;
    top->number = (int64_t)value;
    return true;
}

static bool pick(struct evaluation *e, uint32_t below)
{
    return e->depth > below && push(e, e->stack[e->depth - 1 - below]);
}

static bool swap(struct evaluation *e)
{
    if (e->depth < 2)
        return false;
    struct cfi_value top = e->stack[e->depth - 1];
    e->stack[e->depth - 1] = e->stack[e->depth - 2];
    e->stack[e->depth - 2] = top;
    return true;
}

static bool jump(struct evaluation *e, bool taken)
{
    int16_t distance = (int16_t)cfi_read_fixed(&e->reader, 2);
    if (!taken || e->reader.bad)
        return true;
    if (distance > e->reader.end - e->reader.at || distance < e->start - e->reader.at)
        return false;
    e->reader.at += distance;
    return true;
}

static bool compute(uint8_t op, int64_t a, int64_t b, int64_t *ret_value)
{
    uint64_t ua = (uint64_t)a, ub = (uint64_t)b;
    switch (op) {
    case OP_AND:
        *ret_value = a & b;
        return true;
    case OP_MULTIPLY:
        *ret_value = (int64_t)(ua * ub);
        return true;
    case OP_OR:
        *ret_value = a | b;
        return true;
    case OP_SHIFT_LEFT:
        *ret_value = ub < 64 ? (int64_t)(ua << ub) : 0;
        return true;
    case OP_SHIFT_RIGHT:
        *ret_value = ub < 64 ? (int64_t)(ua >> ub) : 0;
        return true;
    case OP_SHIFT_RIGHT_SIGNED:
        *ret_value = a >> (ub < 64 ? ub : 63);
        return true;
    case OP_XOR:
        *ret_value = a ^ b;
        return true;
    default:
        return false;
    }
}

static bool compare(uint8_t op, int64_t a, int64_t b, int64_t *ret_value)
{
    switch (op) {
    case OP_EQUAL:
        *ret_value = a == b;
        return true;
    case OP_GREATER_EQUAL:
        *ret_value = a >= b;
        return true;
    case OP_GREATER:
        *ret_value = a > b;
        return true;
    case OP_LESS_EQUAL:
        *ret_value = a <= b;
        return true;
    case OP_LESS:
        *ret_value = a < b;
        return true;
    case OP_UNEQUAL:
        *ret_value = a != b;
        return true;
    default:
        return false;
    }
}

/* Two operands; only sums may have one that is not a number. */
static bool combine(struct evaluation *e, uint8_t op)
{
    if (e->depth < 2)
        return false;
    struct cfi_value b = e->stack[--e->depth];
    struct cfi_value *a = &e->stack[e->depth - 1];
    if (a->dereferenced || b.dereferenced)
        return false;
    if (op == OP_PLUS && (a->base == 0 || b.base == 0)) {
        a->number = (int64_t)((uint64_t)a->number + (uint64_t)b.number);
        a->base |= b.base;
        return true;
    }
    if (op == OP_MINUS && b.base == 0) {
        a->number = (int64_t)((uint64_t)a->number - (uint64_t)b.number);
        return true;
    }
    if (a->base != 0 || b.base != 0)
        return false;
    return compute(op, a->number, b.number, &a->number) ||
           compare(op, a->number, b.number, &a->number);
}

/* One operand, which must be a number. */
static bool change(struct evaluation *e, uint8_t op)
{
    if (e->depth == 0)
        return false;
    struct cfi_value *top = &e->stack[e->depth - 1];
    if (op == OP_PLUS_CONST) {
        top->number = (int64_t)((uint64_t)top->number + cfi_read_uleb(&e->reader));
        return !top->dereferenced;
    }
    if (top->base != 0 || top->dereferenced)
        return false;
    top->number = (int64_t)(op == OP_NEGATE ? 0 - (uint64_t)top->number : ~(uint64_t)top->number);
    return true;
}

static bool push_constant(struct evaluation *e, uint8_t op)
{
    uint32_t bytes = 1u << (op - OP_CONST1U) / 2;
    uint64_t value = cfi_read_fixed(&e->reader, bytes);
    bool is_signed = (op - OP_CONST1U) % 2 != 0;
    if (is_signed && bytes < 8 && (value >> (8 * bytes - 1)) != 0)
        value |= ~0ull << 8 * bytes;
    return push_number(e, (int64_t)value);
}

static bool branch(struct evaluation *e)
{
    if (e->depth == 0)
        return false;
    struct cfi_value condition = e->stack[--e->depth];
    return condition.base == 0 && !condition.dereferenced && jump(e, condition.number != 0);
}

static bool step_stack(struct evaluation *e, uint8_t op)
{
    switch (op) {
    case OP_DEREFERENCE:
        return dereference(e);
    case OP_DUPLICATE:
        return pick(e, 0);
    case OP_OVER:
        return pick(e, 1);
    case OP_SWAP:
        return swap(e);
    case OP_DROP:
        return e->depth-- > 0;
    case OP_NEGATE:
    case OP_NOT:
    case OP_PLUS_CONST:
        return change(e, op);
    case OP_BRANCH:
        return branch(e);
    case OP_SKIP:
        return jump(e, true);
    case OP_NOP:
        return true;
    default:
        return combine(e, op);
    }
}

static bool step(struct evaluation *e)
{
    uint8_t op = (uint8_t)cfi_read_fixed(&e->reader, 1);
    if (op >= OP_LITERAL_0 && op < OP_LITERAL_0 + 32)
        return push_number(e, op - OP_LITERAL_0);
    if (op >= OP_REGISTER_0 && op < OP_REGISTER_0 + 32)
        return push_register(e, op - OP_REGISTER_0);
    if (op >= OP_CONST1U && op <= OP_CONST8S)
        return push_constant(e, op);
    if (op == OP_CONSTU)
        return push_number(e, (int64_t)cfi_read_uleb(&e->reader));
    if (op == OP_CONSTS)
        return push_number(e, cfi_read_sleb(&e->reader));
    if (op == OP_ADDRESS)
        return push_number(e, (int64_t)cfi_read_fixed(&e->reader, 8));
    if (op == OP_REGISTER_X)
        return push_register(e, cfi_read_uleb(&e->reader));
    return step_stack(e, op);
}

int cfi_expression(const uint8_t *at, const struct cfi_machine *machine, const int64_t *initial,
                   struct cfi_value *ret_value)
{
    struct evaluation e;
    /* The block's length was checked by cfi_run; its own bytes are its bound. */
    struct cfi_reader length = {at, at + 10, false};
    uint64_t bytes = cfi_read_uleb(&length);
    e.machine = machine;
    e.reader = (struct cfi_reader){length.at, length.at + bytes, false};
    e.start = length.at;
    e.depth = 0;
    if (initial != NULL)
        push_number(&e, *initial);
    for (uint32_t steps = 0; e.reader.at < e.reader.end; steps++) {
        if (steps == STEPS_MAX || !step(&e) || e.reader.bad)
            return -1;
    }
    if (e.depth == 0)
        return -1;
    *ret_value = e.stack[e.depth - 1];
    return 0;
}
