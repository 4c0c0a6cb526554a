/* SPDX-License-Identifier: Apache-2.0 */
/* The public C API: what a program may ask the library for. */
#include "memscope/memscope.h"

#include "capture/task_table.h"

#define API_TEXT_OF(x) #x
#define API_TEXT(x) API_TEXT_OF(x)

const char *memscope_version(void)
{
    return API_TEXT(MEMSCOPE_VERSION_MAJOR) "." API_TEXT(MEMSCOPE_VERSION_MINOR) ".0";
}

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
