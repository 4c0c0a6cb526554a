/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector: the process that owns the session's segment and its model.
 *
 * It talks with the launcher over a socket of whole messages (SOCK_SEQPACKET), outlives it when
 * recorded processes do, and ends when the last of them has and the recording is written.
 */
#ifndef MEMSCOPE_COLLECT_COLLECTOR_H
#define MEMSCOPE_COLLECT_COLLECTOR_H

#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "collect/segment.h"
#include "launch/request.h"

enum collector_message_kind {
    COLLECTOR_BEGIN,  /* launcher: the target's pid; answered by READY or FAILED */
    COLLECTOR_READY,  /* collector: the recording is open */
    COLLECTOR_FAILED, /* collector: text says why; it has ended */
    COLLECTOR_ENDED,  /* launcher: the command ended; end and status tell how */
    COLLECTOR_DONE,   /* collector: text is the recording's path, running_n still run */
    COLLECTOR_CANCEL, /* launcher: the command never started; leave nothing */
};

struct collector_message {
    enum collector_message_kind kind;
    int32_t pid;
    int32_t end; /* enum process_end */
    int32_t status;
    uint32_t running_n;
    uint32_t image_n; /* images that were recorded in all */
    uint32_t pad;
    char text[4096];
};

/*
 * Runs the collector to its end, in a process of its own; returns its exit status. reason: why the
 * strategy was chosen.
 */
int collector_main(struct segment *segment, int socket, const struct run_request *request,
                   const char *reason);

int collector_send(int socket, const struct collector_message *message);
/* 0; 1: the other side is gone. */
int collector_receive(int socket, struct collector_message *ret_message);

#endif
