/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 20, 21, 64: descriptors are the program's own. The first one opened is 3, the list of
 * open ones is as without us, all may be closed, and nothing of ours is written to any of them.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ground.h"

static void blocks_use(void)
{
    for (size_t i = 0; i < 20000; i++)
        free(ground_keep(malloc(i % 300)));
}

static void say_open(const char *moment)
{
    say("%s:", moment);
    for (int fd = 0; fd < 4096; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            say(" %d%s", fd, fcntl(fd, F_GETFD) & FD_CLOEXEC ? "c" : "");
    say("\n");
}

/* Opens a file on every number a stranger may think is his, and looks at the sizes at the end. */
static void all_numbers_taken(void)
{
    int n = 0, fd;
    struct stat stat_of;
    while ((fd = open("mine", O_RDWR | O_CREAT, 0600)) >= 0)
        n++;
    say("taken: %d more, errno %d\n", n, errno);
    blocks_use();
    EXPECT(stat("mine", &stat_of) == 0);
    say("mine: %ld bytes\n", (long)stat_of.st_size);
    closefrom(3);
}

int main(void)
{
    say_open("start");
    int first = open("/dev/null", O_RDONLY);
    blocks_use();
    say("first open: %d\n", first);
    DIR *list = opendir("/proc/self/fd");
    int n = 0;
    while (list && readdir(list))
        n++;
    if (list)
        closedir(list);
    say("/proc/self/fd: %d entries\n", n);
    closefrom(3);
    blocks_use();
    say_open("closed");
    struct rlimit limit = {64, 64};
    setrlimit(RLIMIT_NOFILE, &limit);
    all_numbers_taken();
    for (int fd = 3; fd < 64; fd++)
        dup2(1, fd);
    blocks_use();
    pid_t child = fork();
    if (child == 0) {
        closefrom(3);
        blocks_use();
        _exit(0);
    }
    waitpid(child, NULL, 0);
    closefrom(3);
    close(0);
    say("after close(0): %d\n", open("/dev/null", O_RDONLY));
    close(2);
    blocks_use();
    say_open("end");
    return 0;
}
