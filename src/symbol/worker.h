/* SPDX-License-Identifier: Apache-2.0 */
/* The processes behind the client: the keeper that forks, and the helper that reads. */
#ifndef MEMSCOPE_SYMBOL_WORKER_H
#define MEMSCOPE_SYMBOL_WORKER_H

#include <sys/types.h>

#include "symbol/client.h"

/* What both need; strings live in the forked memory. */
struct worker_setup {
    struct symbol_options options;
    struct symbol_limits limits;
};

/*
 * Forks the keeper; *ret_socket is the client's end. The keeper ends when that end is closed.
 */
int keeper_start(const struct worker_setup *setup, pid_t *ret_pid, int *ret_socket,
                 struct diag *diag);

/* The helper's life, in a process of its own: limits itself and answers until `socket` ends. */
_Noreturn void worker_run(const struct worker_setup *setup, int socket, bool idle);

#endif
