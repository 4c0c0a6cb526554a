/* SPDX-License-Identifier: Apache-2.0 */
/* Hazards 4, 5: the text of dlerror outlives heap calls; dlsym's own allocations do no harm. */
#include <dlfcn.h>

#include "ground.h"

int main(void)
{
    for (int round = 0; round < 3; round++) {
        EXPECT(dlopen("/nowhere/libnothing.so", RTLD_NOW) == NULL);
        for (size_t i = 0; i < 1000; i++)
            free(ground_keep(malloc(i)));
        free(realloc(calloc(3, 3), 5000));
        const char *text = dlerror();
        say("dlerror: %s\n", text ? text : "(wiped)");
        say("dlerror again: %s\n", dlerror() ? "something" : "nothing");
    }
    for (int i = 0; i < 200; i++) {
        char name[64];
        snprintf(name, sizeof name, "no_such_symbol_%d", i);
        EXPECT(dlsym(RTLD_DEFAULT, name) == NULL);
        free(ground_keep(malloc(64)));
        const char *text = dlerror();
        EXPECT(text != NULL && strstr(text, name) != NULL);
    }
    EXPECT(dlsym(RTLD_DEFAULT, "malloc") != NULL && dlerror() == NULL);
    say("dlsym: done\n");
    return 0;
}
