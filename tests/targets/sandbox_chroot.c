/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 44, 67: the usual life of a careful daemon: a new user namespace where asked for,
 * chroot into an empty folder, privileges dropped, no /proc; then heap use, threads, a child.
 * Arguments: counts page, chroot|userns.
 */
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ground.h"

static void blocks_use(size_t n)
{
    for (size_t i = 0; i < n; i++)
        ground_free(ground_malloc(i % 400));
}

static void *thread_run(void *unused)
{
    blocks_use(3000);
    return unused;
}

int main(int argc, char **argv)
{
    EXPECT(argc == 3);
    ground_open(argv[1]);
    blocks_use(1000);
    if (!strcmp(argv[2], "userns")) {
        say("unshare: %d\n", unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID));
    } else {
        EXPECT(mkdir("jail", 0755) == 0 && chroot("jail") == 0 && chdir("/") == 0);
        EXPECT(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
        EXPECT(prctl(PR_SET_DUMPABLE, 0) == 0);
        say("uid %d, /proc %s\n", (int)getuid(), access("/proc", F_OK) ? "gone" : "there");
    }
    blocks_use(100000);
    pid_t child = fork();
    if (child == 0) {
        blocks_use(5000);
        say("child: pid %s\n", getpid() == 1 ? "1" : "another");
        _exit(3);
    }
    int status = -1;
    waitpid(child, &status, 0);
    say("child: %d\n", WEXITSTATUS(status));
    if (strcmp(argv[2], "userns") != 0) { /* no thread after unshare(CLONE_NEWPID) */
        pthread_t thread;
        EXPECT(pthread_create(&thread, NULL, thread_run, NULL) == 0);
        pthread_join(thread, NULL);
    }
    say("daemon: done\n");
    return 0;
}
