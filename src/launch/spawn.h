/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the target: its environment, its first moment, the signals on its way. */
#ifndef MEMSCOPE_LAUNCH_SPAWN_H
#define MEMSCOPE_LAUNCH_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"

/* A child that waits, just before its exec, for spawn_go. */
struct spawn {
    pid_t pid;
    int go_fd;    /* a byte lets it go, closing it ends it */
    int error_fd; /* the errno of a failed exec; end of file = exec succeeded */
};

/* Signals that are sent to us go on to the child from here on, until spawn_wait returns. */
void spawn_forward_signals(const struct spawn *spawn);

/*
 * The environment with our two variables in it: LD_PRELOAD begins with library, MEMSCOPE_DOOR is
 * door. Malloc'd, with spawn_environment_free.
 */
char **spawn_environment(const char *library, const char *door);
void spawn_environment_free(char **environment);

enum spawn_place {
    SPAWN_HERE,  /* as a shell would start it here */
    SPAWN_APART, /* in a process group of its own, reads nothing and writes nowhere; no script by
                    guess */
};

/* Forks the child. envp NULL: the environment as it is. */
int spawn_prepare(enum spawn_place place, const char *path, char *const *argv, char *const *envp,
                  struct spawn *ret_spawn, struct diag *diag);

/*
 * Executes the program in this process, as a shell does: a file without a known format is a script.
 * Returns only on failure, with errno set.
 */
void spawn_execute(const char *path, char *const *argv, char *const *envp);

/* Lets it exec. Returns 0, or the errno of the exec that failed (the child is reaped then). */
int spawn_go(struct spawn *spawn);

/* Ends and reaps a child that was never let go. */
void spawn_cancel(struct spawn *spawn);

/* What the kernel says of a child that has ended; zeroes: it does not. */
struct spawn_usage {
    uint64_t cpu_ns;            /* processor time that it used itself */
    uint64_t fault_n, switch_n; /* page faults, context switches; also of those it waited for */
};

/*
 * Waits for the child's end, passing on the signals that are sent to us and leaving the
 * terminal's to it. Returns the status of wait(2).
 */
int spawn_wait(const struct spawn *spawn, struct spawn_usage *ret_usage);

#endif
