/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 10, 24: the user's own LD_PRELOAD stays what it was, for the program and for its
 * children, and the interposer in it still sees every call.
 */
#include <dlfcn.h>
#include <sys/wait.h>

#include "ground.h"

int main(int argc, char **argv)
{
    int *seen = dlsym(RTLD_DEFAULT, "user_preload_seen");
    int before = seen ? *seen : 0;
    for (size_t i = 0; i < 100; i++)
        ground_free(ground_malloc(i));
    const char *value = getenv("LD_PRELOAD");
    const char *name = value ? strrchr(value, '/') : NULL;
    say("LD_PRELOAD ends in %s, its malloc saw %d of 100\n", name ? name : "(nothing)",
        seen ? *seen - before : -1);
    if (argc < 2 || strcmp(argv[1], "child") != 0) {
        pid_t child = fork();
        if (child == 0) {
            execl(argv[0], argv[0], "child", (char *)NULL);
            _exit(127);
        }
        int status;
        waitpid(child, &status, 0);
        say("child: %d\n", status);
        setenv("LD_PRELOAD", "", 1);
        say("system: %d\n", system("/usr/bin/env | /bin/grep LD_PRELOAD"));
    }
    return 0;
}
