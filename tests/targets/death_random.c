/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard 58, law 4: threads use the heap for ever and count in a shared page, until the runner
 * kills them at a random moment. Arguments: counts page, threads; jail: behind a chroot, no /proc.
 */
#include <pthread.h>
#include <sys/stat.h>

#include "ground.h"

static void *thread_run(void *seed)
{
    void *block[256] = {NULL};
    uint32_t dice = (uint32_t)(uintptr_t)seed * 2654435761u;
    for (;;) {
        dice = dice * 1664525 + 1013904223;
        void **slot = &block[dice >> 24];
        if (*slot && dice & 4096) {
            *slot = ground_realloc(*slot, (dice >> 10 & 511) + 1);
            continue;
        }
        ground_free(*slot);
        *slot = ground_malloc(dice >> 10 & 511);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    EXPECT(argc == 3 || (argc == 4 && !strcmp(argv[3], "jail")));
    ground_open(argv[1]);
    ground->pid = (uint64_t)getpid();
    for (int i = 1; i < atoi(argv[2]); i++) {
        pthread_t thread;
        EXPECT(pthread_create(&thread, NULL, thread_run, (void *)(uintptr_t)(i + 1)) == 0);
    }
    if (argc == 4)
        EXPECT(mkdir("jail", 0755) == 0 && chroot("jail") == 0 && chdir("/") == 0);
    say("ready\n");
    thread_run((void *)1);
    return 0;
}
