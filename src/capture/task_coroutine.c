/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is learnt of a pc is kept: that its frame never holds a coroutine, which spares the walk, or
 * where it holds it. A walk knows every register that calls preserve. Of a frame, only registers
 * count that its function has saved and hence uses itself, and slots that are not such a saved
 * value: the others are the caller's, which may be a coroutine of the same function. What a
 * compiler puts aside of a function as unlikely has an address of its own: there any coroutine
 * counts.
 */
#include "capture/task_coroutine.h"

#include "capture/cfi.h"
#include "capture/cpu/x86_64/cpu.h"
#include "capture/module.h"
#include "capture/task.h"
#include "capture/task_table.h"
#include "capture/unwind_full.h"
#include "capture/unwind_reuse.h"

enum {
    COROUTINE_PCS = 4096,
    COROUTINE_FUNCTIONS = 512,
    COROUTINE_DEPTH = 128,  /* frames from the leaf that are looked at */
    COROUTINE_MISSES = 8,   /* after which a frame counts as none */
    COROUTINE_SLOTS = 2048, /* words of a frame */
    COROUTINE_PART = 2048,  /* a bit above them */
    COROUTINE_OWN_FRAMES = 16,
    COROUTINE_LEAST_ADDRESS = 1 << 16,
};

/* Where: 0 not known, to 16 a register + 1, from 32 on a word of the frame + 32. */
enum { COROUTINE_BY_SLOT = 32 };
#define COROUTINE_ADDRESS_KEY (UINT64_C(1) << 63)

/* One word each, so that readers never see half of it: pc << 16 | where << 4 | misses. */
static _Atomic uint64_t coroutine_pcs[COROUTINE_PCS];

/* Functions of coroutines and their types; an address is set first, its type after it. */
static struct {
    _Atomic uintptr_t start;
    _Atomic uint32_t type;
} coroutine_functions[COROUTINE_FUNCTIONS];

static uint32_t coroutine_hash(uintptr_t address)
{
    return (uint32_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> 48);
}

static _Atomic uint64_t *coroutine_pc(uintptr_t pc)
{
    return &coroutine_pcs[coroutine_hash(pc) % COROUTINE_PCS];
}

static uint64_t coroutine_known(uintptr_t pc)
{
    uint64_t word = atomic_load_explicit(coroutine_pc(pc), memory_order_relaxed);
    return word >> 16 == (pc & ((UINT64_C(1) << 48) - 1)) ? word : pc << 16;
}

static bool coroutine_is_none(uintptr_t pc)
{
    return (coroutine_known(pc) & 15) >= COROUTINE_MISSES;
}

/* The type of a coroutine's function; TASK_TYPE_NONE where there is no room. */
static uint32_t coroutine_type(uintptr_t start)
{
    for (uint32_t i = 0, at = coroutine_hash(start); i < COROUTINE_FUNCTIONS; i++, at++) {
        uint32_t place = at % COROUTINE_FUNCTIONS;
        uintptr_t known = 0;
        if (atomic_compare_exchange_strong(&coroutine_functions[place].start, &known, start)) {
            uint32_t type = task_type_add_coroutine(start);
            atomic_store_explicit(&coroutine_functions[place].type, type, memory_order_release);
            return type;
        }
        if (known != start)
            continue;
        uint32_t type;
        for (int spins = 0; spins < COROUTINE_SLOTS; spins++) {
            type = atomic_load_explicit(&coroutine_functions[place].type, memory_order_acquire);
            if (type)
                return type;
            thread_pause();
        }
        return TASK_TYPE_NONE;
    }
    return TASK_TYPE_NONE;
}

/* A frame under the walk. */
struct coroutine_frame {
    uintptr_t pc;
    uint64_t registers[CPU_REGISTERS]; /* as in the frame */
    struct unwind_full_frame left;
    bool is_part; /* of a function: what the compiler has put aside as unlikely */
};

/* The function that begins at the address; false: none does. */
static bool coroutine_is_function(uintptr_t address)
{
    struct cfi_entry entry;
    return unwind_entry_find(address + 1, &entry) == 0 && entry.start == address;
}

/* Parts of functions begin with a frame that is already made. */
static bool coroutine_is_part(uintptr_t pc)
{
    static const uint8_t columns[CFI_COLUMNS] = {3, CPU_BP, 12, 13, 14, 15};
    struct cfi_entry entry;
    struct cfi_row row;
    return unwind_entry_find(pc, &entry) == 0 && cfi_run(&entry, entry.start, columns, &row) == 0 &&
           (row.frame_register != CPU_SP || row.frame_offset != sizeof(uintptr_t));
}

/* Whether the word is the address of a coroutine that this function runs: it begins with the
 * function, and then with the one that destroys it. */
static bool coroutine_begins(uintptr_t word, const struct coroutine_frame *frame)
{
    if (word % sizeof(uintptr_t) || word < COROUTINE_LEAST_ADDRESS || word >> CPU_ADDRESS_BITS ||
        !unwind_range_readable(word) || !unwind_range_readable(word + sizeof(uintptr_t)))
        return false;
    struct module module;
    uintptr_t resume = ((const uintptr_t *)word)[0], destroy = ((const uintptr_t *)word)[1];
    if (resume != frame->left.start && !frame->is_part)
        return false;
    return module_find(frame->left.start, &module) && destroy >= module.start &&
           destroy < module.end && resume >= module.start && resume < module.end &&
           (!frame->is_part || (coroutine_is_function(resume) && coroutine_is_function(destroy)));
}

static bool coroutine_slot_is_saved(const struct unwind_full_frame *left, uintptr_t at)
{
    for (uint32_t i = 0; i < CPU_REGISTERS; i++) {
        if (left->owned >> i & 1 && left->saved[i] == at)
            return true;
    }
    return at == left->cfa - sizeof(uintptr_t);
}

static uintptr_t coroutine_at(const struct coroutine_frame *frame, uint32_t where)
{
    uintptr_t word = 0;
    if (where && where <= CPU_REGISTERS) {
        word = frame->left.owned >> (where - 1) & 1 ? frame->registers[where - 1] : 0;
    } else if (where >= COROUTINE_BY_SLOT) {
        uintptr_t at = frame->registers[CPU_SP] + (where - COROUTINE_BY_SLOT) * sizeof(uintptr_t);
        word = at < frame->left.cfa ? *(const uintptr_t *)at : 0;
    }
    return word && coroutine_begins(word, frame) ? word : 0;
}

static uintptr_t coroutine_seek(const struct coroutine_frame *frame, uint32_t *ret_where)
{
    uintptr_t sp = frame->registers[CPU_SP];
    uint64_t words = (frame->left.cfa - sp) / sizeof(uintptr_t);
    for (uint32_t where = 1; where <= CPU_REGISTERS; where++) {
        uintptr_t found = coroutine_at(frame, where);
        if (found) {
            *ret_where = where;
            return found;
        }
    }
    for (uint32_t i = 0; i < words && i < COROUTINE_SLOTS - COROUTINE_BY_SLOT; i++) {
        if (coroutine_slot_is_saved(&frame->left, sp + i * sizeof(uintptr_t)))
            continue;
        uintptr_t found = coroutine_at(frame, COROUTINE_BY_SLOT + i);
        if (found) {
            *ret_where = COROUTINE_BY_SLOT + i;
            return found;
        }
    }
    return 0;
}

/* The coroutine that runs in the frame; 0: none. */
static uintptr_t coroutine_in(struct coroutine_frame *frame)
{
    uint64_t known = coroutine_known(frame->pc);
    uint32_t where = (uint32_t)(known >> 4) & (COROUTINE_PART - 1), misses = known & 15;
    frame->is_part = known >> 4 & COROUTINE_PART;
    uintptr_t found = coroutine_at(frame, where);
    if (found)
        return found;
    frame->is_part = coroutine_is_part(frame->pc);
    found = coroutine_seek(frame, &where);
    misses = found ? 0 : misses + 1;
    where = (found ? where : 0) | (frame->is_part ? COROUTINE_PART : 0);
    atomic_store_explicit(coroutine_pc(frame->pc), frame->pc << 16 | (uint64_t)where << 4 | misses,
                          memory_order_relaxed);
    return found;
}

/* How many frames of the captured stack, from the leaf, end with one that may be a coroutine's. */
static uint32_t coroutine_reach(const struct unwind_thread *thread)
{
    uint32_t reach = 0;
    for (uint32_t i = 0; i < COROUTINE_DEPTH && i < thread->depth; i++) {
        if (!coroutine_is_none(thread->frames[thread->depth - i].state.pc))
            reach = i + 1;
    }
    return reach;
}

/* Reads the registers of the calling function, here. */
#define COROUTINE_REGISTERS(registers, pc)                                                         \
    __asm__ volatile("movq %%rbx, 24(%1)\n movq %%rbp, 48(%1)\n movq %%rsp, 56(%1)\n"              \
                     "movq %%r12, 96(%1)\n movq %%r13, 104(%1)\n movq %%r14, 112(%1)\n"            \
                     "movq %%r15, 120(%1)\n leaq 1f(%%rip), %0\n1:"                                \
                     : "=&r"(pc)                                                                   \
                     : "r"(registers)                                                              \
                     : "memory")

/* Walks from here out of the hook, then through the program's frames. */
static uintptr_t __attribute__((noinline))
coroutine_walk(const struct hook_frame *hook, uint32_t reach, struct coroutine_frame *frame)
{
    uint64_t registers[CPU_REGISTERS] = {0};
    uintptr_t pc;
    COROUTINE_REGISTERS(registers, pc);
    pc++;
    struct unwind_range range = unwind_range_of(registers[CPU_SP]);
    for (uint32_t i = 0; registers[CPU_SP] < hook->sp; i++) {
        if (i == COROUTINE_OWN_FRAMES || !unwind_full_leave(registers, &pc, &range, NULL))
            return 0;
    }
    for (uint32_t i = 0; i < reach && registers[CPU_SP] >= hook->sp; i++) {
        frame->pc = pc;
        for (uint32_t k = 0; k < CPU_REGISTERS; k++)
            frame->registers[k] = registers[k];
        if (!unwind_full_leave(registers, &pc, &range, &frame->left))
            return 0;
        uintptr_t found = coroutine_is_none(frame->pc) ? 0 : coroutine_in(frame);
        if (found)
            return found;
    }
    return 0;
}

void task_coroutine_find(struct lane_state *state, const struct hook_frame *hook)
{
    if (state->tasks && state->tasks->depth)
        return;
    struct coroutine_frame frame;
    uint32_t reach = coroutine_reach(state->unwind);
    uintptr_t found = reach ? coroutine_walk(hook, reach, &frame) : 0;
    uint32_t type = found ? coroutine_type(*(const uintptr_t *)found) : TASK_TYPE_NONE;
    state->task_now = type != TASK_TYPE_NONE ? found | COROUTINE_ADDRESS_KEY : 0;
    state->task_cell = state->task_now ? found | (uint64_t)type << WIRE_CELL_BITS : 0;
}
