/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard 24: an exec with an environment of 6 000 variables, with odd entries (no '=', empty,
 * twice the same name), and one with an argument list near the kernel's limit for one string.
 */
#include <sys/wait.h>

#include "ground.h"

static uint64_t environment_hash(void)
{
    uint64_t hash = 14695981039346656037u;
    for (char **at = environ; *at; at++)
        for (const char *c = *at;; c++) {
            hash = (hash ^ (unsigned char)*c) * 1099511628211u;
            if (!*c)
                break;
        }
    return hash;
}

static int child_run(char **words, char **envp)
{
    pid_t child = vfork();
    if (child == 0) {
        execve("/proc/self/exe", words, envp);
        _exit(127);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    int n = 0;
    while (environ[n])
        n++;
    if (argc > 1 && !strcmp(argv[1], "child")) {
        free(ground_keep(malloc(10)));
        say("child: %d arguments, last has %zu letters; %d variables, hash %lx\n", argc,
            strlen(argv[argc - 1]), n, (unsigned long)environment_hash());
        return 0;
    }
    enum { VARIABLES = 6000 };
    static char text[VARIABLES][40];
    static char *envp[VARIABLES + 8];
    for (int i = 0; i < VARIABLES; i++) {
        snprintf(text[i], sizeof text[i], "VARIABLE_%d=%d", i, i * i);
        envp[i] = text[i];
    }
    envp[10] = (char *)"NO_EQUALS_SIGN";
    envp[11] = (char *)"";
    envp[12] = (char *)"=empty name";
    envp[13] = envp[14];
    static char letters[131072 - 10];
    memset(letters, 'x', sizeof letters - 1);
    char *words[] = {argv[0], (char *)"child", letters, NULL};
    say("status %d\n", child_run(words, envp));
    memset(letters, 'x', sizeof letters);
    words[2] = (char *)"short";
    char *none[] = {NULL};
    say("status %d\n", child_run(words, none));
    say("status %d\n", child_run(words, environ));
    return 0;
}
