/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public C API of memscope: a program that records its own heap.
 *
 * A program links libmemscope.so (`pkg-config --cflags --libs memscope`), or is started under
 * `memscope run`, which preloads the same library, or loads it late (dlopen, ctypes). Without the
 * library at all, <memscope/optional.h> makes every call a no-op.
 *
 *     struct memscope_error error;
 *     memscope_backend *backend;
 *     memscope_session *session;
 *     memscope_analysis *analysis;
 *     if (memscope_quick_start(&backend, &error) < 0)
 *         ... error.text says why
 *     memscope_backend_start_tracking(backend, &session, &error);
 *     ... the program's work ...
 *     memscope_backend_collect(backend, &analysis, &error);
 *     memscope_analysis_export(analysis, "html", "heap.html", &error);
 *
 * What holds for every function unless its comment says otherwise:
 *
 * - Threads: any thread may call it, also several at once, also on the same object; an object must
 *   not be freed while another call uses it. None may be called from a signal handler.
 *
 * - Errors: a function that returns int gives 0 (MEMSCOPE_OK) or a negative enum memscope_status;
 *   on failure it leaves its ret_ arguments as they were. `ret_error` may be NULL; when it is not,
 *   a failure fills it with the code and one sentence for people; success leaves it alone.
 *
 * - NULL for an object that a function reads, or for a ret_ argument that is not said to be
 *   optional, is an error, MEMSCOPE_E_INVALID; the entries of an analysis that is NULL are not
 *   there, MEMSCOPE_E_NOT_FOUND. Error lists may leave these out. Functions that return a count, a
 *   duration or 1 for yes give 0, those that return a string "", except memscope_analysis_raw,
 *   memscope_analysis_metadata_get and memscope_buffer_bytes: NULL.
 *
 * - Objects: memscope_backend, _session, _analysis, _buffer, _factory and _tracker are opaque. Who
 *   gets one owns it and gives it back with its _free (or _shutdown); NULL is allowed there and
 *   does nothing. They do not depend on each other: a session may outlive its backend, an analysis
 *   both. Strings inside an object live as long as the object.
 *
 * - Heap: the API allocates nothing with malloc, so it changes no figure that it reports.
 *
 * - Units: names end in their unit: _bytes, _ns (nanoseconds), _ms, _us; _n is a count, _percent is
 *   0 to 100, rates and probabilities are 0.0 to 1.0. Times are nanoseconds since the recording
 *   began unless said otherwise.
 *
 * - Waiting: no call waits for ever. Those that talk to the collector give up after about 10
 *   seconds; the start of the collector, detection and exports after about 60.
 *
 * - fork: in a forked child the parent's sessions have ended (MEMSCOPE_SESSION_FORKED); calls on
 *   them give MEMSCOPE_E_ENDED. Analyses stay readable. A child of vfork shares its parent's
 * memory: there the sessions are the parent's still; it should call nothing that starts or ends
 * one.
 */
#ifndef MEMSCOPE_MEMSCOPE_H
#define MEMSCOPE_MEMSCOPE_H

#include "memscope/analysis.h"
#include "memscope/environment.h"
#include "memscope/status.h"
#include "memscope/strategy.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MEMSCOPE_VERSION_MAJOR 0
#define MEMSCOPE_VERSION_MINOR 1

/* ---- The library ------------------------------------------------------------------------- */

/**
 * Returns the version of the library as "MAJOR.MINOR.PATCH": a static string that must not be
 * freed. Safe in signal handlers. Never fails.
 */
MEMSCOPE_API const char *memscope_version(void);

/** A sentence for an enum memscope_status; static, never NULL. Safe in signal handlers. */
MEMSCOPE_API const char *memscope_status_text(int status);

/**
 * The name of a strategy as outputs spell it: "SingleThread", "ThreadLocal", "AsyncOptimized",
 * "Hybrid", "Legacy", "Auto"; static; "" for a number that is none. Safe in signal handlers.
 */
MEMSCOPE_API const char *memscope_strategy_name(int strategy);

/**
 * The strategy of that name, as outputs or as the command line spell it ("thread-local"), in any
 * case. An enum memscope_strategy, or MEMSCOPE_E_NOT_FOUND. Safe in signal handlers.
 */
MEMSCOPE_API int memscope_strategy_find(const char *name);

/**
 * 1 while this process's allocations are being recorded, by whomever it was started; else 0. One
 * load: cheap enough for anywhere, and safe in signal handlers.
 */
MEMSCOPE_API int memscope_is_recording(void);

/* ---- Backend ----------------------------------------------------------------------------- */

/**
 * Makes a backend, the orchestrator of tracking. Checks the configuration and, with auto_detect,
 * looks at the program; starts no recording yet and costs no thread and no descriptor.
 *
 * config: NULL = the defaults. ret_backend: the caller's, for memscope_backend_shutdown.
 * Errors: MEMSCOPE_E_INVALID, MEMSCOPE_E_MEMORY. Detection that fails is no error: the strategy is
 * then THREAD_LOCAL.
 */
MEMSCOPE_API int memscope_backend_initialize(const struct memscope_backend_config *config,
                                             memscope_backend **ret_backend,
                                             struct memscope_error *ret_error);

/** The backend that memscope_backend_initialize makes with the defaults. Same errors. */
MEMSCOPE_API int memscope_quick_start(memscope_backend **ret_backend,
                                      struct memscope_error *ret_error);

/**
 * Starts a session. The first one of a process starts the collector (a process of its own, which
 * the program's wait functions never see), unless the program runs under `memscope run`: then it
 * joins that recording. Verifies with one allocation that the hooks see it.
 *
 * A process has one recording; sessions are windows over it and may overlap, from one backend or
 * several. Tracking can start and end any number of times. Blocks that were allocated
 * before it, or between sessions, are not in it; their frees are counted as of unknown blocks.
 *
 * ret_session: the caller's, for memscope_session_free.
 * Errors: MEMSCOPE_E_BUSY (the API records already, with another strategy than is forced here, or
 * at another rate; or the user has paused the recording), MEMSCOPE_E_NOT_HOOKED,
 * MEMSCOPE_E_NO_COLLECTOR, MEMSCOPE_E_DENIED, MEMSCOPE_E_COLLECTOR_LOST, MEMSCOPE_E_TIMEOUT,
 * MEMSCOPE_E_MEMORY, MEMSCOPE_E_UNSUPPORTED (the recording that it joins is made by another version
 * of memscope).
 */
MEMSCOPE_API int memscope_backend_start_tracking(memscope_backend *backend,
                                                 memscope_session **ret_session,
                                                 struct memscope_error *ret_error);

/**
 * Everything that this backend's sessions have recorded so far: from the start of its first session
 * on. A barrier: whatever happened before the call, on any thread, is in it; when a thread holds
 * that up for 5 seconds the result comes without, and memscope_analysis_is_partial says so. Ends
 * no session.
 *
 * ret_analysis: the caller's, for memscope_analysis_free; it never changes.
 * Errors: MEMSCOPE_E_NOT_TRACKING (no session was ever started), MEMSCOPE_E_COLLECTOR_LOST,
 * MEMSCOPE_E_NO_COLLECTOR, MEMSCOPE_E_DENIED, MEMSCOPE_E_TIMEOUT, MEMSCOPE_E_MEMORY, MEMSCOPE_E_IO
 * (the `memscope` executable cannot read the recording, or is of another version),
 * MEMSCOPE_E_UNSUPPORTED (the collector is of another version).
 */
MEMSCOPE_API int memscope_backend_collect(memscope_backend *backend,
                                          memscope_analysis **ret_analysis,
                                          struct memscope_error *ret_error);

/** Copies the configuration that the backend was made with. Errors: MEMSCOPE_E_INVALID. */
MEMSCOPE_API int memscope_backend_get_config(const memscope_backend *backend,
                                             struct memscope_backend_config *ret_config);

/** The strategy that the backend uses: an enum memscope_strategy, never AUTO. */
MEMSCOPE_API int memscope_backend_strategy(const memscope_backend *backend);

/** How many of the backend's sessions are active. */
MEMSCOPE_API unsigned memscope_backend_session_n(const memscope_backend *backend);

/**
 * Ends the backend's sessions and frees it. ret_analysis, unless NULL, gets what
 * memscope_backend_collect would have given just before; when that fails the backend is shut down
 * all the same, the failure is returned and *ret_analysis stays as it was. NULL for backend: 0.
 * Errors: as memscope_backend_collect when ret_analysis is given, else none.
 */
MEMSCOPE_API int memscope_backend_shutdown(memscope_backend *backend,
                                           memscope_analysis **ret_analysis,
                                           struct memscope_error *ret_error);

/** Results of memscope_self_test: each 1 = works, 0 = does not. Storage of the caller's. */
struct memscope_self_test {
    int hooked;     /* the hooks see the program's allocations */
    int collector;  /* the collector starts and answers */
    int exact;      /* what was recorded is what the test allocated */
    int detection;  /* the program's environment can be detected */
    int exports;    /* an export can be made */
    char text[200]; /* one sentence about the first that does not; "" when all do */
};

/**
 * Tries every part once, in this process: detection, a short session, collection, an export. In a
 * recording that is under way it leaves a session and its few blocks. It waits as long as its parts
 * may together, some minutes at the worst. ret_result may be NULL. Returns 0 when everything works;
 * else the error of the first that does not, with *ret_result filled all the same. Errors: as
 * detection, start_tracking, collection and exports; MEMSCOPE_E_BUSY: a session is active.
 */
MEMSCOPE_API int memscope_self_test(struct memscope_self_test *ret_result,
                                    struct memscope_error *ret_error);

/* ---- Session ----------------------------------------------------------------------------- */

/**
 * The session's name, "session_<n>": n is its start in milliseconds since 1970. Valid while the
 * session object is.
 */
MEMSCOPE_API const char *memscope_session_id(const memscope_session *session);

/** How long it has lasted, or had when it ended, in nanoseconds. Never fails. */
MEMSCOPE_API uint64_t memscope_session_elapsed_ns(const memscope_session *session);

/** How it stands, without asking the collector: an enum memscope_session_state. */
MEMSCOPE_API int memscope_session_state(const memscope_session *session);

/** The strategy it is recorded with: an enum memscope_strategy, never AUTO. */
MEMSCOPE_API int memscope_session_strategy(const memscope_session *session);

/**
 * What was recorded from the session's start to now: as memscope_backend_collect, but statistics
 * count this window only. Same errors, and MEMSCOPE_E_ENDED.
 */
MEMSCOPE_API int memscope_session_collect(memscope_session *session,
                                          memscope_analysis **ret_analysis,
                                          struct memscope_error *ret_error);

/**
 * Ends the session; when it was the process's last active one allocations are no longer recorded,
 * but frees of recorded blocks still are. ret_analysis, unless NULL, gets the session's data; when
 * that fails the session has ended all the same. The object stays valid until it is freed.
 * Errors: MEMSCOPE_E_ENDED when it had ended before; with ret_analysis those of
 * memscope_session_collect as well.
 */
MEMSCOPE_API int memscope_session_end(memscope_session *session, memscope_analysis **ret_analysis,
                                      struct memscope_error *ret_error);

/** Ends the session if it is active, without collecting, and frees it. */
MEMSCOPE_API void memscope_session_free(memscope_session *session);

/* ---- Legacy tracker ---------------------------------------------------------------------- */

/**
 * The simple tracker of old, `MemoryTracker`: it records from its making on, with strategy LEGACY,
 * or as the process is already recorded. New programs use a backend.
 * ret_tracker: the caller's, for memscope_tracker_free. Errors: as start_tracking, except
 * MEMSCOPE_E_BUSY, which it never gives.
 */
MEMSCOPE_API int memscope_tracker_new(memscope_tracker **ret_tracker,
                                      struct memscope_error *ret_error);

/** The old `quick_start`: the same as memscope_tracker_new, with its errors. */
MEMSCOPE_API int memscope_tracker_quick_start(memscope_tracker **ret_tracker,
                                              struct memscope_error *ret_error);

/** Totals since the tracker was made. Errors: as memscope_session_collect. */
MEMSCOPE_API int memscope_tracker_statistics(memscope_tracker *tracker,
                                             struct memscope_statistics *ret_statistics,
                                             struct memscope_error *ret_error);

/** Everything since the tracker was made. Errors: as memscope_session_collect. */
MEMSCOPE_API int memscope_tracker_collect(memscope_tracker *tracker,
                                          memscope_analysis **ret_analysis,
                                          struct memscope_error *ret_error);

/** Ends the tracker and frees it. */
MEMSCOPE_API void memscope_tracker_free(memscope_tracker *tracker);

/* ---- Marks, tasks, scopes, ignored regions ----------------------------------------------- */

/*
 * These write into the recording that is under way, whoever started it, and cost next to nothing
 * without one. They never fail and make no system call.
 */

/**
 * Sets a mark on the time line: the beginning of a generation of allocations, "after warm-up".
 * text: at most 1024 bytes, copied; longer ones are cut.
 */
MEMSCOPE_API void memscope_mark(const char *text);

/**
 * The calling thread works on task `id` from here on, until memscope_task_leave; what it allocates
 * meanwhile counts as the task's. For units of work that memscope cannot see by itself: requests,
 * jobs, fibers. Tasks nest; the innermost counts. A task may be entered again and by any thread.
 *
 * id: chosen by the program, below 2^56, unique among its tasks that have not ended.
 * name: what the task is called, at most 1024 bytes, copied; NULL: no name. Costs nothing worth
 * mentioning when nothing is recorded. A weak symbol: without memscope it is NULL, so call it
 * through MEMSCOPE_TASK_ENTER.
 */
MEMSCOPE_API MEMSCOPE_WEAK void memscope_task_enter(uint64_t id, const char *name);

/** Leaves the task that the calling thread entered last. Without one it does nothing. */
MEMSCOPE_API MEMSCOPE_WEAK void memscope_task_leave(void);

/** The task has ended: its id may be used for another one. What it still holds is retained memory.
 */
MEMSCOPE_API MEMSCOPE_WEAK void memscope_task_end(uint64_t id);

#if defined(__GNUC__)
#define MEMSCOPE_TASK_ENTER(id, name)                                                              \
    (memscope_task_enter ? memscope_task_enter((id), (name)) : (void)0)
#define MEMSCOPE_TASK_LEAVE() (memscope_task_leave ? memscope_task_leave() : (void)0)
#define MEMSCOPE_TASK_END(id) (memscope_task_end ? memscope_task_end((id)) : (void)0)
#endif

/**
 * What the calling thread allocates until memscope_scope_leave counts for the scope of that name: a
 * task without an id, one for the whole process. Scopes and tasks nest in one order. name: at most
 * 1024 bytes, copied, not NULL.
 */
MEMSCOPE_API void memscope_scope_enter(const char *name);

/** Leaves the scope that the calling thread entered last. */
MEMSCOPE_API void memscope_scope_leave(void);

/**
 * What the calling thread allocates until memscope_ignore_end is not recorded, nor counted; frees
 * of recorded blocks still are. Nests.
 */
MEMSCOPE_API void memscope_ignore_begin(void);

/** Ends the region that the calling thread began last. Without one it does nothing. */
MEMSCOPE_API void memscope_ignore_end(void);

#ifdef __cplusplus
}
#endif

#endif
