/* SPDX-License-Identifier: Apache-2.0 */
/* Hazard 40: the program's own heap bugs end it as they would without us. Argument: which bug. */
#include "ground.h"

int main(int argc, char **argv)
{
    const char *bug = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < 100; i++)
        free(ground_keep(malloc(i)));
    volatile size_t offset = 24;
    char *block = ground_keep(malloc(24));
    if (!strcmp(bug, "double")) {
        free(block);
        block = ground_keep(block);
        free(block);
    } else if (!strcmp(bug, "wild")) {
        memset(block, 0, 24);
        free(ground_keep(block + 8));
    } else if (!strcmp(bug, "overflow")) {
        char *big = ground_keep(malloc(2000)), *next = ground_keep(malloc(2000));
        memset(big + 2000 - 24 + offset, 0xff, 16);
        free(next);
        free(big);
    } else if (!strcmp(bug, "stack")) {
        char array[64];
        free(ground_keep(array + 16));
    }
    say("%s: survived\n", bug);
    return 0;
}
