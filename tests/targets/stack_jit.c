/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 73, 95: code written at run time, without names or unwind rules, that calls the heap;
 * with and without a frame pointer; its pages go away and other code takes the same address.
 */
#include "ground.h"

enum { PAGE = 4096 };

/* push rbp; mov rbp,rsp (or two nops and a push); mov rax,imm64; call rax; leave/pop; ret */
static void code_write(unsigned char *at, void *callee, int frame_pointer)
{
    static const unsigned char enter[2][4] = {{0x55, 0x90, 0x90, 0x90}, {0x55, 0x48, 0x89, 0xe5}};
    memcpy(at, enter[frame_pointer], 4);
    at[4] = 0x48;
    at[5] = 0xb8;
    memcpy(at + 6, &callee, 8);
    at[14] = 0xff;
    at[15] = 0xd0;
    at[16] = 0x5d;
    at[17] = 0xc3;
}

static void *malloc_counted(size_t size_bytes)
{
    return ground_malloc(size_bytes);
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    unsigned char *last = NULL;
    int reused = 0;
    for (int round = 0; round < 200; round++) {
        unsigned char *code =
                mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        EXPECT(code != MAP_FAILED);
        reused += code == last;
        last = code;
        void *callee = (void *)malloc_counted;
        code_write(code, callee, round % 2);
        /* A second routine that calls the first, somewhere else in the page each time. */
        code_write(code + 64 + round % 32 * 32, code, 1 - round % 2);
        EXPECT(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
        void *(*routine)(size_t) = (void *(*)(size_t))(uintptr_t)(code + 64 + round % 32 * 32);
        for (size_t i = 0; i < 50; i++)
            ground_free(routine(i));
        munmap(code, PAGE);
    }
    say("jit: 200 routines\n");
    (void)reused;
    return 0;
}
