/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard 91, law 7: overwrites with noise whatever it shares with somebody else, again and again,
 * while it goes on allocating. Whoever reads there must neither crash, loop nor over-read. The
 * scribbling child may come to harm, the parent, which waits without a heap call, may not.
 */
#include <sys/wait.h>

#include "ground.h"

static void scribble(uint32_t dice)
{
    static char maps[1 << 18];
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < 2000; i++)
            free(ground_keep(malloc(i)));
        int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
        size_t used = 0;
        ssize_t n;
        while ((n = read(fd, maps + used, sizeof maps - 1 - used)) > 0)
            used += (size_t)n;
        close(fd);
        maps[used] = 0;
        for (char *line = strtok(maps, "\n"); line; line = strtok(NULL, "\n")) {
            unsigned long from, to;
            char mode[8];
            if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || strcmp(mode, "rw-s") != 0)
                continue;
            for (int hit = 0; hit < 200; hit++) {
                dice = dice * 1664525 + 1013904223;
                uint64_t *word = (uint64_t *)(from + (dice >> 4) % (to - from) / 8 * 8);
                if (hit % 2) /* the first pages matter most */
                    word = (uint64_t *)(from + (dice >> 4) % (to - from < 8192 ? to - from : 8192) /
                                                       8 * 8);
                *word = dice & 1 ? ~(uint64_t)0 : *word ^ ((uint64_t)dice << 16);
            }
        }
    }
    _exit(0);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < 100; i++)
        free(ground_keep(malloc(i)));
    pid_t child = fork();
    if (child == 0) {
        alarm(4);
        scribble(argc > 1 ? (uint32_t)atoi(argv[1]) : 1);
    }
    waitpid(child, NULL, 0);
    say("scribbler: done\n");
    _exit(0);
}
