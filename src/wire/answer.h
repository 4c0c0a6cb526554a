/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `memscope answer` writes to its standard output for the library: flat tables that the
 * library maps and reads without a heap. Between two builds of one version only; the head says
 * which.
 *
 * `answer tables` reads a recording from standard input (a file or memfd) and writes struct
 * answer_head, then the tables that it names. `answer detect PID DEEP THRESHOLD TIMEOUT_MS` writes
 * struct answer_detect. Strings are offsets into the table of strings; offset 0 is "".
 */
#ifndef MEMSCOPE_WIRE_ANSWER_H
#define MEMSCOPE_WIRE_ANSWER_H

#include <stdint.h>

#define ANSWER_MAGIC UINT64_C(0x31776e416d656d6d) /* "mmemAnw1" */

enum {
    ANSWER_ENVIRONMENTS = 4,
    ANSWER_EVIDENCE_MAX = 16,
    ANSWER_TEXT_BYTES = 160,
    ANSWER_NAME_BYTES = 32,
};

enum answer_table {
    ANSWER_STRINGS, /* bytes */
    ANSWER_SITES,
    ANSWER_NODES,
    ANSWER_LOCATIONS,
    ANSWER_SYMBOLS,
    ANSWER_THREADS,
    ANSWER_TASKS,
    ANSWER_SLICES,
    ANSWER_MARKS,
    ANSWER_FACTS,
    ANSWER_TABLES,
};

struct answer_place {
    uint64_t offset; /* from the start, a multiple of 8 */
    uint32_t entry_n, entry_bytes;
};

struct answer_head {
    uint64_t magic;
    uint32_t head_bytes;
    uint32_t process_n;
    uint64_t size_bytes; /* of everything */
    struct answer_place places[ANSWER_TABLES];
    /* Totals of the recording. */
    uint64_t end_ns;
    uint64_t alloc_n, alloc_bytes, free_n, free_bytes;
    uint64_t realloc_n, temporary_n, live_n, live_bytes;
    uint64_t peak_n, peak_bytes, peak_at_ns;
    uint64_t unknown_free_n, lost_n, tracker_bytes;
    double sample_rate;
    /* Of the tracker's own figures, below 0: not measured. */
    double overhead_percent, event_cpu_ns, hook_p50_ns, hook_p99_ns, stall_s;
    int64_t tracker_held_bytes;
};

struct answer_figures {
    uint64_t alloc_n, alloc_bytes, free_n, free_bytes, live_n, live_bytes, peak_n, peak_bytes;
    uint64_t temporary_n, size_min, size_max, first_ns, last_ns;
};

struct answer_site {
    uint32_t node, frame_n;
    uint32_t function, file, module; /* strings */
    uint32_t line;
    struct answer_figures figures;
};

/* Entry 0 is the empty stack; a parent stands before its children. */
struct answer_node {
    uint32_t parent, location;
};

struct answer_location {
    uint32_t module; /* string */
    uint32_t symbol_first, symbol_n, pad;
    uint64_t offset;
};

struct answer_symbol {
    uint32_t function, file; /* strings */
    uint32_t line, inlined;
};

struct answer_thread {
    uint32_t name; /* string */
    uint32_t pid, tid, pad;
    uint64_t start_ns, end_ns;
    struct answer_figures figures;
};

struct answer_task {
    uint32_t name, runtime; /* strings */
    uint64_t id, created_ns, ended_ns, poll_n, busy_ns;
    struct answer_figures figures;
};

struct answer_slice {
    uint64_t start_ns, end_ns, live_n, live_bytes, high_bytes;
    uint64_t alloc_n, alloc_bytes, free_n, free_bytes, rss_bytes;
};

struct answer_mark {
    uint64_t at_ns;
    uint32_t kind, text; /* strings */
};

struct answer_fact {
    uint32_t key, value; /* strings */
};

struct answer_evidence {
    char text[ANSWER_TEXT_BYTES];
    double weight;
    uint32_t kind; /* as environment */
    uint32_t is_running;
};

/* Environments: 0 single-threaded, 1 multi-threaded, 2 async, 3 hybrid. */
struct answer_detect {
    uint64_t magic;
    uint32_t environment;
    uint32_t strategy; /* enum wire_strategy */
    uint32_t is_complete;
    uint32_t evidence_n;
    double confidence;
    double alternatives[ANSWER_ENVIRONMENTS];
    char runtime[ANSWER_NAME_BYTES];
    char version[ANSWER_NAME_BYTES];
    struct answer_evidence evidence[ANSWER_EVIDENCE_MAX];
};

#endif
