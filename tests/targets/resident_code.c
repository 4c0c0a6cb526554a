/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps executable memory past libc, as runtimes that make code do, touches 24 MiB of it and rests a
 * moment. With a word it asks that whatever may be read may be executed, and touches as much in a
 * thread's arena, where malloc then holds it free.
 */
#include <pthread.h>
#include <sys/personality.h>
#include <sys/syscall.h>

#include "ground.h"

enum { CODE_BYTES = 24 << 20, BLOCK_BYTES = 64 << 10, BLOCKS = CODE_BYTES / BLOCK_BYTES };

static void touch_code(void)
{
    long at = syscall(SYS_mmap, NULL, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(at != -1);
    memset((void *)at, 0xcc, CODE_BYTES);
}

/* The last block keeps malloc from giving back what lies before it. */
static void *touch_free(void *unused)
{
    static void *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        memset(blocks[i] = malloc(BLOCK_BYTES), 1, BLOCK_BYTES);
    EXPECT(malloc(BLOCK_BYTES));
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    return unused;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc == 1) {
        touch_code();
    } else {
        pthread_t thread;
        int now = personality(0xffffffff);
        EXPECT(personality((unsigned long)now | READ_IMPLIES_EXEC) != -1);
        EXPECT(pthread_create(&thread, NULL, touch_free, NULL) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
    }
    usleep(600000);
    return 0;
}
