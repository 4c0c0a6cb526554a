/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard 48: siglongjmp out of handlers that interrupted a heap call, again and again; the 1000
 * calls made afterwards must all be seen. Linked with lib_own_malloc, whose calls may be left at
 * any point.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

#include "ground.h"

static sigjmp_buf back;
static volatile sig_atomic_t armed, jumps;

static void handler_jump(int number)
{
    (void)number;
    if (!armed)
        return;
    armed = 0;
    jumps++;
    siglongjmp(back, 1);
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = handler_jump};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval every = {{0, 400}, {0, 400}};
    setitimer(ITIMER_REAL, &every, NULL);
    volatile uint64_t loops = 0;
    while (jumps < 1500) {
        sigsetjmp(back, 1);
        armed = 1;
        for (size_t i = 0; i < 3000 && armed; i++) {
            free(ground_keep(realloc(malloc(i % 100), 200)));
            loops++;
        }
        armed = 0;
    }
    struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &never, NULL);
    /* What was cut in the middle nobody can count: from here on each call counts. */
    ground_open(argc > 1 ? argv[1] : NULL);
    ground->word[0] = loops;
    for (size_t i = 0; i < 1000; i++)
        ground_free(ground_malloc(i + 1000000));
    say("jumps: 1500 and on\n");
    return 0;
}
