/* SPDX-License-Identifier: Apache-2.0 */
/* Hazard 54: recursion of 60 000 frames with heap calls on the way down, at the bottom and up. */
#include <sys/resource.h>

#include "ground.h"

__attribute__((noinline)) static size_t descend(size_t depth)
{
    if (depth == 0) {
        for (size_t i = 0; i < 100; i++)
            ground_free(ground_malloc(i));
        return 0;
    }
    void *block = depth % 1000 == 0 ? ground_malloc(depth) : NULL;
    size_t below = descend(depth - 1);
    ground_free(block);
    return below + 1;
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    for (int round = 0; round < 3; round++)
        say("deep: %zu frames\n", descend(60000));
    return 0;
}
