/* SPDX-License-Identifier: Apache-2.0 */
/* Private pages from the kernel. */
#include "api/object.h"

#include <sys/mman.h>

#include "capture/cpu/x86_64/syscall.h"

void *object_take(size_t bytes)
{
    long at = syscall_6(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at < 0 && at > -4096 ? NULL : (void *)at;
}

void object_give(void *object, size_t bytes)
{
    if (object)
        syscall_3(SYS_munmap, (long)object, (long)bytes, 0);
}
