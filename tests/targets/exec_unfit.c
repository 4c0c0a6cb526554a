/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions 3, 4: starts programs that cannot be recorded, by each way that there is, and says how
 * many began; some that do not exist, of which nothing may be claimed; and one that can be
 * recorded. Arguments: counts page, a static program, a program that counts itself.
 */
#include <spawn.h>
#include <sys/wait.h>

#include "ground.h"

enum { EACH = 5 };

static void child_wait(pid_t child, int expected)
{
    int status;
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == expected);
}

static void spawn_one(char *program, int expected)
{
    char *words[] = {program, (char *)"x", NULL};
    pid_t child = 0;
    int error = posix_spawn(&child, program, NULL, NULL, words, environ);
    EXPECT((error == 0) == (expected != 127));
    if (error == 0)
        child_wait(child, expected);
}

static void fork_one(char *program, int expected)
{
    pid_t child = fork();
    if (child == 0) {
        ground_free(ground_malloc(100));
        execlp(program, program, "x", (char *)NULL);
        _exit(127);
    }
    child_wait(child, expected);
}

static void vfork_one(char *program, int expected)
{
    char *words[] = {program, (char *)"x", NULL};
    pid_t child = vfork();
    if (child == 0) {
        execve(program, words, environ);
        _exit(127);
    }
    child_wait(child, expected);
}

int main(int argc, char **argv)
{
    EXPECT(argc == 4);
    ground_open(argv[1]);
    char *const programs[] = {argv[2], (char *)"/no/such/program"};
    const int expected[] = {9, 127};
    for (int i = 0; i < 2; i++) {
        for (int n = 0; n < EACH; n++) {
            spawn_one(programs[i], expected[i]);
            fork_one(programs[i], expected[i]);
            vfork_one(programs[i], expected[i]);
        }
    }
    char *words[] = {argv[3], argv[1], (char *)"1000", (char *)"9", NULL};
    pid_t child = 0;
    EXPECT(posix_spawn(&child, argv[3], NULL, NULL, words, environ) == 0);
    child_wait(child, 9);
    say("%d static programs began\n", 3 * EACH);
    return 0;
}
