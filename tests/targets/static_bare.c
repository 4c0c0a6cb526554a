/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 74, 75, 76: no libc, no interpreter, no heap, just two system calls; built for 64 and,
 * where that works, for 32 bits.
 */
void _start(void);

static long call(long number, long a, long b, long c)
{
    long result;
#ifdef __x86_64__
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
#else
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
#endif
    return result;
}

void _start(void)
{
#ifdef __x86_64__
    static const char text[] = "no libc, 64 bits\n";
    call(1, 1, (long)text, sizeof text - 1);
    call(231, 5, 0, 0);
#else
    static const char text[] = "no libc, 32 bits\n";
    call(4, 1, (long)text, sizeof text - 1);
    call(252, 5, 0, 0);
#endif
    for (;;)
        ;
}
