/* SPDX-License-Identifier: Apache-2.0 */
/* The program's end of the session's control socket: one connection for each question. */
#ifndef MEMSCOPE_API_CLIENT_H
#define MEMSCOPE_API_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "memscope/status.h"
#include "wire/control.h"
#include "wire/segment.h"

struct client_question {
    enum control_kind kind;
    uint64_t stamp, value;
    uint32_t pid;
};

struct client_reply {
    uint64_t value;
    struct control_status status; /* what the body held of it */
    long fd;                      /* -1: none came; else the caller's */
};

/* Asks the collector of the segment; waits for at most some seconds. */
int client_ask(const struct wire_segment *segment, const struct client_question *question,
               struct client_reply *ret_reply, struct memscope_error *error);

#endif
