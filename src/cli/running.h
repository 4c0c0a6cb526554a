/* SPDX-License-Identifier: Apache-2.0 */
/* What is being recorded at this moment, as the collectors tell it. */
#ifndef MEMSCOPE_CLI_RUNNING_H
#define MEMSCOPE_CLI_RUNNING_H

#include <stddef.h>

#include "base/diag.h"
#include "collect/control_client.h"

/* A recorded process; points into the running's own memory. */
struct running_process {
    const struct control_process *process;
    const struct control_status *status; /* of its session */
    double rate;                         /* events a second, measured over a moment */
};

struct running {
    struct running_process *rows; /* oldest session first, in order of start within it */
    size_t n;
    struct running_session *sessions;
    size_t session_n;
};

/* Asks every session twice, a moment apart. 0 or ERR_MEMORY; sessions that vanish are left out. */
int running_look(struct running *ret_running, struct diag *diag);
void running_done(struct running *running);

/* "recording", "paused" or "off". */
const char *running_state_name(uint32_t state);

#endif
