/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of the process, made by system calls alone; the parent's thread is suspended meanwhile. */
#include "capture/child.h"

#include <sched.h>
#include <signal.h>
#include <stdint.h>

#include "capture/cpu/x86_64/syscall.h"

long child_start(void (*run)(void *context), void *context)
{
    const uint64_t all = ~UINT64_C(0);
    uint64_t before = 0;
    syscall_6(SYS_rt_sigprocmask, SIG_SETMASK, (long)(uintptr_t)&all, (long)(uintptr_t)&before,
              CHILD_SIGNAL_BYTES, 0, 0);
    long pid = syscall_6(SYS_clone, CLONE_VFORK, 0, 0, 0, 0, 0);
    if (pid == 0) {
        run(context);
        for (;;)
            syscall_3(SYS_exit_group, CHILD_FAILED, 0, 0);
    }
    syscall_6(SYS_rt_sigprocmask, SIG_SETMASK, (long)(uintptr_t)&before, 0, CHILD_SIGNAL_BYTES, 0,
              0);
    return pid;
}
