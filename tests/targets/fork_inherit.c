/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard 18: children free and resize what they inherited, over three generations. The child's
 * free of a parent's block is none of the parent's: the parent still holds all its blocks.
 */
#include <sys/wait.h>

#include "ground.h"

enum { BLOCKS = 100 };

static void *block[BLOCKS];

static int generation_run(int depth)
{
    void *own[50];
    for (size_t i = 0; i < 50; i++)
        own[i] = ground_malloc(1000 + i);
    pid_t child = depth < 3 ? fork() : -1;
    if (child == 0) {
        /* Inherited: the figures of the report name them apart, so the page does not count them. */
        for (int i = 0; i < 10; i++) {
            free(block[depth * 10 + i]);
            block[depth * 10 + i] = NULL;
        }
        for (int i = 0; i < 50; i++)
            free(own[i]);
        int deeper = generation_run(depth + 1);
        for (size_t i = 0; i < 20; i++)
            ground_free(ground_malloc(i));
        _exit(depth + 1 + deeper);
    }
    int status = 0;
    if (child > 0)
        EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status));
    for (int i = 0; i < 50; i++)
        ground_free(own[i]);
    return child > 0 ? WEXITSTATUS(status) : 0;
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    for (size_t i = 0; i < BLOCKS; i++)
        block[i] = ground_malloc(i);
    say("inherit: generations add up to %d\n", generation_run(0));
    for (int i = 0; i < BLOCKS; i++)
        ground_free(block[i]);
    return 0;
}
