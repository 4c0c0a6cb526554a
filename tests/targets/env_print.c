/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard 24: the environment as the program, its children and getenv see it: printed whole, made
 * empty, replaced, handed on. Nothing of ours may show in any of it.
 */
#include <sys/wait.h>

#include "ground.h"

static void say_environment(const char *title, char **list)
{
    int n = 0;
    for (; list && list[n]; n++)
        say("%s: %s\n", title, list[n]);
    say("%s: %d variables\n", title, n);
}

static void child_run(char **envp, char *self)
{
    char *argv[] = {self, (char *)"child", NULL};
    pid_t child = fork();
    if (child == 0) {
        execve("/proc/self/exe", argv, envp);
        _exit(127);
    }
    int status;
    waitpid(child, &status, 0);
    say("child: %d\n", status);
}

int main(int argc, char **argv, char **envp)
{
    if (argc > 1) {
        free(ground_keep(malloc(10)));
        say_environment("child", environ);
        return 0;
    }
    say_environment("envp", envp);
    say_environment("environ", environ);
    say("preload %s, door %s\n", getenv("LD_PRELOAD") ? "set" : "not set",
        getenv("MEMSCOPE_DOOR") ? "set" : "not set");
    child_run(environ, argv[0]);
    char *small[] = {(char *)"A=1", (char *)"LD_BIND_NOW=1", NULL};
    char *none[] = {NULL};
    child_run(small, argv[0]);
    child_run(none, argv[0]);
    setenv("LATER", "yes", 1);
    unsetenv("HOME");
    say_environment("changed", environ);
    say("system: %d\n", system("env | grep -c '^LD_PRELOAD\\|^MEMSCOPE'"));
    clearenv();
    say_environment("cleared", environ);
    say("system: %d\n", system("/usr/bin/env | /usr/bin/sort"));
    environ = NULL;
    child_run(environ, argv[0]);
    free(ground_keep(malloc(10)));
    return 0;
}
