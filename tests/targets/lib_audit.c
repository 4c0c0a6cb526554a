/* SPDX-License-Identifier: Apache-2.0 */
/* Hazard 10: an LD_AUDIT library, which has a libc of its own and looks at every module. */
#include <link.h>
#include <stdlib.h>

#pragma GCC visibility push(default)

unsigned la_version(unsigned version)
{
    return version;
}

unsigned la_objopen(struct link_map *map, Lmid_t id, uintptr_t *cookie)
{
    (void)map, (void)id, (void)cookie;
    free(malloc(100));
    return 0;
}
