/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 51, 53: 40 coroutines on 8 KiB stacks that end at guard pages, switching in the midst
 * of their work, some created and ended over and over on re-used stacks.
 */
#include <ucontext.h>

#include "ground.h"

enum { COROUTINES = 40, STACK_BYTES = 8192, ROUNDS = 100 };

static ucontext_t home, routine[COROUTINES];
static char *stacks[COROUTINES];
static int left;

static void routine_nested(int self, size_t depth)
{
    void *block = ground_malloc(depth * 10);
    if (depth)
        routine_nested(self, depth - 1);
    else
        swapcontext(&routine[self], &home);
    ground_free(block);
}

static void routine_run(int self)
{
    for (int i = 0; i < 10; i++)
        routine_nested(self, (size_t)(self % 8));
    left--;
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    size_t step = STACK_BYTES + 4096;
    char *map = mmap(NULL, step * COROUTINES + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(map != MAP_FAILED);
    for (int i = 0; i < COROUTINES; i++) {
        stacks[i] = map + 4096 + step * (size_t)i;
        EXPECT(mprotect(stacks[i], STACK_BYTES, PROT_READ | PROT_WRITE) == 0);
    }
    long switches = 0;
    for (int round = 0; round < ROUNDS; round++) {
        left = COROUTINES;
        for (int i = 0; i < COROUTINES; i++) {
            EXPECT(getcontext(&routine[i]) == 0);
            routine[i].uc_stack.ss_sp = stacks[i];
            routine[i].uc_stack.ss_size = STACK_BYTES;
            routine[i].uc_link = &home;
            makecontext(&routine[i], (void (*)(void))routine_run, 1, i);
        }
        for (int turn = 0; left; turn++, switches++)
            swapcontext(&home, &routine[turn % COROUTINES]);
    }
    say("coroutines: %ld switches\n", switches);
    return 0;
}
