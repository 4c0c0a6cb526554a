/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 71, 72: a plug-in in a namespace of its own with a second libc (dlmopen), and one with
 * RTLD_DEEPBIND; blocks cross from one side to the other where that is legal.
 */
#include <dlfcn.h>

#include "ground.h"

static void plugin_use(void *library, int cross)
{
    void *(*make)(size_t) = (void *(*)(size_t))dlsym(library, "plugin_make");
    void (*drop)(void *) = (void (*)(void *))dlsym(library, "plugin_drop");
    const char *(*name)(void) = (const char *(*)(void))dlsym(library, "plugin_name");
    for (size_t i = 0; i < 200; i++) {
        drop(make(i));
        if (cross) {
            free(make(i));
            drop(ground_keep(malloc(i)));
            drop(realloc(make(i + 1), i + 500));
        }
    }
    say("%s: used\n", name());
}

int main(int argc, char **argv)
{
    EXPECT(argc == 2);
    char path[4000];
    snprintf(path, sizeof path, "%s/libplugin_one.so", argv[1]);
    void *deep = dlopen(path, RTLD_NOW | RTLD_DEEPBIND);
    EXPECT(deep != NULL);
    plugin_use(deep, 1);
    snprintf(path, sizeof path, "%s/libplugin_two.so", argv[1]);
    void *apart = dlmopen(LM_ID_NEWLM, path, RTLD_NOW);
    say("dlmopen: %s\n", apart ? "loaded" : dlerror());
    if (apart) {
        plugin_use(apart, 0);
        Lmid_t id = 0;
        EXPECT(dlinfo(apart, RTLD_DI_LMID, &id) == 0 && id != LM_ID_BASE);
        dlclose(apart);
    }
    dlclose(deep);
    say("namespaces: done\n");
    return 0;
}
