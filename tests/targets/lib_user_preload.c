/* SPDX-License-Identifier: Apache-2.0 */
/* Part of env_preload: the user's own preloaded interposer, which must stay in the line. */
#include <dlfcn.h>
#include <stddef.h>

__attribute__((visibility("default"))) int user_preload_seen;
__attribute__((visibility("default"))) void *malloc(size_t size_bytes);

void *malloc(size_t size_bytes)
{
    static void *(*next)(size_t);
    if (!next)
        next = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    user_preload_seen++;
    return next(size_bytes);
}
