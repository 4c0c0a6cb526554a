/* SPDX-License-Identifier: Apache-2.0 */
/* What was recorded: the part of the public C API that reads and exports it. See memscope.h. */
#ifndef MEMSCOPE_ANALYSIS_H
#define MEMSCOPE_ANALYSIS_H

#include "memscope/environment.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What was counted. Bytes are as requested by the program. */
struct memscope_statistics {
    uint64_t duration_ns;
    uint64_t alloc_n;     /* malloc-like calls, and reallocs to a size other than zero */
    uint64_t alloc_bytes; /* a realloc counts its full new size */
    uint64_t free_n;      /* of recorded blocks, each realloc of one included */
    uint64_t free_bytes;
    uint64_t realloc_n;   /* of alloc_n, those that were reallocs of a recorded block */
    uint64_t temporary_n; /* freed before the same thread's next allocation */
    uint64_t live_n;      /* recorded blocks not freed yet */
    uint64_t live_bytes;
    uint64_t peak_n;         /* blocks live at the moment of peak_bytes; 0 where it is not known */
    uint64_t peak_bytes;     /* most bytes live at a time. For a session that is not the whole
                                recording: to the width of a time slice, 1 ms in short runs */
    uint64_t peak_at_ns;     /* since the recording began */
    uint64_t unknown_free_n; /* frees of blocks from before tracking, or between sessions */
    uint64_t lost_n;         /* events that could not be recorded: 0 = complete */
    uint64_t recording_bytes;
    uint64_t tracker_bytes;  /* memory that memscope holds in the program */
    double sample_rate;      /* the lowest rate in force: 1.0 = every figure is exact */
    double overhead_percent; /* processor time that recording added to the program's own, the
                                collector's included, in percent; negative: not measured */
    uint32_t site_n, thread_n, task_n, process_n;
};

/**
 * What recording cost, as the recording itself measured it. A negative figure was not measured: a
 * recording that `memscope run` began measures time with --performance-monitoring or
 * --max-overhead-percent only, one of a backend that a factory made always does.
 */
struct memscope_measurement {
    int strategy;            /* that was in force: an enum memscope_strategy */
    int is_complete;         /* 1 = nothing was lost, no thread held the collection up */
    double init_time_us;     /* that memscope_backend_start_tracking took, in microseconds: the
                                collector's start is in it where this call started it */
    double overhead_percent; /* as in the statistics: of the whole recording up to the analysis */
    double event_cpu_ns;     /* processor time of hooks and collector by event, nanoseconds */
    double hook_p50_ns;      /* half of the hooks took no longer, nanoseconds */
    double hook_p99_ns;      /* 99 of 100 took no longer */
    double stall_s;          /* seconds that threads waited for the collector, all together */
    int64_t event_n;         /* allocations and frees of the session: alloc_n + free_n */
    int64_t tracker_bytes;   /* memory that memscope holds in the program, bytes */
};

/** A place that allocates: one call stack. Sorted by peak_bytes, the most first. */
struct memscope_site {
    const char *function; /* the first frame that is no plumbing; "" = unknown */
    const char *file;     /* "" = unknown */
    const char *module;   /* path of the executable or library */
    uint32_t line;        /* 0 = unknown */
    uint32_t frame_n;     /* depth, for memscope_analysis_frame */
    uint64_t alloc_n, alloc_bytes, free_n, free_bytes;
    uint64_t live_n, live_bytes;
    uint64_t peak_n, peak_bytes; /* its part of the recording's peak */
    uint64_t temporary_n;
    uint64_t size_min_bytes, size_max_bytes;
    uint64_t first_ns, last_ns; /* first and last allocation */
};

/** One frame of a site's stack; innermost first. Inlined functions are frames of their own. */
struct memscope_frame {
    const char *function; /* "" = unknown */
    const char *file;     /* "" = unknown */
    const char *module;
    uint32_t line;    /* 0 = unknown */
    uint32_t inlined; /* 1 = inlined into the next frame */
    uint64_t offset;  /* ELF address in the module */
};

/** A thread that allocated, or was seen. */
struct memscope_thread {
    const char *name;
    uint32_t pid, tid;
    uint64_t start_ns, end_ns; /* end 0 = alive */
    uint64_t alloc_n, alloc_bytes, live_n, live_bytes, peak_bytes;
};

/** An async task, or what memscope_task_enter named. */
struct memscope_task {
    const char *name;              /* "" = unknown */
    const char *runtime;           /* "tokio", ..., "explicit" */
    uint64_t id;                   /* of the runtime, or the program's own */
    uint64_t created_ns, ended_ns; /* 0 = not seen */
    uint64_t poll_n, busy_ns;
    uint64_t alloc_n, alloc_bytes, live_n, live_bytes, peak_bytes;
};

/** A piece of the recording's time; pieces join without gaps and widen with a run's age. */
struct memscope_slice {
    uint64_t start_ns, end_ns;
    uint64_t live_n, live_bytes; /* at its end */
    uint64_t high_bytes;         /* most live bytes in it */
    uint64_t alloc_n, alloc_bytes, free_n, free_bytes;
    uint64_t rss_bytes; /* resident memory, 0 = not measured */
};

/** A mark on the time line: memscope_mark's, and what memscope itself notes. */
struct memscope_mark_entry {
    uint64_t at_ns;
    const char *kind; /* "mark", "rate", "loss", ... */
    const char *text;
};

/**
 * The whole recording up to the moment of collection, as a `.mscope` file has it: write the bytes
 * to a file and `memscope report FILE` shows it. It covers the process's recording, of which the
 * session may be a window. ret_bytes: its length. Never NULL; valid while the analysis is.
 */
MEMSCOPE_API const void *memscope_analysis_raw(const memscope_analysis *analysis,
                                               size_t *ret_bytes);

/** Totals of the session or of the backend's time, in this process. Errors: MEMSCOPE_E_INVALID. */
MEMSCOPE_API int memscope_analysis_statistics(const memscope_analysis *analysis,
                                              struct memscope_statistics *ret_statistics);

/**
 * What recording it cost. The caller's storage is filled; from any thread. Errors:
 * MEMSCOPE_E_INVALID.
 */
MEMSCOPE_API int memscope_analysis_measurement(const memscope_analysis *analysis,
                                               struct memscope_measurement *ret_measurement);

/** What kind of program it is, as detection saw it. Errors: MEMSCOPE_E_INVALID. */
MEMSCOPE_API int memscope_analysis_environment(const memscope_analysis *analysis,
                                               struct memscope_environment *ret_environment);

/** "session_<n>" of the session, or of the backend's first one. */
MEMSCOPE_API const char *memscope_analysis_session_id(const memscope_analysis *analysis);

/** The strategy in force: an enum memscope_strategy. */
MEMSCOPE_API int memscope_analysis_strategy(const memscope_analysis *analysis);

/** 1 when a thread held the barrier up: its last events may be missing. 0 otherwise. */
MEMSCOPE_API int memscope_analysis_is_partial(const memscope_analysis *analysis);

/**
 * 1 when nothing was sampled away and nothing was lost: every total is exact to the byte. 0
 * otherwise, and whenever the analysis is partial.
 */
MEMSCOPE_API int memscope_analysis_is_exact(const memscope_analysis *analysis);

/**
 * Metadata: keys and values, such as "command", "pid", "host", "strategy", "reason", "version".
 * Count, and entry i: its key and value (NULL: not wanted). Errors: MEMSCOPE_E_NOT_FOUND.
 */
MEMSCOPE_API size_t memscope_analysis_metadata_n(const memscope_analysis *analysis);
/** Entry i of the metadata, see memscope_analysis_metadata_n. */
MEMSCOPE_API int memscope_analysis_metadata(const memscope_analysis *analysis, size_t i,
                                            const char **ret_key, const char **ret_value);
/** The value of a key, or NULL. */
MEMSCOPE_API const char *memscope_analysis_metadata_get(const memscope_analysis *analysis,
                                                        const char *key);

/*
 * Iteration. Each table has a count and an entry i, copied into the caller's storage; the strings
 * belong to the analysis. Entries cover the recording, not only the session's window. Errors:
 * MEMSCOPE_E_NOT_FOUND past the end.
 */

/** How many sites there are. */
MEMSCOPE_API size_t memscope_analysis_site_n(const memscope_analysis *analysis);
/** Site i; the site with the most bytes at the peak is 0. */
MEMSCOPE_API int memscope_analysis_site(const memscope_analysis *analysis, size_t i,
                                        struct memscope_site *ret_site);
/** Frame `frame` of site i, 0 the innermost, below its frame_n. */
MEMSCOPE_API int memscope_analysis_frame(const memscope_analysis *analysis, size_t i, size_t frame,
                                         struct memscope_frame *ret_frame);
/** How many threads there are. */
MEMSCOPE_API size_t memscope_analysis_thread_n(const memscope_analysis *analysis);
/** Thread i, in the order in which they were seen. */
MEMSCOPE_API int memscope_analysis_thread(const memscope_analysis *analysis, size_t i,
                                          struct memscope_thread *ret_thread);
/** How many tasks there are; what ran outside of any task is none. */
MEMSCOPE_API size_t memscope_analysis_task_n(const memscope_analysis *analysis);
/** Task i. */
MEMSCOPE_API int memscope_analysis_task(const memscope_analysis *analysis, size_t i,
                                        struct memscope_task *ret_task);
/** How many slices the time line has. */
MEMSCOPE_API size_t memscope_analysis_slice_n(const memscope_analysis *analysis);
/** Slice i of the time line, the earliest first. */
MEMSCOPE_API int memscope_analysis_slice(const memscope_analysis *analysis, size_t i,
                                         struct memscope_slice *ret_slice);
/** How many marks there are. */
MEMSCOPE_API size_t memscope_analysis_mark_n(const memscope_analysis *analysis);
/** Mark i, the earliest first. */
MEMSCOPE_API int memscope_analysis_mark(const memscope_analysis *analysis, size_t i,
                                        struct memscope_mark_entry *ret_mark);

/**
 * Writes an export: "json", "html", "svg", "pprof", "folded", "speedscope" or "mscope" (the
 * recording itself). The `memscope` executable does the work, in a process of its own.
 *
 * path: the file, which is replaced; made with the rights 0666 less the umask.
 * Errors: MEMSCOPE_E_INVALID (path is NULL or empty), MEMSCOPE_E_FORMAT, MEMSCOPE_E_IO (the file
 * cannot be written, or the executable failed), MEMSCOPE_E_NO_COLLECTOR, MEMSCOPE_E_DENIED,
 * MEMSCOPE_E_TIMEOUT, MEMSCOPE_E_MEMORY. What of the file was written before a failure stays.
 */
MEMSCOPE_API int memscope_analysis_export(const memscope_analysis *analysis, const char *format,
                                          const char *path, struct memscope_error *ret_error);

/**
 * The same into memory. ret_buffer: the caller's, for memscope_buffer_free; it outlives the
 * analysis. Same errors, those of the path apart.
 */
MEMSCOPE_API int memscope_analysis_export_memory(const memscope_analysis *analysis,
                                                 const char *format, memscope_buffer **ret_buffer,
                                                 struct memscope_error *ret_error);

/** The bytes of a buffer and their number; a 0 byte that is not counted follows the last. */
MEMSCOPE_API const char *memscope_buffer_bytes(const memscope_buffer *buffer, size_t *ret_bytes);

/** Frees a buffer. */
MEMSCOPE_API void memscope_buffer_free(memscope_buffer *buffer);

/** Frees an analysis. Strings that came from it are gone. */
MEMSCOPE_API void memscope_analysis_free(memscope_analysis *analysis);

#ifdef __cplusplus
}
#endif

#endif
