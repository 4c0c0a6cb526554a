/* SPDX-License-Identifier: Apache-2.0 */
/*
 * async-task 4, the tasks of smol, async-std and async-executor.
 *
 *     schedule, drop_future, get_output, drop_ref, destroy, run, clone_waker, &layout
 *
 * layout is { size, align, and the offsets of schedule, future and output }. Seven functions and
 * a pointer are a weak shape, so the layout must be one (future and output share their place,
 * behind the header), and get_output the one instruction that it always is: its result is the
 * task's address plus a constant. Without optimisation it calls from_ptr(result, task) instead.
 * Tasks have no id: they are known by their block.
 */
#include <stddef.h>

#include "capture/task_rule.h"
#include "wire/event.h"

enum {
    ASYNC_TASK_GET_OUTPUT = 2,
    ASYNC_TASK_LAYOUT = 7,
    ASYNC_TASK_HEADER_BYTES = 4 * sizeof(void *),
    ASYNC_TASK_BYTES_MOST = 1 << 26,
    ASYNC_TASK_ALIGN_MOST = 4096,
    ASYNC_TASK_CODE_BYTES = 24,
};

/* Skips endbr64 and the frame that a build with frame pointers sets up. */
static const uint8_t *async_task_body(const uint8_t *code)
{
    static const uint8_t endbr[] = {0xf3, 0x0f, 0x1e, 0xfa}, frame[] = {0x55, 0x48, 0x89, 0xe5};
    for (int pass = 0; pass < 2; pass++) {
        const uint8_t *skip = pass == 0 ? endbr : frame;
        if (code[0] == skip[0] && code[1] == skip[1] && code[2] == skip[2] && code[3] == skip[3])
            code += sizeof endbr;
    }
    return code;
}

/* lea rax, [rdi + n], with n in 8 or in 32 bits. */
static bool async_task_adds_constant(const uint8_t *code)
{
    code = async_task_body(code);
    return code[0] == 0x48 && code[1] == 0x8d && (code[2] == 0x47 || code[2] == 0x87);
}

/* sub rsp, n; mov rsi, rdi; mov [rsp + n], rsi; mov rdi, rsp; call */
static bool async_task_asks_pointers(const uint8_t *code)
{
    static const uint8_t start[] = {0x48, 0x83, 0xec, 0, 0x48, 0x89, 0xfe, 0x48,
                                    0x89, 0x74, 0x24, 0, 0x48, 0x89, 0xe7, 0xe8};
    for (size_t i = 0; i < sizeof start; i++) {
        if (start[i] && code[i] != start[i])
            return false;
    }
    return true;
}

/* Offsets of schedule function, future and output, in the order that rustc chose. */
static bool async_task_offsets_fit(const uintptr_t *offsets, uintptr_t bytes)
{
    for (int i = 0; i < 3; i++) {
        if (offsets[i] < ASYNC_TASK_HEADER_BYTES || offsets[i] > bytes)
            return false;
    }
    return offsets[0] == offsets[1] || offsets[1] == offsets[2] || offsets[0] == offsets[2];
}

static bool async_task_fits(const struct task_scan *scan, const uintptr_t *table)
{
    const uintptr_t *layout = (const uintptr_t *)table[ASYNC_TASK_LAYOUT];
    if ((uintptr_t)layout % sizeof *layout != 0 ||
        !task_scan_is_readable(scan, (uintptr_t)layout, 5 * sizeof *layout))
        return false;
    uintptr_t first = layout[0], second = layout[1];
    uintptr_t bytes = first > second ? first : second, align = first > second ? second : first;
    if (bytes < 4 * sizeof(void *) || bytes > ASYNC_TASK_BYTES_MOST || align < sizeof(void *) ||
        align > ASYNC_TASK_ALIGN_MOST || (align & (align - 1)) != 0)
        return false;
    if (!async_task_offsets_fit(layout + 2, bytes))
        return false;
    uintptr_t code = table[ASYNC_TASK_GET_OUTPUT];
    return task_scan_is_readable(scan, code, ASYNC_TASK_CODE_BYTES) &&
           (async_task_adds_constant((const uint8_t *)code) ||
            async_task_asks_pointers((const uint8_t *)code));
}

const struct task_rule task_rule_async_task = {
        .runtime = "async-task",
        .number = WIRE_RULE_ASYNC_TASK,
        .words = 8,
        .code_words = 0x7f,
        .enter_words = 1 << 1 | 1 << 4 | 1 << 5,
        .poll_word = 5,
        .id_offset_word = TASK_NO_ID,
        .table_word = TASK_ANY_WORD,
        .fits = async_task_fits,
};
