/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard 49: says "ready", then waits, using the heap, for the signal that the runner sends to it
 * or to whoever started it, cleans up and ends with 3; "die" as argument: dies of it instead.
 */
#include <signal.h>

#include "ground.h"

static volatile sig_atomic_t got;

static void handler_note(int number)
{
    got = number;
}

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "die") != 0) {
        struct sigaction action = {.sa_handler = handler_note};
        int number[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGWINCH};
        for (size_t i = 0; i < sizeof number / sizeof *number; i++)
            sigaction(number[i], &action, NULL);
    }
    say("ready\n");
    for (size_t i = 0; !got; i++) {
        free(ground_keep(malloc(i % 100)));
        if (i % 100 == 0)
            usleep(1000);
    }
    usleep(100000);
    say("cleaned up after signal %d\n", (int)got);
    return 3;
}
