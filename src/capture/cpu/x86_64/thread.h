/* SPDX-License-Identifier: Apache-2.0 */
/* What a thread knows of itself without asking anybody. */
#ifndef MEMSCOPE_CAPTURE_THREAD_H
#define MEMSCOPE_CAPTURE_THREAD_H

#include <stdint.h>

/* The thread control block: the fs base, which the ABI stores at its own address. */
static inline uintptr_t thread_pointer(void)
{
    uintptr_t pointer;
    __asm__("movq %%fs:0, %0" : "=r"(pointer));
    return pointer;
}

/* A 32-bit word of the thread control block. */
static inline uint32_t thread_word(uint32_t offset)
{
    return *(const volatile uint32_t *)(thread_pointer() + offset);
}

/* Adds n to *word and returns what it was; atomic against signal handlers of this thread only. */
static inline uint64_t thread_fetch_add(_Atomic uint64_t *word, uint64_t n)
{
    __asm__ volatile("xaddq %0, %1" : "+r"(n), "+m"(*word) : : "memory");
    return n;
}

/* Adds n to *word, as thread_fetch_add. */
static inline void thread_add(_Atomic uint64_t *word, uint64_t n)
{
    __asm__ volatile("addq %1, %0" : "+m"(*word) : "er"(n));
}

static inline void thread_pause(void)
{
    __builtin_ia32_pause();
}

#endif
