/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the reader of call frame information: .eh_frame_hdr, .eh_frame, rules and expressions.
 *
 * The input is a signed 32-bit distance of the address that is looked up, and then the bytes of a
 * module's only readable segment, which begins with .eh_frame_hdr. Expressions may load from that
 * segment alone, so every other access is a fault that ASan sees.
 */
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "capture/cfi.h"

enum { CODE_BYTES = 1 << 20, REGISTERS = 17, ADDRESSES = 4 };

const struct module_range *module_range_of(const struct module *module, uintptr_t at,
                                           uint64_t bytes)
{
    const struct module_range *range = &module->ranges[0];
    return at >= range->start && at < range->end && bytes <= range->end - at ? range : NULL;
}

static bool load_word(void *context, uintptr_t address, uint64_t *ret_value)
{
    const struct module_range *range = module_range_of(context, address, sizeof *ret_value);
    if (range)
        memcpy(ret_value, (const void *)address, sizeof *ret_value);
    return range != NULL;
}

/* Evaluates what the rules call for, with registers and without. */
static void evaluate(struct module *module, const struct cfi_row *row)
{
    static const uint64_t registers[REGISTERS] = {1, 2, 3};
    struct cfi_machine machine = {.registers = registers, .load = load_word, .context = module};
    struct cfi_machine symbolic = {.load = load_word, .context = module};
    struct cfi_value value;
    int64_t initial = 16;
    if (row->frame_register == CFI_IN_EXPRESSION) {
        cfi_expression((const uint8_t *)(uintptr_t)row->frame_offset, &machine, NULL, &value);
        cfi_expression((const uint8_t *)(uintptr_t)row->frame_offset, &symbolic, NULL, &value);
    }
    for (int i = 0; i < CFI_COLUMNS; i++) {
        enum cfi_rule_kind kind = cfi_rule_kind(row->rules[i]);
        if (kind != CFI_EXPRESSION && kind != CFI_VALUE_EXPRESSION)
            continue;
        const uint8_t *at = (const uint8_t *)(uintptr_t)cfi_rule_value(row->rules[i]);
        cfi_expression(at, &machine, &initial, &value);
        cfi_expression(at, &symbolic, &initial, &value);
    }
}

static void look_up(struct module *module, uintptr_t address)
{
    static const uint8_t columns[CFI_COLUMNS] = {3, 6, 7, 12, 15, 16};
    struct cfi_entry entry;
    struct cfi_row row;
    if (cfi_find(module, address, &entry) < 0)
        return;
    if (address < entry.start || address >= entry.end)
        abort();
    if (cfi_run(&entry, address, columns, &row) == 0)
        evaluate(module, &row);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    int32_t distance;
    if (n < sizeof distance)
        return 0;
    memcpy(&distance, bytes, sizeof distance);
    n -= sizeof distance;
    uint8_t *segment = malloc(n ? n : 1);
    if (!segment)
        return 0;
    if (n)
        memcpy(segment, bytes + sizeof distance, n);
    uintptr_t start = (uintptr_t)segment;
    struct module module = {
            .start = start - CODE_BYTES,
            .end = start + n + CODE_BYTES,
            .frame_hdr = start,
            .ranges_count = 1,
            .ranges = {{start, start + n}},
    };
    for (int i = 0; i < ADDRESSES; i++)
        look_up(&module, start + (uintptr_t)(intptr_t)distance + (uintptr_t)i * 5);
    free(segment);
    return 0;
}
