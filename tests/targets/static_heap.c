/* SPDX-License-Identifier: Apache-2.0 */
/* Hazards 9, 74: a statically linked program, where no preload can ever arrive. */
#include "ground.h"

int main(int argc, char **argv)
{
    for (size_t i = 0; i < 1000; i++)
        free(ground_keep(malloc(i)));
    say("static: %d arguments, last %s\n", argc - 1, argv[argc - 1]);
    return 9;
}
