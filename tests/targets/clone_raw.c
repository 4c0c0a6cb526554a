/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions 7, 28: threads that pthread_create knows nothing of: a raw clone without thread-local
 * storage of its own, which borrows the creator's, thrd_create, and a timer's notification thread.
 */
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>

#include "ground.h"

static char stack[65536] __attribute__((aligned(16)));
static int raw_tid;
static sem_t timer_done;

static void blocks_use(size_t n)
{
    for (size_t i = 0; i < n; i++)
        ground_free(ground_malloc(i % 300));
}

static int raw_run(void *unused)
{
    (void)unused;
    blocks_use(500);
    syscall(SYS_exit, 0);
    return 0;
}

/* The creator only waits: two threads in one tcache would break malloc itself. */
static void raw_thread(void)
{
    raw_tid = -1;
    int tid = clone(raw_run, stack + sizeof stack,
                    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                            CLONE_SYSVSEM | CLONE_CHILD_CLEARTID,
                    NULL, NULL, NULL, &raw_tid);
    EXPECT(tid > 0);
    while (__atomic_load_n(&raw_tid, __ATOMIC_ACQUIRE) != 0)
        sched_yield();
}

static int c11_run(void *unused)
{
    (void)unused;
    blocks_use(700);
    return 5;
}

static void timer_notify(union sigval value)
{
    blocks_use((size_t)value.sival_int);
    sem_post(&timer_done);
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    for (int i = 0; i < 20; i++) {
        raw_thread();
        blocks_use(100);
    }
    thrd_t thread;
    int result = 0;
    EXPECT(thrd_create(&thread, c11_run, NULL) == thrd_success);
    EXPECT(thrd_join(thread, &result) == thrd_success && result == 5);
    sem_init(&timer_done, 0, 0);
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 900};
    event.sigev_notify_function = timer_notify;
    timer_t timer;
    EXPECT(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    struct itimerspec once = {{0, 0}, {0, 1000000}};
    EXPECT(timer_settime(timer, 0, &once, NULL) == 0);
    sem_wait(&timer_done);
    timer_delete(timer);
    blocks_use(100);
    say("raw threads: done\n");
    _exit(0);
}
