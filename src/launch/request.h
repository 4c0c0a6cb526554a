/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user's command line asks of the launcher, and what came of it.
 *
 * The command line (src/cli/) fills a request, run_program() runs the program and leaves a finished
 * recording, and the command line turns that recording into summaries and exports. Everything in a
 * request stays owned by the caller and must live until run_program() returns.
 */
#ifndef MEMSCOPE_LAUNCH_REQUEST_H
#define MEMSCOPE_LAUNCH_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "base/vec.h"

enum run_mode { RUN_MODE_AUTO, RUN_MODE_UNIFIED, RUN_MODE_LEGACY };

enum run_strategy {
    RUN_STRATEGY_AUTO,
    RUN_STRATEGY_SINGLE_THREAD,
    RUN_STRATEGY_THREAD_LOCAL,
    RUN_STRATEGY_ASYNC,
    RUN_STRATEGY_HYBRID,
};

enum run_log_level { RUN_LOG_ERROR, RUN_LOG_WARN, RUN_LOG_INFO, RUN_LOG_DEBUG, RUN_LOG_TRACE };

/* Patterns of program names (fnmatch), in the order of the command line. */
struct run_patterns {
    const char *const *at;
    size_t n;
};

struct run_request {
    /* The program and its arguments, NULL-terminated, at least one. argv[0] is searched in PATH. */
    char *const *argv;

    enum run_mode mode;
    enum run_strategy strategy; /* AUTO unless the user forces one; AUTO under RUN_MODE_LEGACY */

    double sample_rate;             /* 0 … 1; 1 = every event */
    uint64_t max_overhead_bytes;    /* 0 = the default: min(64 MiB, 5 % of the limits) */
    double max_overhead_percent;    /* 0 = none asked for */
    uint64_t recorder_memory_bytes; /* 0 = unbounded */

    bool track_async;
    bool detailed;               /* keep every event */
    bool performance_monitoring; /* measure our own cost more closely */

    bool follow; /* record the children too */
    bool wait;   /* return when the last recorded process ends, not when the command ends */
    struct run_patterns include, exclude;

    /*
     * Where the recording goes. A path that the user gave is replaced by rename when the recording
     * is whole. NULL: a new file "memscope-<program>-<pid>.mscope" made in recording_folder with
     * file_create_new(), never replacing anything.
     */
    const char *recording_path;
    const char *recording_folder; /* never NULL, writable */
    const char *program;          /* for names: base name of argv[0], safe in a file name */

    bool redact_args; /* keep only argv[0] of each command line in the recording */
    bool quiet;       /* no line at the start, no warnings but errors */
    enum run_log_level log_level;

    /*
     * Called once, when the program runs and its strategy is known: the one line that says so.
     * Not called with `quiet`. `sentence` has no newline.
     */
    void (*on_start)(void *context, const char *sentence);
    void *on_start_context;

    /* Called once, just before the program's first instruction, with its pid. NULL: not wanted. */
    void (*on_running)(void *context, pid_t pid);
    void *on_running_context;

    /*
     * The launcher itself becomes the program (run_become): nobody is left to make what was asked
     * for, so the collector calls this when the recording is complete. report_fd is the program's
     * standard error, or -1 when that may be gone. NULL: nothing is to be done.
     */
    void (*on_done)(void *context, const char *recording_path, pid_t pid, int report_fd);
    void *on_done_context;
};

enum launch_end {
    LAUNCH_EXITED,         /* status: exit status */
    LAUNCH_SIGNALED,       /* status: signal number */
    LAUNCH_NOT_FOUND,      /* no such program: exit 127; the diag says which, and what is near */
    LAUNCH_NOT_EXECUTABLE, /* exit 126 */
};

/* How the program and the recording ended. launch_result_done() frees it. */
struct launch_result {
    enum launch_end end;
    int status;
    pid_t pid;
    char *recording_path; /* malloc'd; NULL: ran bare or nothing was recorded, a warning says why */
    VEC(char *) warnings; /* malloc'd sentences without newline, in order */
    uint32_t running_n;   /* recorded processes that still run: the recording is not complete yet */
};

enum { LAUNCH_WARNINGS_MAX = 64 };

void launch_result_done(struct launch_result *result);

#endif
