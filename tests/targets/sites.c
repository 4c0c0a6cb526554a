/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known blocks at known places: tests/golden/sites.json says what a report must show, worked out
 * by hand from this text. A comment `site: NAME` marks the line of each call that allocates.
 */
#include "ground.h"

#define APART __attribute__((noinline, noclone))

static void *kept[200];
static int kept_n;

APART static void leaf(size_t size_bytes)
{
    kept[kept_n++] = malloc(size_bytes); /* site: leaf */
}

APART static void left(int n)
{
    for (int i = 0; i < n; i++)
        leaf(1000);
}

APART static void right(int n)
{
    for (int i = 0; i < n; i++)
        leaf(1000);
}

APART static void dig(int depth)
{
    if (depth > 0)
        dig(depth - 1);
    else
        kept[kept_n++] = malloc(7); /* site: dig */
    ground_keep(&depth);
}

APART static void churn(size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(ground_keep(malloc(i % 64))); /* site: churn */
}

APART static void *grow(size_t n)
{
    char *block = malloc(16); /* site: grow */
    for (size_t i = 0; i < n; i++)
        block = realloc(block, 16 * (i + 2)); /* site: grow-more */
    return ground_keep(block);
}

APART static void hold(int n)
{
    void *block[50];
    for (int i = 0; i < n; i++)
        block[i] = calloc(100, 100); /* site: hold */
    ground_keep(block);
    for (int i = 0; i < n; i++)
        free(block[i]);
}

int main(void)
{
    left(3);
    right(5);
    dig(20);
    churn(1000);
    void *grown = grow(10);
    hold(50); /* the peak: 9 blocks kept, 1 grown, 50 held */
    for (int i = 0; i < 40; i++)
        leaf(100);
    free(grown);
    say("sites: done\n");
    return 0;
}
