/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 21, 23, 24: one process, thirteen images, a different member of the exec family each
 * time; every image makes its own blocks and leaves some alive. Argument: counts page, step.
 */
#include <pthread.h>

#include "ground.h"

static char *program, *page;

static void step_exec(int step)
{
    char number[8];
    snprintf(number, sizeof number, "%d", step + 1);
    char *words[] = {program, page, number, NULL};
    const char *name = strrchr(program, '/') + 1;
    int fd;
    switch (step % 9) {
    case 0:
        execv(program, words);
        break;
    case 1:
        execve(program, words, environ);
        break;
    case 2:
        execvp(program, words);
        break;
    case 3:
        execl(program, program, page, number, (char *)NULL);
        break;
    case 4:
        execlp(program, program, page, number, (char *)NULL);
        break;
    case 5:
        execle(program, program, page, number, (char *)NULL, environ);
        break;
    case 6:
        execvpe(program, words, environ);
        break;
    case 7:
        fd = open(program, O_RDONLY | O_CLOEXEC);
        fexecve(fd, words, environ);
        break;
    default:
        fd = open(program, O_PATH | O_CLOEXEC);
        execveat(fd, "", words, environ, AT_EMPTY_PATH);
    }
    say("%s: exec of step %d failed\n", name, step);
    _exit(1);
}

static void *thread_exec(void *step)
{
    step_exec(*(int *)step);
    return NULL;
}

int main(int argc, char **argv)
{
    EXPECT(argc == 3);
    program = argv[0];
    page = argv[1];
    int step = atoi(argv[2]);
    ground_open(page);
    if (step == 0)
        ground->pid = (uint64_t)getpid();
    for (size_t i = 0; i < 100; i++) {
        void *block = ground_malloc(i + 1);
        if (i % 2)
            ground_free(block);
    }
    char *odd[] = {program, NULL};
    EXPECT(execve("/nowhere/at/all", odd, environ) == -1);
    if (step < 9)
        step_exec(step);
    if (step < 12) {
        /* From another thread than the first: the first thread's image ends with it. */
        pthread_t thread;
        EXPECT(pthread_create(&thread, NULL, thread_exec, &step) == 0);
        for (;;)
            pause();
    }
    say("exec chain: image %d, pid %s\n", step, ground->pid == (uint64_t)getpid() ? "kept" : "new");
    return 0;
}
