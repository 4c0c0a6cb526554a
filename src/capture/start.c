/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the real functions, then joins the session. There is no end: nothing is torn down. */
#include "capture/start.h"

#include <stdatomic.h>

#include "capture/allocator.h"
#include "capture/early.h"
#include "capture/high_water.h"
#include "capture/process.h"
#include "capture/task_table.h"

enum { START_NOT = 0, START_UNDER_WAY = 1, START_DONE = 2 };

static _Atomic int start_state;

bool start_hooks(void)
{
    if (!early_is_over())
        return false;
    int expected = START_NOT;
    if (atomic_compare_exchange_strong(&start_state, &expected, START_UNDER_WAY)) {
        if (next_find()) {
            process_start();
            allocator_find_behind();
        }
        atomic_store(&start_state, START_DONE);
    }
    return next.malloc != NULL;
}

/* What is done once for a process that is recorded. */
static void start_recorded(void)
{
    if (next_is_bypassed())
        atomic_fetch_or(&process.slot->flags, WIRE_PROCESS_OWN_ALLOCATOR);
    allocator_start();
    task_tables_patch();
    atomic_store(&process.slot->early_n, early_count());
    atomic_store(&process.slot->early_bytes, early_bytes());
}

bool start_join(void)
{
    struct wire_segment *segment = process.segment ? NULL : process_open_door();
    if (!segment || !process_join(segment))
        return false;
    start_recorded();
    return true;
}

/* For programs whose first heap call comes late, or never: they are recorded all the same. */
__attribute__((constructor(101))) static void start_constructor(void)
{
    start_hooks();
    if (process.segment && !process.passing) {
        start_recorded();
        high_water_start();
    }
}
