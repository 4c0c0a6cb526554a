/* SPDX-License-Identifier: Apache-2.0 */
/* Hazard 17: fork from a signal handler that may interrupt any heap call. */
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "ground.h"

static volatile sig_atomic_t children;

static void handler_fork(int number)
{
    (void)number;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child > 0) {
        children++;
        waitpid(child, NULL, 0);
    }
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler_fork, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval every = {{0, 3000}, {0, 3000}};
    setitimer(ITIMER_REAL, &every, NULL);
    for (size_t i = 0; children < 100; i++)
        free(realloc(malloc(i % 1000), i % 3000 + 1));
    struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &never, NULL);
    say("forked from a handler: 100 times or more\n");
    return 0;
}
