/* SPDX-License-Identifier: Apache-2.0 */
/* Hazards 3, 62: blocks freed by atexit functions and by the last destructors of the process. */
#include "ground.h"

static void *kept[3][100];

static void kept_free(int row)
{
    for (int i = 0; i < 100; i++)
        ground_free(kept[row][i]);
    ground_free(ground_malloc(77));
}

static void at_exit(void)
{
    kept_free(0);
}

__attribute__((destructor(101))) static void destruct_last(void)
{
    kept_free(1);
    kept_free(2);
    say("destructor: all freed\n");
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    for (int row = 0; row < 3; row++)
        for (size_t i = 0; i < 100; i++)
            kept[row][i] = ground_malloc(i);
    /* The first 32 functions need no block of libc's own. */
    atexit(at_exit);
    return 0;
}
