/* SPDX-License-Identifier: Apache-2.0 */
/* What the unwinder must know of x86-64: DWARF register numbers, the signal frame, the thread
 * pointer, and the one system call that tells whether an address can be read. */
#ifndef MEMSCOPE_CAPTURE_CPU_H
#define MEMSCOPE_CAPTURE_CPU_H

#include <stdbool.h>
#include <stdint.h>

/* DWARF numbers of the System V ABI; CPU_PC is the column of the return address. */
enum { CPU_BP = 6, CPU_SP = 7, CPU_PC = 16, CPU_REGISTERS = 17, CPU_PAGE_BYTES = 4096 };

/* No user address has a bit at or above this one, except in code mapped by explicit request. */
enum { CPU_ADDRESS_BITS = 47 };

/* Where the kernel saved the registers of interrupted code, counted from the stack pointer at
 * the return trampoline, which points at the ucontext. */
enum { CPU_CONTEXT_BP = 120, CPU_CONTEXT_SP = 160, CPU_CONTEXT_PC = 168, CPU_CONTEXT_BYTES = 176 };

/* Offset in the ucontext of each register, by DWARF number. */
static const uint8_t cpu_context_offsets[CPU_REGISTERS] = {
        144, 136, 152, 128, 112, 104, 120, 160, 40, 48, 56, 64, 72, 80, 88, 96, 168,
};

/* The bytes of `mov $15,%eax; syscall`, by which a libc without unwind information returns from
 * a handler. */
static const uint8_t cpu_sigreturn_code[9] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};

static inline uintptr_t cpu_thread_pointer(void)
{
    uintptr_t at;
    __asm__("mov %%fs:0, %0" : "=r"(at));
    return at;
}

/* Whether the 8 bytes at `address` can be read, asked of the kernel: rt_sigprocmask copies the
 * new mask before it looks at `how`, so an impossible `how` gives EFAULT or EINVAL and changes
 * nothing. Does not touch errno. */
static inline bool cpu_readable(uintptr_t address)
{
    enum { RT_SIGPROCMASK = 14, IMPOSSIBLE = 0x7fff, INVALID = -22 };
    register long size __asm__("r10") = 8;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"((long)RT_SIGPROCMASK), "D"((long)IMPOSSIBLE), "S"(address), "d"(0L),
                       "r"(size)
                     : "rcx", "r11", "memory");
    return result == INVALID;
}

#endif
