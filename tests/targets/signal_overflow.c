/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 50, 53: stack overflows that the program itself handles, on an alternate stack of the
 * smallest size, in handlers that use the heap; SA_RESETHAND lets the last one kill.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>

#include "ground.h"

static sigjmp_buf back;
static volatile sig_atomic_t faults;

static void handler_segv(int number)
{
    (void)number;
    faults++;
    ground_free(ground_malloc(100));
    siglongjmp(back, 1);
}

__attribute__((noinline)) static size_t stack_eat(size_t depth)
{
    volatile char frame[4096];
    frame[0] = (char)depth;
    return depth > ((size_t)1 << 40) ? 0 : stack_eat(depth + 1) + (size_t)frame[0];
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    struct rlimit limit = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_STACK, &limit);
    /* The kernel's frame (sigaltstack(2): AT_MINSIGSTKSZ) plus what malloc itself needs. */
    size_t size = (size_t)sysconf(_SC_MINSIGSTKSZ) + 2048;
    stack_t stack = {.ss_sp = malloc(size), .ss_size = size};
    EXPECT(sigaltstack(&stack, NULL) == 0);
    struct sigaction action = {.sa_handler = handler_segv, .sa_flags = SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    for (int i = 0; i < 5; i++)
        if (sigsetjmp(back, 1) == 0)
            stack_eat(0);
    say("overflow: handled %d times\n", (int)faults);
    for (size_t i = 0; i < 100; i++)
        ground_free(ground_malloc(i));
    action.sa_flags = (int)(SA_ONSTACK | SA_RESETHAND);
    sigaction(SIGSEGV, &action, NULL);
    if (sigsetjmp(back, 1) == 0)
        stack_eat(0);
    stack_eat(0);
    return 0;
}
