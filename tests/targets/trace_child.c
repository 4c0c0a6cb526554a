/* SPDX-License-Identifier: Apache-2.0 */
/* Hazard 68: a program that traces its own child with ptrace, step by step through heap calls. */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "ground.h"

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    pid_t child = fork();
    if (child == 0) {
        EXPECT(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
        raise(SIGSTOP);
        for (size_t i = 0; i < 100; i++)
            ground_free(ground_malloc(i));
        raise(SIGUSR1);
        _exit(8);
    }
    int status, steps = 0, stops = 0;
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        int number = WSTOPSIG(status);
        stops += number != SIGTRAP;
        int deliver = number == SIGTRAP || number == SIGSTOP || number == SIGUSR1 ? 0 : number;
        int step = number == SIGTRAP || number == SIGSTOP;
        step = step && steps++ < 20000;
        ptrace(step ? PTRACE_SINGLESTEP : PTRACE_CONT, child, NULL, (long)deliver);
    }
    say("traced: %d stops, status %d, stepped through %s\n", stops, WEXITSTATUS(status),
        steps > 1000 ? "heap calls" : "nothing");
    ground_free(ground_malloc(5));
    return 0;
}
