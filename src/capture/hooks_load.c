/* SPDX-License-Identifier: Apache-2.0 */
/* dlclose: addresses may come to mean other code, so what the unwinder knows is outdated. */
#include "capture/start.h"
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
