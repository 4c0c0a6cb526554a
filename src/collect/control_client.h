/* SPDX-License-Identifier: Apache-2.0 */
/* The asking end of the control socket: finding sessions, and one question at a time. */
#ifndef MEMSCOPE_COLLECT_CONTROL_CLIENT_H
#define MEMSCOPE_COLLECT_CONTROL_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "wire/control.h"

enum { CONTROL_SESSIONS_MAX = 4096 };

/* What a question brought. control_result_done() frees it. */
struct control_result {
    struct control_reply reply;
    char *body; /* body_bytes, and a 0 */
    int fd;     /* -1: none came */
};

/* A session that answers. */
struct control_session {
    int fd; /* connected */
    struct control_status status;
};

struct control_sessions {
    struct control_session *at;
    size_t n;
    size_t denied_n; /* sessions that are others' */
};

/*
 * Connects to every session that we may ask. Sockets of collectors that are dead are removed.
 * ERR_MEMORY or 0; none found is not a failure.
 */
int control_sessions_find(struct control_sessions *ret_sessions, struct diag *diag);
void control_sessions_done(struct control_sessions *sessions);

/*
 * Connects to the session of a word: its name, or the number of a process that it records (or of
 * its collector). ERR_MISSING, ERR_DENIED and other failures come with the sentence.
 */
int control_session_open(const char *word, struct control_session *ret_session, struct diag *diag);
void control_session_done(struct control_session *session);

/*
 * Asks, and waits for at most timeout_s. `request` needs kind, pid, stamp and value; text may be
 * NULL. A refusal is a failure with the collector's sentence.
 */
int control_ask(const struct control_session *session, const struct control_request *request,
                const char *text, unsigned timeout_s, struct control_result *ret_result,
                struct diag *diag);
void control_result_done(struct control_result *result);

#endif
