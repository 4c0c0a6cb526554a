/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kind of program it is: single-threaded, multi-threaded, async with which runtime, or both.
 *
 * Static evidence comes from the program's file, evidence of a running process from /proc. "Linked"
 * and "seen running" are two things and stay apart. The confidence is a calibrated probability that
 * the environment named is the true one (tests/unit/launch/test_detect.c has the programs).
 */
#ifndef MEMSCOPE_LAUNCH_DETECT_H
#define MEMSCOPE_LAUNCH_DETECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "launch/request.h"

enum detect_environment {
    DETECT_SINGLE_THREADED,
    DETECT_MULTI_THREADED,
    DETECT_ASYNC,
    DETECT_HYBRID, /* an async runtime and threads */
    DETECT_ENVIRONMENTS,
};

enum { DETECT_EVIDENCE_MAX = 16, DETECT_TEXT_BYTES = 160, DETECT_NAME_BYTES = 32 };

/* Zeroed = the defaults. */
struct detect_options {
    bool shallow;                /* look at what the loader sees, not at symbols and constants */
    double confidence_threshold; /* below it hybrid is recommended; 0: 0.8 */
    uint32_t timeout_ms;         /* 0: 5000; past it what was found so far is judged */
};

struct detect_evidence {
    char text[DETECT_TEXT_BYTES]; /* a sentence without full stop */
    double weight;                /* 0..1: how far it alone carries what it speaks for */
    bool for_async, for_threads;  /* neither: it speaks for a single thread */
    bool seen_running;            /* else linked */
};

struct detect {
    enum detect_environment environment;
    double confidence;                        /* 0..1 */
    double alternatives[DETECT_ENVIRONMENTS]; /* probability of each; they add up to 1 */
    char runtime[DETECT_NAME_BYTES];          /* "tokio", "libuv", ...; "" = none */
    char version[DETECT_NAME_BYTES];          /* "" = not known */
    struct detect_evidence evidence[DETECT_EVIDENCE_MAX];
    uint32_t evidence_n;
    enum run_strategy recommended; /* never RUN_STRATEGY_AUTO */
    bool boundary_missing;         /* a runtime whose tasks are tracked, but not in this program */
    bool coroutines;               /* C++20's, by their symbols */
    bool coroutines_hidden;        /* C++ without the symbols that would tell, and no runtime */
    bool complete;                 /* false: the time ran out */
};

/* The program at path; of a script its interpreter. ERR_MISSING, ERR_FORMAT: no program. */
int detect_program(const char *path, const struct detect_options *options,
                   struct detect *ret_detect, struct diag *diag);

/* A running process: its file, and what it does. */
int detect_process(pid_t pid, const struct detect_options *options, struct detect *ret_detect,
                   struct diag *diag);

/* What was seen of a program while it ran. */
struct detect_seen {
    uint32_t look_n;     /* 0: nothing was seen */
    uint32_t thread_n;   /* most at one time */
    bool waits_in_epoll; /* an event loop */
    bool to_its_end;     /* it was watched from its start until it ended */
};

/* Looks at a process once more. */
void detect_look(pid_t pid, struct detect_seen *seen);

/* As detect_program, with what was seen. */
int detect_program_seen(const char *path, const struct detect_options *options,
                        const struct detect_seen *seen, struct detect *ret_detect,
                        struct diag *diag);

/*
 * Runs the program for at most the options' time, without its input and output, then ends it and
 * the processes of its group. ERR_MISSING, ERR_FORMAT: no program; ERR_IO: it does not start.
 */
int detect_run(char *const *argv, const struct detect_options *options, struct detect *ret_detect,
               struct diag *diag);

/* "single-threaded", "multi-threaded", "async", "hybrid". */
const char *detect_environment_name(enum detect_environment environment);

/* As the command line spells strategies. */
const char *detect_strategy_name(enum run_strategy strategy);

#endif
