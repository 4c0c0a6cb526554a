/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 11, 12: plug-ins with static TLS still fit into the loader's small reserve, as they do
 * without us; and a thread on the smallest stack that works bare works.
 */
#include <dlfcn.h>

#include "ground.h"

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        void *library = dlopen(argv[i], RTLD_NOW);
        const char *text = library ? NULL : dlerror();
        const char *name = strrchr(argv[i], '/');
        say("%s: %s\n", name, library ? "loaded" : strrchr(text, ':'));
        if (library) {
            char *(*find)(void) = (char *(*)(void))dlsym(library, "static_tls");
            memset(find(), 1, 64);
        }
        free(ground_keep(malloc(100)));
    }
    return 0;
}
