/* SPDX-License-Identifier: Apache-2.0 */
/* Prints our reading of a shared object's call frame information, for rules_test.py to compare:
 * for each offset on stdin a line `offset CFA rbp ra`, in the notation of readelf -wF. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/cfi.h"
#include "capture/unwind_rule.h"
#include "probe.h"

static void print_rule(cfi_rule rule)
{
    switch (cfi_rule_kind(rule)) {
    case CFI_SAME:
        printf(" u");
        break;
    case CFI_UNDEFINED:
        printf(" u");
        break;
    case CFI_OFFSET:
        printf(" c%+ld", cfi_rule_value(rule));
        break;
    case CFI_VALUE_OFFSET:
        printf(" v%+ld", cfi_rule_value(rule));
        break;
    case CFI_REGISTER:
        printf(" r%ld", cfi_rule_value(rule));
        break;
    case CFI_EXPRESSION:
        printf(" exp");
        break;
    case CFI_VALUE_EXPRESSION:
        printf(" vexp");
        break;
    }
}

static void print_row(uintptr_t base, uintptr_t offset)
{
    static const uint8_t columns[CFI_COLUMNS] = {6, 16, 3, 12, 15, 0xff};
    static const char *const names[] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi",
                                        "rbp", "rsp", "r8",  "r9",  "r10", "r11",
                                        "r12", "r13", "r14", "r15", "rip"};
    struct cfi_entry entry;
    struct cfi_row row;
    printf("%lx", offset);
    if (unwind_entry_find(base + offset + 1, &entry) != 0 ||
        cfi_run(&entry, base + offset, columns, &row) < 0) {
        printf(" none\n");
        return;
    }
    if (row.frame_register == CFI_IN_EXPRESSION)
        printf(" exp");
    else
        printf(" %s%+ld", names[row.frame_register], row.frame_offset);
    for (int i = 0; i < 2; i++)
        print_rule(row.rules[i]);
    printf("\n");
}

int main(int argc, char **argv)
{
    struct link_map *map = argc == 2 ? dlopen(argv[1], RTLD_LAZY) : NULL;
    char line[64];
    if (map == NULL) {
        fprintf(stderr, "rules_dump: %s\n", argc == 2 ? dlerror() : "which shared object?");
        return 1;
    }
    probe_init();
    while (fgets(line, sizeof(line), stdin) != NULL)
        print_row(map->l_addr, strtoul(line, NULL, 16));
    return 0;
}
