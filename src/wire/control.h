/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version 1 of what is said over the control socket of a session.
 *
 * The socket is a SOCK_SEQPACKET one: a request is one message, its reply is one message. Its path
 * is $XDG_RUNTIME_DIR/memscope/<session>, else memscope/sessions/<session> in the user's state
 * directory, and stands in the segment (wire_segment.control) for the session's own processes. The
 * collector serves root and the user whom it runs as; it checks them by SO_PEERCRED.
 *
 * A request is struct control_request and text_bytes of text behind it. A connection may carry any
 * number of requests, one at a time. A reply is struct control_reply and body_bytes behind it:
 *
 *     error != 0    a sentence for people, without newline
 *     otherwise     what the request's comment below says
 *
 * What does not fit into a message comes as a descriptor (SCM_RIGHTS), of a memfd sealed against
 * every change: reply.fd_bytes is then its size, and exactly one descriptor is attached.
 *
 * Everything that arrives is checked before it is used; a client that breaks the rules, or does not
 * take its replies, is cut off. Kinds are never given a new meaning; a collector that does not know
 * one answers CONTROL_E_UNKNOWN. Integers are in the machine's order, structs have no hidden
 * padding.
 */
#ifndef MEMSCOPE_WIRE_CONTROL_H
#define MEMSCOPE_WIRE_CONTROL_H

#include <stdint.h>

#define CONTROL_MAGIC UINT32_C(0x6c74436d) /* "mCtl" */

enum {
    CONTROL_VERSION = 1,
    CONTROL_TEXT_MAX = 4096,   /* of a request */
    CONTROL_BODY_MAX = 60000,  /* of a reply */
    CONTROL_NAME_MAX = 64,     /* a session's name, with its 0 */
    CONTROL_PROGRAM_MAX = 256, /* a program's name, with its 0 */
};

enum control_kind {
    /* The session: body struct control_status. request.pid != 0: only if that process is recorded,
       else CONTROL_E_PROCESS; the heap's figures are then that process's own. */
    CONTROL_STATUS = 1,
    /* The processes that live: body an array of struct control_process, as many as fit;
       reply.value: how many there are. */
    CONTROL_PROCESSES = 2,
    /* A complete recording of what has happened until now, as a descriptor. request.stamp != 0: all
       events stamped before it are in; value: CONTROL_PARTIAL when that took too long. */
    CONTROL_SNAPSHOT = 3,
    /* As CONTROL_SNAPSHOT, but only the request.value sites (at most CONTROL_TOP_MAX) that hold
       most: small and quick, for a view that is redrawn. */
    CONTROL_TOP = 4,
    /* Waits until all events stamped before request.stamp (0: committed before this request) are in
       the model: body struct control_status, value as for CONTROL_SNAPSHOT. pid as there. */
    CONTROL_COLLECT = 5,
    /* Allocations are no longer recorded; frees of known blocks still are. */
    CONTROL_PAUSE = 6,
    CONTROL_RESUME = 7,
    /* The recording ends and is completed; the programs run on. Body: the recording's path. */
    CONTROL_STOP = 8,
    /* A mark named by the text, now. */
    CONTROL_MARK = 9,
    /* The wanted sampling rate: request.value = rate * CONTROL_RATE_ONE, 1 … CONTROL_RATE_ONE. */
    CONTROL_RATE = 10,
    /* An export of what has happened until now, as a descriptor. Text: the format's name; stamp and
       reply.value as for CONTROL_SNAPSHOT. */
    CONTROL_EXPORT = 11,
};

enum { CONTROL_TOP_MAX = 1000, CONTROL_PARTIAL = 1 };

#define CONTROL_RATE_ONE (UINT64_C(1) << 32)

enum control_error {
    CONTROL_OK = 0,
    CONTROL_E_VERSION = 1, /* the collector is of another version */
    CONTROL_E_UNKNOWN = 2, /* it does not know this kind of request */
    CONTROL_E_BAD = 3,     /* the request is malformed, or a value is out of range */
    CONTROL_E_DENIED = 4,  /* the session is another user's */
    CONTROL_E_PROCESS = 5, /* no such process in this session */
    CONTROL_E_ENDED = 6,   /* the session has ended */
    CONTROL_E_BUSY = 7,    /* too many clients or requests: try again */
    CONTROL_E_FAILED = 8,  /* it could not be done: no memory, no descriptor, ... */
    CONTROL_E_UNABLE = 9,  /* not in this session */
};

struct control_request {
    uint32_t magic;
    uint16_t version;
    uint16_t kind;
    uint32_t pid;        /* as the collector's pid namespace knows it; 0 = the whole session */
    uint32_t text_bytes; /* behind this */
    uint64_t stamp;      /* ticks since the session began; 0 = none */
    uint64_t value;
};

struct control_reply {
    uint32_t magic;
    uint16_t version;
    uint16_t kind;  /* of the request */
    uint32_t error; /* enum control_error */
    uint32_t body_bytes;
    uint64_t value;
    uint64_t fd_bytes; /* != 0: a descriptor is attached */
};

enum control_state { CONTROL_RECORDING = 1, CONTROL_PAUSED = 2, CONTROL_OFF = 3 };

/* All figures are as of now, of the session or of one process. */
struct control_status {
    char session[CONTROL_NAME_MAX];
    char program[CONTROL_PROGRAM_MAX]; /* the command's first word; any bytes, 0 at the end */
    uint32_t state;                    /* enum control_state */
    uint32_t root_pid, collector_pid;
    uint32_t process_n; /* that live */
    uint64_t start_unix_ns;
    uint64_t now_ns; /* since the session began; figures are of the events until then */
    uint64_t stamp;  /* all events stamped before it are in the figures */
    uint64_t event_n;
    uint64_t alloc_n, alloc_bytes, free_n, free_bytes;
    uint64_t live_n, live_bytes;
    uint64_t peak_n, peak_bytes, peak_at_ns;
    uint64_t realloc_n, temporary_n, unknown_free_n;
    uint64_t lost_n; /* events */
    uint64_t rss_bytes;
    uint64_t thread_n; /* that live */
    uint64_t task_n;
    uint64_t rate; /* of sampling, as in CONTROL_RATE: CONTROL_RATE_ONE = every event */
};

struct control_process {
    uint32_t pid, parent_pid; /* parent: 0 = not recorded */
    uint64_t start_ns;        /* since the session began */
    uint64_t live_n, live_bytes, peak_bytes;
    uint64_t alloc_n, free_n;
    uint64_t rss_bytes;
    char program[CONTROL_PROGRAM_MAX]; /* base name of the executable */
};

_Static_assert(sizeof(struct control_request) == 32, "no hidden padding");
_Static_assert(sizeof(struct control_reply) == 32, "no hidden padding");

#endif
