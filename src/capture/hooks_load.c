/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlclose: addresses may come to mean other code, so what the unwinder knows is outdated.
 *
 * dlsym: a program looks into a module that it loaded, none of whose functions it has called yet.
 * The real one asks its return address who calls; so the hook, which is assembled, jumps to it
 * with the caller's frame (cpu/x86_64/hook_dlsym.S).
 */
#include "capture/process.h"
#include "capture/start.h"
#include "capture/task_table.h"
#include "capture/unwind.h"

HOOK int dlclose(void *handle)
{
    if (!hooks_ready() || !next.dlclose)
        return -1;
    /* Before, for what was cached from it; after, for what other threads cached meanwhile. */
    unwind_modules_changed();
    int result = next.dlclose(handle);
    unwind_modules_changed();
    return result;
}

/* Called by the hook: where the real function is, NULL where there is none. */
void *hook_dlsym_target(const void *handle);

void *hook_dlsym_target(const void *handle)
{
    if (!hooks_ready() || !next.dlsym)
        return NULL;
    if (process.segment && !process.passing)
        task_tables_patch_handle(handle);
    return *(void **)&next.dlsym;
}
