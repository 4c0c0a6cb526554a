/* SPDX-License-Identifier: Apache-2.0 */
/* What a program says about its work: tasks. */
#include "capture/task_table.h"
#include "memscope/memscope.h"

void memscope_task_enter(uint64_t id, const char *name)
{
    task_enter_explicit(id, name);
}

void memscope_task_leave(void)
{
    task_leave_explicit();
}

void memscope_task_end(uint64_t id)
{
    task_end_explicit(id);
}
