/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session behind a model, in the words that every output shares.
 *
 * Facts that the collector stores under these keys are shown where they exist: command, program,
 * mode (auto, unified, legacy), strategy (as in "strategy_used"), strategy_auto (1: chosen by
 * looking at the program), reason (why, a sentence), runtime (async runtimes found), sample_weight
 * (of every event: 1 = exact), sample_rate, budget_bytes, overhead_bytes (held in the program),
 * recorder_peak_bytes, recorder_cpu_us, overhead_cpu_percent, track_async, detailed, host, kernel,
 * arch, cpus, cwd, version.
 */
#ifndef MEMSCOPE_ANALYZE_SESSION_H
#define MEMSCOPE_ANALYZE_SESSION_H

#include "base/text.h"
#include "heap/model.h"

struct session {
    char id[40]; /* "session_<start in ms since 1970>" */
    uint64_t duration_ms;
    const char *strategy; /* SingleThread, ThreadLocal, AsyncOptimized, Hybrid or Legacy */
    const char *command;  /* of the root process */
    const struct model_process *root; /* its first image; NULL: nothing was recorded */
    const struct model_process *last; /* the root's pid's last image: how it ended */
    bool is_sampled;
};

struct session session_of(const struct model *model);

/* A command line from its program's name on, without the folders before it. */
const char *session_brief(const char *command);

/* Appends how the program ended: "exit 0", "killed by signal 9 (SIGKILL)", "still running". */
void session_add_end(struct text *text, const struct session *session);

/* Appends a time for people: "412 ms", "12.40 s", "3 min 20 s", "5 h 2 min". */
void session_add_time(struct text *text, uint64_t ns);

/* A fact as a number, or `fallback` when it is not there. */
uint64_t session_fact_u64(const struct model *model, const char *key, uint64_t fallback);
double session_fact_double(const struct model *model, const char *key, double fallback);

#endif
