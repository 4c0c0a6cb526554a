/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions 18, hazard 45: forks twice as daemons do; the command ends at once, the grandchild goes
 * on with the heap for a while, in a session of its own, its parent whoever takes orphans here.
 */
#include <sys/wait.h>

#include "ground.h"

static void blocks_use(size_t n)
{
    for (size_t i = 0; i < n; i++)
        ground_free(ground_malloc(i % 500));
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    int linger_ms = argc > 2 ? atoi(argv[2]) : 300;
    blocks_use(1000);
    pid_t child = fork();
    if (child == 0) {
        blocks_use(100);
        setsid();
        if (fork())
            _exit(0);
        for (int fd = 0; fd < 3; fd++)
            close(fd);
        for (int i = 0; i < linger_ms; i += 10) {
            blocks_use(1000);
            usleep(10000);
        }
        _exit(0);
    }
    int status;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    say("daemon: started\n");
    return 2;
}
