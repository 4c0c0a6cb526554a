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

struct images;

enum collector_message_kind {
    COLLECTOR_HELLO,  /* collector, first of all: pid is its own as /proc shows it */
    COLLECTOR_BEGIN,  /* launcher: the target's pid; answered by READY or FAILED */
    COLLECTOR_BECOME, /* the same, but the launcher itself becomes the target: nothing follows */
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
    uint64_t rss_peak_bytes; /* of the command, where wait(2) tells it; 0: it does not */
    uint64_t program_cpu_ns, launcher_cpu_ns;   /* of ENDED; BEGIN has the launcher's so far */
    uint64_t program_fault_n, program_switch_n; /* of ENDED, with those that it waited for */
    uint32_t running_n;
    uint32_t image_n;      /* images that were recorded in all */
    uint32_t passed_n;     /* images that were passed over */
    char passed[256];      /* what they are called */
    uint32_t unrecorded_n; /* images that could not be recorded */
    char unrecorded[512];  /* what they are called, and why */
    char text[4096];
};

/* What a collector is begun with. */
struct collector_start {
    struct segment *segment;
    int socket; /* to the launcher, or to the process that asked for a collector */
    const struct run_request *request;
    const char *reason;   /* why the strategy was chosen */
    const char *evidence; /* what detection saw: WEIGHT FOR TEXT | ...; "" = it did not look */
    pid_t asker;          /* the process that asked (wire/begin.h); 0: there is a launcher */
    int report_fd;        /* for what request->on_done prints; -1: nowhere */
};

/* Puts into a message how many images there were, and which were not recorded. */
void collector_tell_images(struct collector_message *message, const struct images *images);

/* Runs the collector to its end, in a process of its own; returns its exit status. */
int collector_main(const struct collector_start *start);

/* To the launcher: whether its program may go. */
void collector_tell_ready(int socket, int err, const struct diag *diag);

/* To the process that asked for a collector: how it gets in, or why not (err < 0: the diag). */
void collector_tell_door(int socket, const struct segment *segment, int err,
                         const struct diag *diag);

/* Our own pid as /proc shows it: that of the namespace it was mounted in. */
pid_t collector_proc_pid(void);

int collector_send(int socket, const struct collector_message *message);
/* 0; 1: the other side is gone. */
int collector_receive(int socket, struct collector_message *ret_message);

#endif
