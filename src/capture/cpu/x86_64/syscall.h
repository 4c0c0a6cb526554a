/* SPDX-License-Identifier: Apache-2.0 */
/* System calls without libc: no errno, no cancellation point, no lock. */
#ifndef MEMSCOPE_CAPTURE_SYSCALL_H
#define MEMSCOPE_CAPTURE_SYSCALL_H

#include <sys/syscall.h>

/* Returns what the kernel returns: a negative errno on failure. */
static inline long syscall_6(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static inline long syscall_3(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

#endif
