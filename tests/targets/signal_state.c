/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 44, 45: dispositions, masks, alternate stack, timers, children, threads and process
 * attributes are as the program left them or found them, before and after busy heap use.
 */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "ground.h"

static void say_signals(const char *moment)
{
    say("-- %s\n", moment);
    for (int number = 1; number < 65; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
            say("signal %d: %s\n", number, action.sa_handler == SIG_IGN ? "ignored" : "handled");
    }
    sigset_t mask, pending;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    sigpending(&pending);
    for (int number = 1; number < 65; number++)
        if (sigismember(&mask, number) || sigismember(&pending, number))
            say("signal %d: blocked %d pending %d\n", number, sigismember(&mask, number),
                sigismember(&pending, number));
}

static void say_rest(void)
{
    stack_t stack;
    sigaltstack(NULL, &stack);
    say("alternate stack: flags %d size %zu\n", stack.ss_flags, stack.ss_size);
    for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++) {
        struct itimerval timer;
        getitimer(which, &timer);
        say("timer %d: %s\n", which,
            timer.it_value.tv_sec || timer.it_value.tv_usec ? "on" : "off");
    }
    errno = 0;
    say("waitpid: %d errno %d\n", (int)waitpid(-1, NULL, WNOHANG | __WALL), errno);
    DIR *tasks = opendir("/proc/self/task");
    int n = 0;
    while (tasks && readdir(tasks))
        n++;
    if (tasks)
        closedir(tasks);
    char name[17] = "";
    prctl(PR_GET_NAME, name);
    say("threads: %d, name %s, dumpable %d, no_new_privs %d, subreaper ", n - 2, name,
        prctl(PR_GET_DUMPABLE), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    int subreaper = -1, death_signal = -1;
    prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
    prctl(PR_GET_PDEATHSIG, &death_signal);
    say("%d, death signal %d, slack %d\n", subreaper, death_signal, prctl(PR_GET_TIMERSLACK));
    say("personality %x, scheduler %d, nice %d, umask %o\n", (unsigned)personality(0xffffffff),
        sched_getscheduler(0), getpriority(PRIO_PROCESS, 0), (unsigned)umask(022));
    for (int which = 0; which < RLIMIT_NLIMITS; which++) {
        struct rlimit limit;
        if (getrlimit((__rlimit_resource_t)which, &limit) == 0)
            say("limit %d: %lld %lld\n", which, (long long)limit.rlim_cur,
                (long long)limit.rlim_max);
    }
}

int main(void)
{
    say_signals("start");
    say_rest();
    for (size_t i = 0; i < 200000; i++)
        free(ground_keep(malloc(i % 999)));
    say_signals("after 200000 blocks");
    say_rest();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGSEGV, SIG_IGN);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    raise(SIGUSR1);
    struct itimerval later = {{0, 0}, {100, 0}};
    setitimer(ITIMER_VIRTUAL, &later, NULL);
    for (size_t i = 0; i < 200000; i++)
        free(ground_keep(calloc(i % 99, 3)));
    say_signals("end");
    say_rest();
    return 0;
}
