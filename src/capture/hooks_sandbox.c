/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prctl, and system calls by number: seen coming, a sandbox finds hooks that make no system call
 * and read no clock that it forbids. The calls pass through unchanged; syscall() by a jump, since
 * some calls (vfork, clone) return twice, and a frame of ours would not.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "capture/process.h"
#include "capture/start.h"

HOOK long syscall(long number, ...);

/* Called from the assembly below; not for other files. */
void *hooks_see_syscall(long number, long first, long second);

static void hooks_see_prctl(int option, unsigned long value)
{
    if (option == PR_SET_SECCOMP) {
        process_go_quiet();
        if (value == SECCOMP_MODE_STRICT)
            process_go_clockless();
    } else if (option == PR_SET_TSC && value == PR_TSC_SIGSEGV) {
        process_go_clockless();
    }
}

HOOK int prctl(int option, ...)
{
    enum { WORDS = 4 };
    unsigned long word[WORDS];
    va_list list;
    va_start(list, option);
    for (int i = 0; i < WORDS; i++)
        word[i] = va_arg(list, unsigned long);
    va_end(list);
    if (!hooks_ready() || !next.prctl) {
        errno = ENOSYS;
        return -1;
    }
    hooks_see_prctl(option, word[0]);
    return next.prctl(option, word[0], word[1], word[2], word[3]);
}

static long hooks_no_syscall(long number, ...)
{
    errno = ENOSYS;
    return -1;
}

/* Looks at a call that is about to be made; returns where to jump for it. */
__attribute__((used)) void *hooks_see_syscall(long number, long first, long second)
{
    if (!hooks_ready() || !next.syscall)
        return (void *)hooks_no_syscall;
    if (number == SYS_prctl)
        hooks_see_prctl((int)first, (unsigned long)second);
    else if (number == SYS_seccomp && first == SECCOMP_SET_MODE_STRICT)
        hooks_see_prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    else if (number == SYS_seccomp && first == SECCOMP_SET_MODE_FILTER)
        hooks_see_prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER);
    return (void *)next.syscall;
}

/* The six register arguments are kept; the seventh word stays where it is on the stack. */
__asm__(".text\n"
        ".globl syscall\n"
        ".type syscall, @function\n"
        "syscall:\n"
        "    .cfi_startproc\n"
        "    endbr64\n"
        "    push %rdi\n    .cfi_adjust_cfa_offset 8\n"
        "    push %rsi\n    .cfi_adjust_cfa_offset 8\n"
        "    push %rdx\n    .cfi_adjust_cfa_offset 8\n"
        "    push %rcx\n    .cfi_adjust_cfa_offset 8\n"
        "    push %r8\n     .cfi_adjust_cfa_offset 8\n"
        "    push %r9\n     .cfi_adjust_cfa_offset 8\n"
        "    sub $8, %rsp\n .cfi_adjust_cfa_offset 8\n"
        "    call hooks_see_syscall\n"
        "    mov %rax, %r11\n"
        "    add $8, %rsp\n .cfi_adjust_cfa_offset -8\n"
        "    pop %r9\n      .cfi_adjust_cfa_offset -8\n"
        "    pop %r8\n      .cfi_adjust_cfa_offset -8\n"
        "    pop %rcx\n     .cfi_adjust_cfa_offset -8\n"
        "    pop %rdx\n     .cfi_adjust_cfa_offset -8\n"
        "    pop %rsi\n     .cfi_adjust_cfa_offset -8\n"
        "    pop %rdi\n     .cfi_adjust_cfa_offset -8\n"
        "    xor %eax, %eax\n"
        "    jmp *%r11\n"
        "    .cfi_endproc\n"
        ".size syscall, .-syscall\n");
