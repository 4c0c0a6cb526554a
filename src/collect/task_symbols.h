/* SPDX-License-Identifier: Apache-2.0 */
/* Types of tasks by the symbols of a module: of functions that are made for one type each. */
#ifndef MEMSCOPE_COLLECT_TASK_SYMBOLS_H
#define MEMSCOPE_COLLECT_TASK_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct task_symbols;

/* NULL: the file cannot be read, or has no symbol table. */
struct task_symbols *task_symbols_open(const char *path);
void task_symbols_close(struct task_symbols *symbols);

/* The coroutine whose body is at the address, as it is written. */
bool task_symbols_coroutine(const struct task_symbols *symbols, uint64_t address,
                            struct text *text);

/*
 * The future that the function at the address polls or drops, where its name tells: with the
 * mangling of Rust's later compilers, or as the drop glue of a task. Where functions were merged it
 * has several names: all are added, joined by " | ".
 */
bool task_symbols_future(const struct task_symbols *symbols, uint64_t address, struct text *text);

#endif
