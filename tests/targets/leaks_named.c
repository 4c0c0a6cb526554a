/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks that three functions lose: 10 of 100 bytes, 3 of 1000 and 1 of 50. Nothing else stays. */
#include "ground.h"

#define APART __attribute__((noinline, noclone))

APART static void lose_alpha(void)
{
    ground_malloc(100);
}

APART static void lose_beta(void)
{
    ground_malloc(1000);
}

APART static void lose_gamma(void)
{
    ground_malloc(50);
}

/* No pointer to a block may stay on the stack by chance. */
APART static void wipe(void)
{
    volatile char bytes[4096];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = 0;
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    for (int i = 0; i < 10; i++)
        lose_alpha();
    for (int i = 0; i < 3; i++)
        lose_beta();
    lose_gamma();
    for (int i = 0; i < 100; i++)
        ground_free(ground_malloc(64));
    wipe();
    return 0;
}
