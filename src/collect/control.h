/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector's end of the control socket: a thread that talks with clients, so that none of
 * them, however slow or hostile, holds up the drain or the model. The model thread takes requests
 * when it likes and answers them later, without touching a socket.
 */
#ifndef MEMSCOPE_COLLECT_CONTROL_H
#define MEMSCOPE_COLLECT_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "wire/control.h"

struct control;

/* A checked request that waits for its answer. */
struct control_job {
    uint64_t id;
    struct control_request request;
    char text[CONTROL_TEXT_MAX + 1]; /* request.text_bytes of it, and a 0 */
};

/*
 * Makes the socket of session `name` and starts the thread. event_fd: an eventfd of the caller's,
 * written to when a request waits. Returns 0, or a negative result: the session goes on without.
 */
int control_start(const char *name, int event_fd, struct control **ret_control, struct diag *diag);

/* The socket's path and the name that the session got in the end. */
const char *control_path(const struct control *control);
const char *control_name(const struct control *control);

/* The next request, for the model thread. False: none waits. */
bool control_take(struct control *control, struct control_job *ret_job);

/*
 * Answers a job. `reply` needs error, value and fd_bytes only; body_bytes <= CONTROL_BODY_MAX of
 * body are copied. Takes fd (-1: none), which is closed once it is sent or nobody wants it.
 */
void control_answer(struct control *control, const struct control_job *job,
                    const struct control_reply *reply, const void *body, size_t body_bytes, int fd);

/* Answers with an error and its sentence. */
void control_refuse(struct control *control, const struct control_job *job,
                    enum control_error error, const char *sentence);

/* Sends what is answered (for a moment at most), removes the socket, ends the thread. */
void control_free(struct control *control);

/*
 * True for a message of n bytes that is a well-formed request; *ret_error tells what is wrong else.
 */
bool control_request_check(const void *bytes, size_t n, enum control_error *ret_error);

#endif
