/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a module, whose file then comes to be elsewhere, and allocates in it.
 *
 * usage: places loaded|closed|deleted|replaced|chrooted MODULE FUNCTION OTHER FUNCTION
 *
 * closed: the module is gone when the other is loaded, which may take its place. deleted: its file
 * is. replaced: the other's file has its name. chrooted: MODULE lies in the working directory,
 * which becomes the root.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int places_call(void *module, const char *function)
{
    void (*call)(void) = module ? (void (*)(void))dlsym(module, function) : NULL;
    if (!call) {
        (void)fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    call();
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    const char *how = argv[1], *name = argv[2], *other = argv[4];
    if (strcmp(how, "chrooted") == 0 && (chroot(".") != 0 || chdir("/") != 0))
        return 77;
    void *module = dlopen(name, RTLD_NOW);
    if (strcmp(how, "deleted") == 0 && unlink(name) != 0)
        return 3;
    if (strcmp(how, "replaced") == 0 && rename(other, name) != 0)
        return 4;
    if (places_call(module, argv[3]) != 0)
        return 5;
    if (strcmp(how, "closed") == 0) {
        dlclose(module);
        if (places_call(dlopen(other, RTLD_NOW), argv[5]) != 0)
            return 6;
    }
    /* The recorder looks at the modules of processes that live. */
    sleep(2);
    return 0;
}
