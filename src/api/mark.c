/* SPDX-License-Identifier: Apache-2.0 */
/* What a program says about its work while it does it: marks, tasks, scopes, ignored regions. */
#include "capture/emit.h"
#include "capture/lane.h"
#include "capture/task_table.h"
#include "memscope/memscope.h"

/* Scopes are tasks whose ids are above those that programs choose. */
#define MARK_SCOPE_BIT (UINT64_C(1) << 55)

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

void memscope_scope_enter(const char *name)
{
    /* FNV-1a: one id for each name, in every thread. */
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *at = name ? name : ""; *at; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    task_enter_explicit((hash & (MARK_SCOPE_BIT - 1)) | MARK_SCOPE_BIT, name ? name : "");
}

void memscope_scope_leave(void)
{
    task_leave_explicit();
}

void memscope_mark(const char *text)
{
    if (text && emit_wanted() && process_ready())
        emit_mark(text);
}

void memscope_ignore_begin(void)
{
    if (!process.segment || !process_ready())
        return;
    struct lane_state *state = lane_state_take();
    if (state)
        lane_ignore(state);
}

void memscope_ignore_end(void)
{
    struct lane_state *state = process.segment && process_ready() ? lane_self : NULL;
    if (state && state->ignored)
        lane_heed(state);
}
