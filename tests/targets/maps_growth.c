/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 44, 63, 69: over a long busy life the process gets no threads, no descriptors and only
 * a bounded number of mappings more than at its start.
 */
#include <dirent.h>
#include <pthread.h>

#include "ground.h"

static int maps_count(void)
{
    static char bytes[1 << 16];
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC), lines = 0;
    ssize_t n;
    while ((n = read(fd, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < n; i++)
            lines += bytes[i] == '\n';
    close(fd);
    return lines;
}

static int entries_count(const char *folder)
{
    DIR *list = opendir(folder);
    int n = 0;
    while (list && readdir(list))
        n++;
    if (list)
        closedir(list);
    return n - 2;
}

static void *thread_run(void *unused)
{
    for (size_t i = 0; i < 30000; i++)
        free(ground_keep(malloc(i % 1000)));
    return unused;
}

int main(void)
{
    thread_run(NULL);
    int before = maps_count();
    for (int i = 0; i < 60; i++) {
        pthread_t thread;
        EXPECT(pthread_create(&thread, NULL, thread_run, NULL) == 0);
        pthread_join(thread, NULL);
    }
    int grown = maps_count() - before;
    say("threads %d, descriptors %d, mappings %s\n", entries_count("/proc/self/task"),
        entries_count("/proc/self/fd"), grown <= 24 ? "bounded" : "too many");
    if (grown > 24)
        say("%d mappings more\n", grown);
    return 0;
}
