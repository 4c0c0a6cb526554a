/* SPDX-License-Identifier: Apache-2.0 */
/* Hazard 19: vfork, clone(CLONE_VM) and posix_spawn children, which run in our memory and TLS. */
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "ground.h"

static char clone_stack[65536] __attribute__((aligned(16)));

static void blocks_use(size_t n)
{
    for (size_t i = 0; i < n; i++)
        ground_free(ground_malloc(i));
}

/* A child that borrows our memory and thread: its heap calls are as good as ours. */
static int clone_run(void *unused)
{
    (void)unused;
    blocks_use(100);
    return 11;
}

static int status_of(pid_t child)
{
    int status;
    EXPECT(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    blocks_use(10);
    return WEXITSTATUS(status);
}

static pid_t vfork_exit(void)
{
    pid_t child = vfork();
    if (child == 0)
        _exit(12);
    return child;
}

static pid_t vfork_exec(void)
{
    pid_t child = vfork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "exit 13", (char *)NULL);
        _exit(127);
    }
    return child;
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    blocks_use(100);
    int sum = 0;
    for (int i = 0; i < 20; i++) {
        sum += status_of(vfork_exit());
        sum += status_of(clone(clone_run, clone_stack + sizeof clone_stack,
                               CLONE_VM | CLONE_VFORK | SIGCHLD, NULL));
    }
    for (int i = 0; i < 5; i++) {
        sum += status_of(vfork_exec());
        pid_t child;
        char *words[] = {(char *)"sh", (char *)"-c", (char *)"exit 14", NULL};
        EXPECT(posix_spawn(&child, "/bin/sh", NULL, NULL, words, environ) == 0);
        sum += status_of(child);
        EXPECT(posix_spawnp(&child, "sh", NULL, NULL, words, environ) == 0);
        sum += status_of(child);
        EXPECT(posix_spawn(&child, "/nowhere", NULL, NULL, words, environ) != 0);
    }
    blocks_use(100);
    say("vfork: statuses add up to %d\n", sum);
    return 0;
}
