/* SPDX-License-Identifier: Apache-2.0 */
/* Touches 24 MiB of the heap and 16 MiB of its own mapping, rests, and keeps /proc's word for it.
 */
#include "ground.h"

enum { BLOCKS = 240, BLOCK_BYTES = 100 << 10, MAPPED_BYTES = 16 << 20 };

int main(int argc, char **argv)
{
    EXPECT(argc > 1);
    for (int i = 0; i < BLOCKS; i++)
        memset(ground_keep(malloc(BLOCK_BYTES)), 1, BLOCK_BYTES);
    char *own =
            mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(own != MAP_FAILED);
    memset(own, 1, MAPPED_BYTES);
    usleep(600000);
    static char bytes[8192];
    int from = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    int to = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ssize_t n = read(from, bytes, sizeof bytes);
    EXPECT(n > 0 && write(to, bytes, (size_t)n) == n);
    return 0;
}
