/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 5(decisions), 66: heap use where system calls or the time stamp counter are forbidden.
 * Arguments: counts page; strict: only read, write, exit; filter: any call but a few kills;
 * errno: the rest fails with EPERM; tsc: rdtsc kills; late: the filter comes from one of several
 * threads (TSYNC); crowd: from one of so many that most wait for room, or for a processor.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "ground.h"

static void blocks_use(size_t n)
{
    static void *block[128];
    for (size_t i = 0; i < n; i++) {
        void **slot = &block[i * 7 % 128];
        ground_free(*slot);
        *slot = ground_malloc(i % 300);
    }
}

/* What glibc's malloc itself may call, and the target's own output and end. */
static void filter_install(unsigned refusal, unsigned flags)
{
    static const unsigned allowed[] = {SYS_write, SYS_exit,   SYS_exit_group, SYS_brk,
                                       SYS_mmap,  SYS_munmap, SYS_mprotect,   SYS_rt_sigreturn};
    enum { ALLOWED = sizeof allowed / sizeof *allowed };
    struct sock_filter code[ALLOWED + 3] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    for (size_t i = 0; i < ALLOWED; i++)
        code[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i],
                                                   (unsigned char)(ALLOWED - i), 0);
    code[ALLOWED + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, refusal);
    code[ALLOWED + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {ALLOWED + 3, code};
    EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    if (flags)
        EXPECT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) == 0);
    else
        EXPECT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

enum { FEW = 3, CROWD = 200, ROUNDS = 60000 };

static int go, thread_n, begun_n, busy_n;

static void *thread_run(void *unused)
{
    ground_free(ground_malloc(50));
    __atomic_fetch_add(&begun_n, 1, __ATOMIC_RELEASE);
    /* So that those who are still to be made get a processor. */
    while (__atomic_load_n(&begun_n, __ATOMIC_ACQUIRE) < thread_n)
        usleep(1000);
    __atomic_fetch_add(&busy_n, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
        ground_free(ground_malloc(50));
    for (int i = 0; i < ROUNDS / thread_n; i++)
        ground_free(ground_malloc((size_t)i % 200));
    __atomic_fetch_add(&go, 1, __ATOMIC_RELEASE);
    syscall(SYS_exit, 0);
    return unused;
}

/* Threads that use the heap before and after the filter, which this thread lays on all. */
static void threads_use(int n)
{
    thread_n = n;
    /* No two wait for one arena: a wait is a call that the filter forbids. */
    EXPECT(mallopt(M_ARENA_MAX, thread_n + 1) == 1);
    for (int i = 0; i < thread_n; i++) {
        pthread_t thread;
        EXPECT(pthread_create(&thread, NULL, thread_run, NULL) == 0);
    }
    /* A thread that begins calls what the filter forbids. */
    while (__atomic_load_n(&busy_n, __ATOMIC_ACQUIRE) < thread_n)
        usleep(1000);
    usleep(20000);
    filter_install(SECCOMP_RET_KILL_PROCESS, SECCOMP_FILTER_FLAG_TSYNC);
    __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&go, __ATOMIC_ACQUIRE) < 1 + thread_n)
        __builtin_ia32_pause();
}

int main(int argc, char **argv)
{
    EXPECT(argc == 3);
    ground_open(argv[1]);
    const char *how = argv[2];
    blocks_use(1000);
    void *room = ground_malloc(1 << 20); /* so that the heap need not grow later */
    ground_free(room);
    if (!strcmp(how, "strict"))
        EXPECT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
    else if (!strcmp(how, "filter"))
        filter_install(SECCOMP_RET_KILL_PROCESS, 0);
    else if (!strcmp(how, "errno"))
        filter_install(SECCOMP_RET_ERRNO | EPERM, 0);
    else if (!strcmp(how, "tsc"))
        EXPECT(prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) == 0);
    else if (!strcmp(how, "late"))
        threads_use(FEW);
    else if (!strcmp(how, "crowd"))
        threads_use(CROWD);
    say("sandbox: %s\n", how);
    blocks_use(!strcmp(how, "strict") ? 5000 : 200000);
    say("sandbox: done\n");
    syscall(!strcmp(how, "strict") ? SYS_exit : SYS_exit_group, 4);
    return 1;
}
