/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard 51: heap calls with anything in the frame pointer: zero, noise, a cycle, the edge of a
 * mapping, unreadable pages; and on a stack of the program's own, right below a guard page.
 */
#include "ground.h"

#ifndef __x86_64__
#error "this target is written for x86-64"
#endif

/* Calls malloc and free with the given frame pointer; restores it before it returns. */
void garbage_call(uintptr_t frame, size_t size_bytes);
void stack_call(uintptr_t top, size_t size_bytes);

__asm__(".text\n"
        ".type garbage_call, @function\n"
        "garbage_call:\n"
        "    push %rbp\n"
        "    push %rbx\n"
        "    sub $8, %rsp\n"
        "    mov %rdi, %rbp\n"
        "    mov %rsi, %rdi\n"
        "    call malloc@PLT\n"
        "    mov %rax, %rdi\n"
        "    call free@PLT\n"
        "    add $8, %rsp\n"
        "    pop %rbx\n"
        "    pop %rbp\n"
        "    ret\n"
        ".size garbage_call, . - garbage_call\n"
        ".type stack_call, @function\n"
        "stack_call:\n"
        "    push %rbp\n"
        "    push %rbx\n"
        "    mov %rsp, %rbx\n"
        "    mov %rdi, %rsp\n"
        "    xor %ebp, %ebp\n"
        "    mov %rsi, %rdi\n"
        "    call malloc@PLT\n"
        "    mov %rax, %rdi\n"
        "    call free@PLT\n"
        "    mov %rbx, %rsp\n"
        "    pop %rbx\n"
        "    pop %rbp\n"
        "    ret\n"
        ".size stack_call, . - stack_call\n");

static void both(uintptr_t frame)
{
    for (size_t i = 0; i < 50; i++) {
        garbage_call(frame, i);
        ground_add(&ground->alloc_n, 1);
        ground_add(&ground->alloc_bytes, i);
        ground_add(&ground->free_n, 1);
    }
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    enum { PAGE = 4096 };
    char *map = mmap(NULL, 20 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(map != MAP_FAILED);
    mprotect(map, PAGE, PROT_NONE);
    mprotect(map + 19 * PAGE, PAGE, PROT_NONE);
    uintptr_t cycle[4] = {(uintptr_t)&cycle[2], (uintptr_t)main, (uintptr_t)&cycle[0],
                          (uintptr_t)both};
    uintptr_t self = (uintptr_t)&self;
    uintptr_t frames[] = {0,
                          1,
                          7,
                          self,
                          (uintptr_t)cycle,
                          ~(uintptr_t)0,
                          (uintptr_t)-8,
                          0x8000000000000000u,
                          0xdeadbeefdeadbeefu,
                          (uintptr_t)map,
                          (uintptr_t)map + 19 * PAGE - 8,
                          (uintptr_t)map + 19 * PAGE,
                          (uintptr_t)main,
                          0x7fffffffffff,
                          0x7ffffffff000,
                          self | 3};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
        both(frames[i]);
    /* Tops of a foreign stack: at the very edge before the guard page, and within. */
    for (int i = 0; i < 50; i++) {
        stack_call((uintptr_t)map + 19 * PAGE, 100);
        stack_call((uintptr_t)map + 18 * PAGE + 512, 100);
        ground_add(&ground->alloc_n, 2);
        ground_add(&ground->alloc_bytes, 200);
        ground_add(&ground->free_n, 2);
    }
    say("garbage: every frame pointer survived\n");
    return 0;
}
