/* SPDX-License-Identifier: Apache-2.0 */
/* Hazard 9: a program that never calls the heap; whoever waits for a first event waits for ever. */
#include "ground.h"

int main(void)
{
    say("no heap\n");
    return 3;
}
