/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to what clients of the control socket ask, given by the model thread between two feeds.
 */
#ifndef MEMSCOPE_COLLECT_SERVE_H
#define MEMSCOPE_COLLECT_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/control.h"
#include "collect/drain.h"
#include "collect/images.h"
#include "collect/order.h"
#include "collect/symbols.h"
#include "collect/tally.h"
#include "launch/request.h"

struct governor;

enum { SERVE_JOBS_MAX = 32 };

/* A job that waits until events up to a stamp are in the model. */
struct serve_job {
    struct control_job job;
    uint64_t stamp;
    uint64_t flush;    /* of the drain, asked for with it */
    uint64_t deadline; /* ticks of the session; then the answer is partial */
};

/* What is served from; all of it is the model thread's. */
struct serve_session {
    const struct run_request *request;
    struct segment *segment;
    struct model *model;
    struct images *images;
    struct order *order;
    struct symbols *symbols;
    struct governor *governor;
    struct drain *drain;
    const struct tally *tally;
    const struct ticks *ticks;
    uint32_t root_pid;
};

struct serve {
    struct serve_session session;
    struct control *control; /* NULL: no socket, nothing is served */
    struct serve_job *waiting[SERVE_JOBS_MAX];
    uint64_t fed;                     /* every event stamped before it is in the model */
    uint64_t paused_ns, paused_at_ns; /* in all before; since when, 0: it is not */
    bool stop;                        /* somebody asked for the end of the recording */
};

/*
 * Opens the socket; its path goes into the segment. A failure leaves a serve that does nothing, and
 * the reason in the diag.
 */
int serve_init(struct serve *ret_serve, const struct serve_session *session, int event_fd,
               struct diag *diag);

/*
 * Takes what was asked and answers what can be answered. fed: the watermark that was fed up to;
 * flushed: the highest flush of the drain that was.
 */
void serve_step(struct serve *serve, uint64_t fed, uint64_t flushed);

/* Notes in the model what clients did to the session: before each checkpoint. */
void serve_note(const struct serve *serve);

/* Tells everybody that the session is over, those who stopped it where the recording lies. */
void serve_done(struct serve *serve, const char *recording_path);

#endif
