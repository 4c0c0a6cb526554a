/* SPDX-License-Identifier: Apache-2.0 */
/* Strategies, built in and custom, and how they did: a part of the public C API. See memscope.h. */
#ifndef MEMSCOPE_STRATEGY_H
#define MEMSCOPE_STRATEGY_H

#include "memscope/analysis.h"
#include "memscope/environment.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Configuration of a backend: exactly these four fields. Copied by those who take it. */
struct memscope_backend_config {
    int auto_detect; /* 1 = choose the strategy by what the program is; 0 = only force_strategy */
    int force_strategy;          /* an enum memscope_strategy; AUTO: none is forced. Overrides
                                    auto_detect. AUTO with auto_detect 0 means THREAD_LOCAL */
    double sample_rate;          /* 0.0 < rate <= 1.0; 1.0 = every allocation, exactly */
    double max_overhead_percent; /* budget for memory and time in percent of the program's own,
                                    0.0 < P <= 100.0: above it the rate is lowered, which the
                                    results then say. 100.0: no limit but the memory cap */
};

/** Initializer with the defaults: detection on, nothing forced, rate 1.0, 5 percent. */
/* clang-format off */
#define MEMSCOPE_BACKEND_CONFIG_INIT { 1, 0, 1.0, 5.0 }
/* clang-format on */

/**
 * How a strategy has done: exactly these five fields. In what the factory gives a figure is
 * negative where no session has it; a program cannot measure satisfaction, for one.
 */
struct memscope_strategy_performance {
    double avg_overhead_percent; /* processor time added to the program's own */
    double avg_init_time_us;     /* microseconds until the first event could be recorded */
    double success_rate;         /* sessions that were recorded completely, 0.0 to 1.0 */
    double satisfaction_score;   /* 0.0 to 1.0 */
    uint64_t session_count;      /* sessions that the averages are of; at least 1 */
};

/** What a strategy is wanted for. Zeroed = no wishes. */
struct memscope_requirements {
    double max_overhead_percent; /* 0.0 = any */
    double min_success_rate;     /* 0.0 = any */
    uint32_t thread_n;           /* threads expected; 0 = unknown */
    int needs_tasks;             /* 1 = memory by async task is wanted */
    int needs_total_order;       /* 1 = one order of all events, at any cost (LEGACY) */
};

/** What was recommended. Storage of the caller's. */
struct memscope_recommendation {
    int strategy;   /* an enum memscope_strategy, never AUTO: the base of a custom one */
    char name[64];  /* of the strategy, custom or as memscope_strategy_name has it */
    double score;   /* 0.0 to 1.0 */
    char text[160]; /* why, one sentence without full stop */
};

/** What a custom strategy changes in its base. */
struct memscope_strategy_settings {
    double sample_rate;          /* 0.0 = as the configuration has it */
    double max_overhead_percent; /* 0.0 = as the configuration has it */
    int track_tasks;             /* 1 = tell tasks apart; 0 = as the base does */
};

/**
 * Chooses a strategy. Called by memscope_factory_backend in the thread that calls it, never from a
 * hook; it may do what it likes. detection: what the program is; context: as it was given. Returns
 * an enum memscope_strategy; AUTO, or a number that is none: as if there were no chooser.
 */
typedef int (*memscope_chooser)(const struct memscope_detection *detection, void *context);

enum { MEMSCOPE_STRATEGY_NAME_MAX = 63, MEMSCOPE_STRATEGIES_MAX = 64, MEMSCOPE_HISTORY_MAX = 1024 };

/**
 * Makes a factory that knows the built-in strategies. ret_factory: the caller's, for
 * memscope_factory_free. Errors: MEMSCOPE_E_MEMORY.
 */
MEMSCOPE_API int memscope_factory_new(memscope_factory **ret_factory,
                                      struct memscope_error *ret_error);

/** Frees a factory; backends made by it stay. */
MEMSCOPE_API void memscope_factory_free(memscope_factory *factory);

/**
 * Notes how a strategy did. name: a built-in, a custom one, or any other name of 1 to 63 bytes: it
 * is then kept for its history. Past MEMSCOPE_HISTORY_MAX the oldest entries go.
 * Errors: MEMSCOPE_E_INVALID, MEMSCOPE_E_LIMIT (more than MEMSCOPE_STRATEGIES_MAX names).
 */
MEMSCOPE_API int memscope_factory_record_performance(
        memscope_factory *factory, const char *name,
        const struct memscope_strategy_performance *performance);

/**
 * Notes a session by what was measured of it, as one session of a strategy. Collect the analysis at
 * the session's end (memscope_session_end), and note each session once. Overhead and initialisation
 * time are its measurement's; the session has succeeded when its record is complete; satisfaction
 * is not known. Nothing chooses a strategy by it but memscope_factory_recommend: `auto` does not.
 *
 * name: as in memscope_factory_record_performance, such as that of the custom strategy that the
 * backend was made with; NULL: the built-in strategy that was in force. analysis: stays the
 * caller's, nothing of it is kept; NULL, then with a name: a session that failed, of which only
 * that is known. From any thread.
 * Errors: MEMSCOPE_E_INVALID, MEMSCOPE_E_LIMIT (more than MEMSCOPE_STRATEGIES_MAX names).
 */
MEMSCOPE_API int memscope_factory_record_analysis(memscope_factory *factory, const char *name,
                                                  const memscope_analysis *analysis);

/**
 * What was measured in all sessions of a name that memscope_factory_record_analysis noted and the
 * history still has: the mean of each figure over those that have it, the sum of event_n and
 * stall_s, the most of tracker_bytes; is_complete when all were; strategy is the last one's. The
 * caller's storage is filled. From any thread.
 * Errors: MEMSCOPE_E_INVALID; MEMSCOPE_E_NOT_FOUND: none was measured.
 */
MEMSCOPE_API int memscope_factory_measurement(const memscope_factory *factory, const char *name,
                                              struct memscope_measurement *ret_measurement);

/**
 * All records of a name in one, averages weighted by sessions. Errors: MEMSCOPE_E_INVALID (the name
 * is NULL, empty or too long), MEMSCOPE_E_NOT_FOUND.
 */
MEMSCOPE_API int memscope_factory_performance(
        const memscope_factory *factory, const char *name,
        struct memscope_strategy_performance *ret_performance);

/** How many records the history has. */
MEMSCOPE_API size_t memscope_factory_history_n(const memscope_factory *factory);

/**
 * Record i of the history, the oldest first. ret_name: MEMSCOPE_STRATEGY_NAME_MAX + 1 bytes, or
 * NULL. Errors: MEMSCOPE_E_NOT_FOUND.
 */
MEMSCOPE_API int memscope_factory_history(const memscope_factory *factory, size_t i, char *ret_name,
                                          struct memscope_strategy_performance *ret_performance);

/**
 * The strategy for some requirements: built-in ones are judged by what they can do, all by their
 * history, as far as that knows. detection: NULL = the program is not considered. Errors:
 * MEMSCOPE_E_INVALID; MEMSCOPE_E_NOT_FOUND: none fulfils them.
 */
MEMSCOPE_API int memscope_factory_recommend(const memscope_factory *factory,
                                            const struct memscope_requirements *requirements,
                                            const struct memscope_detection *detection,
                                            struct memscope_recommendation *ret_recommendation);

/**
 * Adds, or changes, a custom strategy: a name, the built-in one it is based on, and what it changes
 * there. Errors: MEMSCOPE_E_INVALID (also for a built-in's name), MEMSCOPE_E_LIMIT.
 */
MEMSCOPE_API int memscope_factory_add_strategy(memscope_factory *factory, const char *name,
                                               int base,
                                               const struct memscope_strategy_settings *settings);

/** How many strategies the factory knows, the 5 built-in ones first. */
MEMSCOPE_API size_t memscope_factory_strategy_n(const memscope_factory *factory);

/**
 * Strategy i: name (MEMSCOPE_STRATEGY_NAME_MAX + 1 bytes, or NULL), base and settings (or NULL).
 * Errors: MEMSCOPE_E_NOT_FOUND.
 */
MEMSCOPE_API int memscope_factory_strategy(const memscope_factory *factory, size_t i,
                                           char *ret_name, int *ret_base,
                                           struct memscope_strategy_settings *ret_settings);

/** Sets the chooser, NULL: none. context is handed to it and stays the caller's. */
MEMSCOPE_API int memscope_factory_set_chooser(memscope_factory *factory, memscope_chooser chooser,
                                              void *context);

/**
 * A backend as memscope_backend_initialize makes it, with a strategy of the factory. name: the
 * strategy; NULL: what the chooser says, without one what the configuration says. The factory may
 * be freed before the backend. Errors: as there, and MEMSCOPE_E_NOT_FOUND: it has no such strategy;
 * when a chooser is asked those of memscope_detect_environment as well.
 */
MEMSCOPE_API int memscope_factory_backend(memscope_factory *factory, const char *name,
                                          const struct memscope_backend_config *config,
                                          memscope_backend **ret_backend,
                                          struct memscope_error *ret_error);

#ifdef __cplusplus
}
#endif

#endif
