/* SPDX-License-Identifier: Apache-2.0 */
/* A backend and its sessions from inside: a list that the backend's lock guards. */
#ifndef MEMSCOPE_API_SESSION_H
#define MEMSCOPE_API_SESSION_H

#include "api/analysis.h"
#include "api/backend.h"
#include "api/lock.h"
#include "api/recorder.h"

/* Where a window begins. */
struct session_begin {
    struct control_status status;
    char id[ANALYSIS_ID_BYTES];
    uint64_t at_ns;   /* of the monotonic clock */
    uint64_t init_ns; /* that starting took */
    int strategy;
};

struct memscope_session {
    memscope_backend *backend; /* shared: freed with the last that names it */
    memscope_session *next;    /* of the backend's */
    struct session_begin begin;
    struct recorder_hold hold; /* none: it has ended */
    uint64_t end_ns;
    bool lost;
};

struct memscope_backend {
    struct lock lock;
    uint32_t reference_n; /* the backend's owner and each session */
    struct backend_plan plan;
    memscope_session *sessions;
    struct session_begin first; /* of its first session, at_ns 0: there was none */
};

/* Drops a reference; the last one frees. */
void backend_release(memscope_backend *backend);

/* Ends an active session. With the backend's lock. */
void session_stop(memscope_session *session);

/* Everything since the beginning. */
int session_analyse(const struct session_begin *begin, memscope_analysis **ret_analysis,
                    struct memscope_error *error);

#endif
