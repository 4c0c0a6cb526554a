/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 46, 47, 50, 53: signals storm through heap calls and their handlers allocate, some of
 * them on a small alternate stack. With glibc's allocator a handler allocates only where it did
 * not interrupt libc or the loader (malloc is not safe there); a hook around malloc is neither,
 * so it is hit. Linked with lib_own_malloc, whose calls are safe anywhere, it always allocates.
 */
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>

#include "ground.h"

enum { THREADS = 3, SIGNALS = 4000 };

static uintptr_t unsafe_from[8], unsafe_to[8];
static int unsafe_n, stop, handled;

static int range_note(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    if (!strstr(info->dlpi_name, "libc.so") && !strstr(info->dlpi_name, "ld-linux"))
        return 0;
    for (int i = 0; i < info->dlpi_phnum && unsafe_n < 8; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
            continue;
        unsafe_from[unsafe_n] = info->dlpi_addr + segment->p_vaddr;
        unsafe_to[unsafe_n++] = info->dlpi_addr + segment->p_vaddr + segment->p_memsz;
    }
    return 0;
}

static int interrupted_safely(const ucontext_t *context)
{
#ifdef OWN_MALLOC
    (void)context;
    return 1;
#else
    uintptr_t pc = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
    for (int i = 0; i < unsafe_n; i++)
        if (pc >= unsafe_from[i] && pc < unsafe_to[i])
            return 0;
    return 1;
#endif
}

static void handler_allocate(int number, siginfo_t *info, void *context)
{
    /* Where the machine is slow, alarms come faster than handlers end: only so deep. */
    static __thread int nested;
    (void)number, (void)info;
    nested++;
    if (nested <= 4 && interrupted_safely(context)) {
        void *block = ground_malloc(40);
        block = ground_realloc(block, 80);
        ground_free(block);
    }
    nested--;
    __atomic_fetch_add(&handled, 1, __ATOMIC_RELAXED);
}

/* The first thread handles its signals, one at a time, on the smallest stack that does bare. */
static void *thread_allocate(void *on_small_stack)
{
    stack_t stack = {.ss_size = (size_t)sysconf(_SC_MINSIGSTKSZ) + 2048};
    stack.ss_sp = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(stack.ss_sp != MAP_FAILED && stack.ss_size < 16384);
    if (on_small_stack) {
        sigset_t alarms;
        sigemptyset(&alarms);
        sigaddset(&alarms, SIGALRM);
        pthread_sigmask(SIG_BLOCK, &alarms, NULL);
        EXPECT(sigaltstack(&stack, NULL) == 0);
    }
    for (size_t i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        void *block = ground_malloc(i % 200);
        if (i % 3 == 0)
            block = ground_realloc(block, i % 300 + 1);
        ground_free(block);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    dl_iterate_phdr(range_note, NULL);
    struct sigaction action = {.sa_sigaction = handler_allocate,
                               .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    /* A handler within a handler could not tell what the outer one had interrupted. */
    sigfillset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    action.sa_flags = SA_SIGINFO | SA_RESTART;
#ifdef OWN_MALLOC
    sigemptyset(&action.sa_mask);
    action.sa_flags |= SA_NODEFER; /* nests in itself */
#endif
    sigaction(SIGALRM, &action, NULL);
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&thread[i], NULL, thread_allocate, (void *)(uintptr_t)(i == 0)) == 0);
    struct itimerval every = {{0, 300}, {0, 300}};
    setitimer(ITIMER_REAL, &every, NULL);
    for (int i = 0; i < SIGNALS || __atomic_load_n(&handled, __ATOMIC_RELAXED) < SIGNALS / 2; i++) {
        pthread_kill(thread[i % THREADS], i % 2 ? SIGUSR1 : SIGUSR2);
        ground_free(ground_malloc((size_t)i % 100));
        if (i % 16 == 0)
            usleep(50);
    }
    struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &never, NULL);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    say("storm: over\n");
    return 0;
}
