/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a known amount of work in phases, one for each byte on standard input, and says a line after
 * each. Decision 17: what is freed while recording is paused was allocated before it.
 *
 *     A  1000 blocks of 100 bytes are live
 *     B  500 of them freed, 500 of 77 bytes allocated, one of the first kind moved to 5000
 *     C  100 of 10 bytes allocated, all of B's freed
 *
 * With a file as its argument it works until it is killed, and counts its allocations there.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FIRST_N = 1000, FREED_N = 500, SECOND_N = 500, THIRD_N = 100, MOVED = 600 };

static char *paced_blocks[FIRST_N + SECOND_N + THIRD_N];

static void paced_wait(const char *line)
{
    char byte;
    if (write(STDOUT_FILENO, line, strlen(line)) < 0 || read(STDIN_FILENO, &byte, 1) < 0)
        _exit(1);
}

static void paced_allocate(size_t from, size_t n, size_t size_bytes)
{
    for (size_t i = from; i < from + n; i++)
        paced_blocks[i] = malloc(size_bytes);
}

static void paced_free(size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++)
        free(paced_blocks[i]);
}

static int paced_work(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(uint64_t)) < 0)
        return 1;
    _Atomic uint64_t *count = mmap(NULL, sizeof *count, PROT_WRITE, MAP_SHARED, fd, 0);
    if (count == MAP_FAILED)
        return 1;
    for (;;) {
        paced_allocate(0, FIRST_N, 100);
        atomic_fetch_add(count, FIRST_N);
        usleep(5000);
        paced_free(0, FIRST_N);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return paced_work(argv[1]);
    paced_allocate(0, FIRST_N, 100);
    paced_wait("A\n");
    paced_free(0, FREED_N);
    paced_allocate(FIRST_N, SECOND_N, 77);
    char *moved = realloc(paced_blocks[MOVED], 5000);
    paced_wait("B\n");
    paced_allocate(FIRST_N + SECOND_N, THIRD_N, 10);
    paced_free(FIRST_N, SECOND_N);
    free(moved);
    paced_wait("C\n");
    return 7;
}
