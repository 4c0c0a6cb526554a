/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program that tests/verbs records: what it allocates, frees and leaks follows from its words.
 *
 *     clean       USED_N blocks of USED_BYTES, all live at once, all freed
 *     leak N      the same, behind N blocks of LEAKED_BYTES that nobody frees
 *     grow        says "ready", then keeps GROWN_BYTES more every 5 ms until it is killed
 *     child FILE  runs FILE and waits for it
 *
 * The sizes stand in cases.py as well.
 */
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USED_N = 400, USED_BYTES = 250, LEAKED_BYTES = 1000, GROWN_BYTES = 10000 };

extern char **environ;

static void *volatile verbs_last;

__attribute__((noinline)) static void verbs_forget(long n)
{
    for (long i = 0; i < n; i++)
        verbs_last = malloc(LEAKED_BYTES);
    verbs_last = NULL;
}

__attribute__((noinline)) static void verbs_use(void)
{
    static void *blocks[USED_N];
    for (int i = 0; i < USED_N; i++)
        blocks[i] = malloc(USED_BYTES);
    for (int i = 0; i < USED_N; i++)
        free(blocks[i]);
    memset(blocks, 0, sizeof blocks);
}

__attribute__((noinline)) static void verbs_grow(void)
{
    if (write(STDOUT_FILENO, "ready\n", 6) != 6)
        _exit(1);
    for (;;) {
        verbs_last = malloc(GROWN_BYTES);
        usleep(5000);
    }
}

static int verbs_child(char *file)
{
    char *argv[] = {file, NULL};
    pid_t pid;
    int status = 1;
    if (posix_spawn(&pid, file, NULL, NULL, argv, environ) != 0 || waitpid(pid, &status, 0) < 0)
        return 1;
    return status != 0;
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    if (strcmp(kind, "child") == 0 && argc > 2)
        return verbs_child(argv[2]);
    if (strcmp(kind, "grow") == 0)
        verbs_grow();
    if (strcmp(kind, "leak") == 0 && argc > 2)
        verbs_forget(strtol(argv[2], NULL, 10));
    verbs_use();
    return 0;
}
