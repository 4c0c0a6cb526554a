/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where no recording can be had, start_tracking says why and returns: in a sandbox of the
 * program's own making, and without the executable.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "api_check.h"

/* A filter under which processes cannot be made. */
static void enter_sandbox(void)
{
    struct sock_filter code[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof *code, code};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0);
}

int main(int argc, char **argv)
{
    memscope_backend *backend;
    memscope_session *session;
    struct memscope_self_test test;
    int wanted = MEMSCOPE_E_NO_COLLECTOR;
    if (argc > 1 && strcmp(argv[1], "sandbox") == 0) {
        enter_sandbox();
        wanted = MEMSCOPE_E_DENIED;
    } else {
        CHECK(setenv("MEMSCOPE_EXE", "/no such executable", 1) == 0);
    }
    MUST(memscope_quick_start(&backend, &api_error));
    CHECK(memscope_backend_start_tracking(backend, &session, &api_error) == wanted);
    CHECK(api_error.code == wanted && api_error.text[0]);
    CHECK(memscope_self_test(&test, &api_error) == wanted);
    CHECK(!test.detection && !test.collector && test.text[0]);
    CHECK(!memscope_is_recording());
    free(malloc(100));
    memscope_backend_shutdown(backend, NULL, NULL);
    puts("refused");
    return 0;
}
