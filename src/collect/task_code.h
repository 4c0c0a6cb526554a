/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the async body of a task is written, read from the program's code.
 *
 * Each async fn and async block panics when it is polled after its end, and hands its own source
 * position to that panic. The functions that a task's poll function reaches by direct calls are
 * searched for such calls: this works in stripped programs, too. Futures that were written by hand
 * and blocking closures have no such position.
 */
#ifndef MEMSCOPE_COLLECT_TASK_CODE_H
#define MEMSCOPE_COLLECT_TASK_CODE_H

#include "base/text.h"

struct task_code;

/* Reads the program at path; NULL: it cannot be read, or has no async bodies. */
struct task_code *task_code_open(const char *path);
void task_code_close(struct task_code *code);

/*
 * Appends the positions ("src/main.rs:64:18") of the bodies that may be the task's whose poll
 * function lies at the ELF address; several, if they were inlined into one, joined by " | ". False:
 * none was found.
 */
bool task_code_name(struct task_code *code, uint64_t entry, struct text *text);

/* The functions that the one at the address reaches by direct calls, itself first; how many. */
uint32_t task_code_reach(struct task_code *code, uint64_t entry, uint64_t *ret_starts,
                         uint32_t most);

#endif
