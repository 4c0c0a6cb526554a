/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the shared object that GT_LIBRARY names while it runs, and calls its gt_main(). */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    void *library = dlopen(getenv("GT_LIBRARY"), RTLD_NOW);
    void (*run)(void) = library ? (void (*)(void))dlsym(library, "gt_main") : NULL;
    if (!run) {
        fprintf(stderr, "%s\n", dlerror());
        return EXIT_FAILURE;
    }
    run();
    return EXIT_SUCCESS;
}
