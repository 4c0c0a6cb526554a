/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tasks are called. The name tells its evidence: "async src/main.rs:64:18" is the position of
 * the async body, "spawned in gt::family" is where it was spawned.
 */
#ifndef MEMSCOPE_COLLECT_TASK_NAMES_H
#define MEMSCOPE_COLLECT_TASK_NAMES_H

#include "collect/stacks.h"
#include "collect/tasks.h"

/* Names the tasks of an image by its code. Reads the files of its modules. */
void task_names_from_code(struct tasks *tasks, const struct stacks *stacks);

/* Names what has no name yet by the functions that spawned it; symbols are resolved by now. */
void task_names_from_spawn(struct model *model);

#endif
