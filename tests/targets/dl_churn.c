/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 12(decisions), 70: plug-ins loaded, used and unloaded in turn, so that one takes the
 * other's addresses; one found by its bare name through our RUNPATH; one whose file is gone.
 */
#include <dlfcn.h>

#include "ground.h"

static void plugin_use(void *library, int keep)
{
    void *(*make)(size_t) = (void *(*)(size_t))dlsym(library, "plugin_make");
    void (*drop)(void *) = (void (*)(void *))dlsym(library, "plugin_drop");
    EXPECT(make != NULL && drop != NULL);
    for (size_t i = 0; i < 100; i++) {
        void *block = make(i + 1);
        if (i % 10 || !keep)
            drop(block);
    }
}

static void file_copy(const char *from, const char *to)
{
    char bytes[65536];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    ssize_t n;
    EXPECT(in >= 0 && out >= 0);
    while ((n = read(in, bytes, sizeof bytes)) > 0)
        EXPECT(write(out, bytes, (size_t)n) == n);
    close(in);
    close(out);
}

int main(int argc, char **argv)
{
    EXPECT(argc == 2); /* the folder of the plug-ins */
    static const char *const name[] = {"libplugin_one.so", "libplugin_two.so"};
    void *last[2] = {NULL, NULL};
    int shared = 0;
    for (int i = 0; i < 200; i++) {
        char path[4000];
        snprintf(path, sizeof path, "%s/%s", argv[1], name[i % 2]);
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        EXPECT(library != NULL);
        last[i % 2] = dlsym(library, "plugin_make");
        shared += last[0] == last[1];
        plugin_use(library, 1);
        EXPECT(dlclose(library) == 0);
    }
    void *found = dlopen("libplugin_runpath.so", RTLD_NOW);
    say("by RUNPATH: %s\n",
        found ? ((const char *(*)(void))dlsym(found, "plugin_name"))() : dlerror());
    plugin_use(found, 1);
    char path[4000];
    snprintf(path, sizeof path, "%s/%s", argv[1], name[0]);
    file_copy(path, "./libgone.so");
    void *gone = dlopen("./libgone.so", RTLD_NOW);
    EXPECT(gone != NULL);
    unlink("./libgone.so");
    plugin_use(gone, 0);
    EXPECT(dlopen("libplugin_nowhere.so", RTLD_NOW) == NULL);
    say("%s\n", dlerror());
    say("churn: addresses were %s\n", shared ? "shared" : "never shared");
    return 0;
}
