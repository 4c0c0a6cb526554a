/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazard 94: runs a command where one system call fails: seccomp_wrap CALL ERRNO COMMAND...
 * (CALL: memfd_create, clone3, pidfd_open, mremap, or a number).
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned call_number(const char *name)
{
    static const struct {
        const char *name;
        unsigned number;
    } known[] = {{"memfd_create", SYS_memfd_create},
                 {"clone3", SYS_clone3},
                 {"pidfd_open", SYS_pidfd_open},
                 {"mremap", SYS_mremap},
                 {"madvise", SYS_madvise}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].name, name))
            return known[i].number;
    return (unsigned)strtoul(name, NULL, 10);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 124;
    unsigned failure = SECCOMP_RET_ERRNO | (unsigned)atoi(argv[2]);
    struct sock_filter code[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call_number(argv[1]), 0, 1),
            BPF_STMT(BPF_RET | BPF_K, failure),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        return 124;
    execvp(argv[3], argv + 3);
    return 127;
}
