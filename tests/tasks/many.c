/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As many short tasks as asked for, one after the other, each with a block that it frees. At a pace
 * that the recorder keeps up with: what waits to be read would count as its memory.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "memscope/memscope.h"

int main(int argc, char **argv)
{
    uint64_t n = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;
    for (uint64_t i = 1; i <= n; i++) {
        memscope_task_enter(i, "short");
        void *volatile block = malloc(100);
        free(block);
        memscope_task_leave();
        memscope_task_end(i);
        if (i % 200 == 0)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    printf("%llu tasks\n", (unsigned long long)n);
    return n ? EXIT_SUCCESS : EXIT_FAILURE;
}
