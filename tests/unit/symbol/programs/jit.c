/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that makes a function at run time, which allocates through it, and writes a perf map.
 *
 * usage: jit named|foreign   (foreign: the map is a link, which must not be followed)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef void (*made_fn)(void (*callee)(void));

/* push %rbp; mov %rsp, %rbp; call *%rdi; pop %rbp; ret */
static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};

static __attribute__((noinline)) void allocate(void)
{
    void *volatile block = malloc(12345);
    free(block);
}

int main(int argc, char **argv)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || argc < 2)
        return 1;
    memcpy(page, code, sizeof code);
    if (mprotect(page, 4096, PROT_READ | PROT_EXEC) != 0)
        return 1;
    int is_foreign = strcmp(argv[1], "foreign") == 0;
    char name[64], real[80];
    snprintf(name, sizeof name, "/tmp/perf-%d.map", (int)getpid());
    snprintf(real, sizeof real, "%s.real", name);
    unlink(name);
    FILE *map = fopen(is_foreign ? real : name, "wx");
    if (!map)
        return 1;
    fprintf(map, "%lx %zx JS:*made /src/made.js:12:7\n", (unsigned long)page, sizeof code);
    fclose(map);
    if (is_foreign && symlink(real, name) != 0)
        return 1;
    made_fn made = NULL;
    memcpy(&made, &page, sizeof made);
    made(allocate);
    /* For whoever tidies up: the map is read after our end. */
    puts(is_foreign ? real : name);
    puts(name);
    return 0;
}
