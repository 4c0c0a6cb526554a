/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of program this process is: the part of the public C API that detects it. See
 * memscope.h. */
#ifndef MEMSCOPE_ENVIRONMENT_H
#define MEMSCOPE_ENVIRONMENT_H

#include "memscope/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The program's environment; see memscope_detect_environment. Storage of the caller's. */
struct memscope_environment {
    int kind;                 /* an enum memscope_environment_kind */
    char runtime[32];         /* "tokio", "libuv", ...; "" = none */
    char runtime_version[32]; /* "" = unknown */
};

/** How detection goes about it. */
struct memscope_detection_config {
    int deep_analysis;           /* 1 = look into symbols and constants too, not only at what the
                                    loader sees and at the threads that run */
    double confidence_threshold; /* 0.0 to 1.0: below it HYBRID is recommended */
    uint64_t timeout_ms;         /* past it, what was found so far is judged; at least 1 */
};

/** Initializer with the defaults: deep, 0.8, 5000 ms. */
/* clang-format off */
#define MEMSCOPE_DETECTION_CONFIG_INIT { 1, 0.8, 5000 }
/* clang-format on */

/** One thing that speaks for an environment. */
struct memscope_evidence {
    char text[160]; /* a sentence without full stop */
    double weight;  /* 0.0 to 1.0: how far it alone carries */
    int kind;       /* what it speaks for: SINGLE_THREADED, MULTI_THREADED or ASYNC_RUNTIME */
    int is_running; /* 1 = seen running, 0 = merely linked */
};

enum { MEMSCOPE_EVIDENCE_MAX = 16 };

/** What detection found. Storage of the caller's. */
struct memscope_detection {
    struct memscope_environment environment;
    double confidence;        /* that the environment is the true one */
    double alternatives[4];   /* probability of each enum memscope_environment_kind; sum 1.0 */
    int recommended_strategy; /* an enum memscope_strategy, never AUTO */
    int is_complete;          /* 0 = the time ran out */
    uint32_t evidence_n;
    struct memscope_evidence evidence[MEMSCOPE_EVIDENCE_MAX];
};

/**
 * What kind of program this process is, with the default configuration.
 * Errors: MEMSCOPE_E_NO_COLLECTOR, MEMSCOPE_E_DENIED, MEMSCOPE_E_TIMEOUT, MEMSCOPE_E_MEMORY,
 * MEMSCOPE_E_IO (the `memscope` executable failed, or is of another version).
 */
MEMSCOPE_API int memscope_detect_environment(struct memscope_environment *ret_environment,
                                             struct memscope_error *ret_error);

/**
 * The same with everything that led to it. config: NULL = the defaults. Same errors, and
 * MEMSCOPE_E_INVALID: a value of config is out of its range.
 */
MEMSCOPE_API int memscope_detect_environment_detailed(
        const struct memscope_detection_config *config, struct memscope_detection *ret_detection,
        struct memscope_error *ret_error);

#ifdef __cplusplus
}
#endif

#endif
