/* SPDX-License-Identifier: Apache-2.0 */
/* What every part of the public C API shares: errors, names of strategies and environments,
 * objects. */
#ifndef MEMSCOPE_STATUS_H
#define MEMSCOPE_STATUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MEMSCOPE_WEAK __attribute__((weak))
#ifdef MEMSCOPE_OPTIONAL
#define MEMSCOPE_API __attribute__((visibility("default"), weak))
#else
#define MEMSCOPE_API __attribute__((visibility("default")))
#endif
#else
#define MEMSCOPE_API
#define MEMSCOPE_WEAK
#endif

/** What functions return: 0 or one of these, all negative. The numbers never change. */
enum memscope_status {
    MEMSCOPE_OK = 0,
    MEMSCOPE_E_INVALID = -1,        /* an argument is out of its range; the text names it */
    MEMSCOPE_E_NOT_HOOKED = -2,     /* the program's allocations do not pass through the library */
    MEMSCOPE_E_BUSY = -3,           /* a recording with another strategy or rate is under way */
    MEMSCOPE_E_NO_COLLECTOR = -4,   /* the `memscope` executable is missing or does not start */
    MEMSCOPE_E_DENIED = -5,         /* the system refuses it: seccomp, permissions, limits */
    MEMSCOPE_E_COLLECTOR_LOST = -6, /* the collector was killed: what it had is lost */
    MEMSCOPE_E_TIMEOUT = -7,        /* no answer in time */
    MEMSCOPE_E_MEMORY = -8,         /* no memory */
    MEMSCOPE_E_IO = -9,             /* a file cannot be written or read, or `memscope` failed */
    MEMSCOPE_E_ENDED = -10,         /* the session has ended, or was inherited through fork */
    MEMSCOPE_E_NOT_TRACKING = -11,  /* nothing is recorded: start_tracking comes first */
    MEMSCOPE_E_FORMAT = -12,        /* no such export format */
    MEMSCOPE_E_NOT_FOUND = -13,     /* no entry with that name or number */
    MEMSCOPE_E_LIMIT = -14,         /* a table of fixed size is full */
    MEMSCOPE_E_ABSENT = -15,        /* <memscope/optional.h>: the library is not in this process */
    MEMSCOPE_E_UNSUPPORTED = -16    /* this build, or a collector of another version, cannot */
};

/** What went wrong, for people. Filled by a function that fails; storage of the caller's. */
struct memscope_error {
    int code;       /* the negative enum memscope_status that the function returned */
    char text[252]; /* one sentence without newline, always terminated */
};

/** How allocations are recorded. */
enum memscope_strategy {
    MEMSCOPE_STRATEGY_AUTO = 0,          /* none forced: chosen from what the program is */
    MEMSCOPE_STRATEGY_SINGLE_THREAD = 1, /* cheapest while there is one thread */
    MEMSCOPE_STRATEGY_THREAD_LOCAL = 2,  /* each thread has a lane of its own */
    MEMSCOPE_STRATEGY_ASYNC = 3,  /* "AsyncOptimized": as thread-local, and tells tasks apart */
    MEMSCOPE_STRATEGY_HYBRID = 4, /* starts as the first and becomes what is needed */
    MEMSCOPE_STRATEGY_LEGACY = 5  /* one common lane in one order: the reference */
};

/** What kind of program it is. */
enum memscope_environment_kind {
    MEMSCOPE_SINGLE_THREADED = 0,
    MEMSCOPE_MULTI_THREADED = 1,
    MEMSCOPE_ASYNC_RUNTIME = 2,
    MEMSCOPE_HYBRID = 3,           /* an async runtime and threads of its own */
    MEMSCOPE_ENVIRONMENT_KINDS = 4 /* how many there are */
};

/** How a session stands. */
enum memscope_session_state {
    MEMSCOPE_SESSION_ACTIVE = 0,
    MEMSCOPE_SESSION_ENDED = 1,
    MEMSCOPE_SESSION_FORKED = 2, /* it is the parent's; here it has ended */
    MEMSCOPE_SESSION_LOST = 3    /* its collector is gone */
};

typedef struct memscope_backend memscope_backend;
typedef struct memscope_session memscope_session;
typedef struct memscope_analysis memscope_analysis;
typedef struct memscope_buffer memscope_buffer;
typedef struct memscope_factory memscope_factory;
typedef struct memscope_tracker memscope_tracker;

#ifdef __cplusplus
}
#endif

#endif
