/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap model: all facts of one session, aggregated as they happen.
 *
 * The collector feeds events in true order (heap/feed.h); a recording stores and restores the
 * tables below (heap/store.h); analyze/ and export/ only read them. Every sum is exact integer
 * arithmetic: a sampled block counts with its integer weight (1 = exact).
 *
 * Indices: entry 0 of strings, modules, nodes and tasks means "none"; MODEL_NONE elsewhere.
 * Times are nanoseconds since the session began. Sizes are requested bytes.
 */
#ifndef MEMSCOPE_HEAP_MODEL_H
#define MEMSCOPE_HEAP_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"
#include "heap/nodes.h"

#define MODEL_NONE UINT32_MAX
#define MODEL_OPEN UINT32_MAX /* row.freed: never freed, lived until its process ended */

enum {
    MODEL_STRINGS_MAX = 1 << 24,
    MODEL_MODULES_MAX = 1 << 16,
    MODEL_LOCATIONS_MAX = 1 << 24,
    MODEL_SYMBOLS_MAX = 1 << 25,
    MODEL_NODES_MAX = 1 << 26,
    MODEL_PROCESSES_MAX = 1 << 17,
    MODEL_THREADS_MAX = 1 << 20,
    MODEL_TASKS_MAX = 1 << 20,
    MODEL_CELLS_MAX = 1 << 25,
    MODEL_MAPPINGS_MAX = 1 << 20,
    MODEL_ROWS_MAX = 4 << 20,      /* past it slices merge, to 64 at the least */
    MODEL_SLICES_MAX = 2560,       /* 1 024 in a run's first 10 minutes; past it neighbours merge */
    MODEL_SIZE_CLASSES = 164,      /* 0, 1, then 4 per power of two up to 1 TiB */
    MODEL_LIFE_CLASSES = 40,       /* under 1 us, 4 per decade up to 1 h, above */
    MODEL_CELL_LIFE_CLASSES = 20,  /* the same range, 2 per decade */
    MODEL_SLICE_SIZE_CLASSES = 42, /* 0, then one per power of two */
    MODEL_BUILD_ID_BYTES = 20,
    MODEL_STRING_BYTES_MAX = 1 << 20, /* longer ones are cut */
};

struct model_string {
    const char *bytes; /* n bytes and a 0; may hold any byte */
    uint32_t n;
};

/* An executable, a shared object, or a named special range ("[anon]", "[vdso]"). */
struct model_module {
    uint32_t path; /* string */
    uint8_t build_id[MODEL_BUILD_ID_BYTES];
    uint8_t build_id_bytes; /* 0 = none */
};

/* A code address independent of where it was loaded: the call instruction's ELF address. */
struct model_location {
    uint32_t module;
    uint32_t symbol_first; /* into symbols, valid when symbol_n > 0 */
    uint32_t symbol_n;     /* innermost inlined function first, the real function last */
    uint64_t offset;       /* ELF virtual address; module 0: the absolute address */
};

struct model_symbol {
    uint32_t function; /* string, demangled; 0 = unknown */
    uint32_t file;     /* string, 0 = unknown */
    uint32_t line;     /* 0 = unknown */
    uint32_t inlined;  /* 1 = inlined into the next symbol of the location */
};

enum {
    NODE_GUESSED = 1,       /* this frame was reached without unwind information */
    NODE_TRUNCATED = 2,     /* frames towards the root are missing */
    NODE_UNKNOWN_RANGE = 4, /* the stack lies outside every known range */
};

/* A stack is a node: its frame plus its parent's stack. parent < index. Node 0: the empty stack. */
struct model_node {
    uint32_t parent;
    uint32_t location;
    uint32_t flags;
};

enum process_end {
    PROCESS_RUNNING,
    PROCESS_EXITED,   /* status is the exit status */
    PROCESS_SIGNALED, /* status is the signal */
    PROCESS_EXECED,   /* another image took its place: blocks were live at exec, not leaked */
    PROCESS_LOST,     /* gone, nobody saw how */
};

/* What is known of an allocator that the executable brings. */
enum model_allocator {
    ALLOCATOR_NONE,     /* malloc is libc's, or a library's that passes the hooks */
    ALLOCATOR_RECORDED, /* through hooks of its own */
    ALLOCATOR_UNSEEN,   /* its blocks are not in any figure */
    ALLOCATOR_ARENAS,   /* it cuts blocks out of what it has from malloc or mmap, which are seen */
};

struct model_sums {
    uint64_t alloc_n; /* malloc-like calls and reallocs to a non-zero size (decisions 23) */
    uint64_t alloc_bytes;
    uint64_t free_n;
    uint64_t free_bytes;
    uint64_t realloc_n; /* of alloc_n, those that were reallocs of a known block */
    uint64_t realloc_in_place_n;
    uint64_t temporary_n; /* freed before the same thread's next allocation */
    uint64_t live_n;      /* now, or when the process ended */
    uint64_t live_bytes;
    uint64_t peak_n; /* blocks live at the moment of peak_bytes */
    uint64_t peak_bytes;
    uint64_t peak_at_ns;
    uint64_t peak_epoch; /* how often peak_bytes has risen; not for readers */
    uint64_t max_block_bytes;
    uint64_t unknown_free_n;   /* of addresses never seen */
    uint64_t inherited_free_n; /* in a forked child, of its parent's blocks */
    uint64_t peak_counted; /* 1: the peak's moment comes from counters, its split from samples */
};

/*
 * What the program's own counters say, exact at any rate. All 0 in recordings without them.
 * Usable bytes are what malloc made of the requested ones, counted from when sampling began, on top
 * of what was live (requested) then.
 */
struct model_counts {
    uint64_t alloc_n, alloc_bytes;
    uint64_t free_n;
    uint64_t realloc_n;
    uint64_t usable_in, usable_out; /* that came and went */
    uint64_t base_bytes;            /* requested bytes live when sampling began */
    uint64_t usable_bytes;          /* live now, or when the process ended */
    uint64_t usable_peak_bytes;     /* as seen at intervals */
};

/*
 * How far sampling may be off: for each estimate the sum over its samples of weight * (weight - 1)
 * * value * value, an unbiased estimate of its variance. Bytes in units of 16. Zero while every
 * weight is 1.
 */
struct model_spread {
    uint64_t alloc_n, alloc_bytes;
    uint64_t live_n, live_bytes;
    uint64_t peak_n, peak_bytes;
    uint64_t excess_bytes; /* alloc_bytes less the bytes of the samples themselves */
};

/*
 * Resident memory of a process at the moment when that of the session was highest, as the kernel
 * showed it then, and what its parts are. All 0: it was not looked at, or did not live then.
 */
struct model_resident {
    uint64_t bytes;
    uint64_t heap_bytes;   /* where the allocator's blocks lie, live or free */
    uint64_t live_bytes;   /* of that, recorded as live */
    uint64_t mapped_bytes; /* the program's own mappings */
    uint64_t file_bytes;   /* code and data of programs and libraries, other mapped files */
    uint64_t stack_bytes;  /* of all threads */
    uint64_t self_bytes;   /* memscope's own */
};

/* One image of one process: exec begins a new entry. */
struct model_process {
    uint32_t pid;
    uint32_t parent;   /* process that forked it, or whose image it replaced; MODEL_NONE: root */
    uint32_t is_exec;  /* 1 = began by exec in the same pid */
    uint32_t exe;      /* string: path */
    uint32_t command;  /* string: arguments joined by blanks */
    uint32_t strategy; /* string as in "strategy_used" */
    uint64_t start_ns;
    uint64_t end_ns; /* 0 while it runs */
    enum process_end end;
    int32_t status;
    struct model_sums sums;
    uint64_t rss_peak_bytes;
    uint64_t mapped_bytes; /* the program's own mappings, now or when it ended */
    uint64_t mapped_peak_bytes;
    uint64_t map_n, map_bytes; /* calls that mapped, and what they mapped in all */
    struct model_resident resident;
    uint32_t allocator;    /* string: one that is linked into the executable, 0 = none known */
    uint32_t allocator_is; /* enum model_allocator */
    uint64_t session_epoch_at_end; /* the session's peak_epoch when it ended; not for readers */
    struct model_counts counts;
};

/* What one stack of one process took from the kernel by mmap, brk and the like. */
struct model_mapping {
    uint32_t node;
    uint32_t process;
    uint64_t n, bytes;
    uint64_t live_bytes; /* now, or when the process ended */
    uint64_t peak_bytes; /* most at once */
};

struct model_thread {
    uint32_t process;
    uint32_t tid;
    uint32_t name; /* string, last one seen */
    uint64_t start_ns;
    uint64_t end_ns; /* 0 = alive at the end */
};

/*
 * Task 0 stands for "no task". A group is an entry of its own whose group is itself: the figures of
 * ended tasks that are not kept go there. Entries of such tasks are used anew.
 */
struct model_task {
    uint32_t process;
    uint32_t group;   /* task that stands for those of its type and spawn place; MODEL_NONE */
    uint32_t parent;  /* task that spawned it, 0 = none; of a group: the group of that */
    uint32_t name;    /* string */
    uint32_t runtime; /* string: "tokio" ... */
    uint32_t spawn_node;
    uint64_t runtime_id;
    uint64_t created_ns, first_poll_ns, last_poll_ns, ended_ns; /* 0 = not seen */
    uint64_t poll_n, busy_ns, cell_bytes;
    uint64_t folded_n; /* of a group: tasks that have no entry any more */
};

struct model_cell_key {
    uint32_t node; /* the site: the stack that allocates */
    uint32_t process;
    uint32_t thread;
    uint32_t task;
};

/*
 * What one site did in one context. One with alloc_n 0 is not in use. Peaks, frees, short_* and
 * sample_n are final after model_settle. Ordered by how hot a field is: most events touch the first
 * two cache lines only.
 */
struct model_cell {
    struct model_cell_key key;
    uint64_t live_n, live_bytes; /* now, or when the process ended */
    uint64_t alloc_n, alloc_bytes;
    uint64_t peak_epoch, process_peak_epoch; /* of the feed; not for readers */

    uint64_t peak_n, peak_bytes;                 /* live at the session's peak */
    uint64_t process_peak_n, process_peak_bytes; /* live at its process's peak */
    uint64_t size_min, size_max;
    uint64_t last_ns; /* last allocation */
    uint32_t life;    /* index into lives, MODEL_NONE until a block was freed */
    uint32_t touched; /* of the feed; not for readers */

    uint64_t temporary_n; /* freed before the same thread's next allocation; realloc is none */
    uint64_t realloc_n;   /* of alloc_n, those that were reallocs of a known block */
    uint64_t other_thread_free_n;
    uint64_t other_task_free_n;
    uint64_t free_n, free_bytes;   /* alloc - live */
    uint64_t short_n, short_bytes; /* born and freed in one slice: the sum of such rows */
    uint64_t sample_n;             /* recorded blocks: alloc_n when every weight is 1 */
    uint64_t weight_excess;        /* alloc_n - sample_n, of the feed; not for readers */
    uint64_t first_ns;             /* first allocation */
    struct model_spread spread;
};

struct model_life {
    uint32_t n[MODEL_CELL_LIFE_CLASSES]; /* freed blocks by lifetime; saturating */
};

/*
 * Blocks of a cell that were allocated in slice `born` and freed in slice `freed`. Those still
 * live, or live when their process ended, have MODEL_OPEN. n may be 0: such a row says nothing.
 */
struct model_row {
    uint32_t cell;
    uint32_t born;
    uint32_t freed; /* MODEL_OPEN */
    uint64_t n, bytes;
};

/* [start_ns, next slice's start_ns), the last one up to model.end_ns. */
struct model_slice {
    uint64_t start_ns;
    uint64_t live_bytes, live_n; /* at its end */
    uint64_t high_bytes;         /* most live bytes inside */
    uint64_t alloc_n, alloc_bytes, free_n, free_bytes;
    uint64_t rss_bytes; /* of all processes, highest seen inside; 0 = not measured */
    uint64_t tasks_alive;
};

struct model_mark {
    uint64_t at_ns;
    uint32_t kind; /* string: "mark", "rate", "loss", "process", ... */
    uint32_t text; /* string */
};

/* A key and a value about the session: command, host, strategy, budgets, ... (docs/). */
struct model_fact {
    uint32_t key;   /* string */
    uint32_t value; /* string */
};

/* Whole-run distributions of weighted block counts. */
struct model_histograms {
    uint64_t size_n[MODEL_SIZE_CLASSES];
    uint64_t size_bytes[MODEL_SIZE_CLASSES];
    uint64_t life_n[MODEL_LIFE_CLASSES];
    uint64_t size_life_n[MODEL_SIZE_CLASSES][MODEL_LIFE_CLASSES];
};

/* Per-slice distributions, coarser: rows of slices. size: powers of two; life: 2 per decade. */
struct model_slice_histogram {
    uint32_t size_n[MODEL_SLICE_SIZE_CLASSES]; /* of blocks allocated in the slice */
    uint32_t life_n[MODEL_CELL_LIFE_CLASSES];  /* of blocks freed in the slice */
};

/* What was lost, skipped or guessed: zero everywhere means complete. */
struct model_loss {
    uint64_t event_n;            /* events that found no room while the collector was away */
    uint64_t gap_ns;             /* time during which recording was off without being asked */
    uint64_t abandoned_record_n; /* reserved, never committed */
    uint64_t late_record_n;      /* committed after they were given up, applied late */
    uint64_t unknown_stack_n;    /* events whose stack could not be had */
    uint64_t truncated_stack_n, guessed_stack_n;
    uint64_t unrecorded_process_n; /* processes of the tree that could not be recorded */
    uint64_t unmatched_realloc_n;  /* of blocks that nobody knew */
    uint64_t replaced_block_n;     /* their address was allocated again, their free never seen */
    uint64_t order_repair_n; /* records that came after what another thread did to their address */
    uint64_t folded_row_n, folded_cell_n; /* resolution given up, sums are unchanged */
    uint64_t checkpoint_age_ns; /* how old the newest whole checkpoint of a cut recording is */
};

struct model_feed;

struct model {
    struct arena arena; /* string bytes */
    VEC(struct model_string) strings;
    VEC(struct model_module) modules;
    VEC(struct model_location) locations;
    VEC(struct model_symbol) symbols;
    VEC(struct model_node) nodes;
    VEC(struct model_process) processes;
    VEC(struct model_thread) threads;
    VEC(struct model_task) tasks;
    VEC(struct model_cell) cells;
    VEC(struct model_life) lives;
    VEC(struct model_row) rows; /* filled by model_settle; unordered */
    VEC(struct model_slice) slices;
    VEC(struct model_slice_histogram) slice_histograms; /* one for each slice */
    VEC(struct model_mark) marks;
    VEC(struct model_mapping) mappings;
    VEC(struct model_fact) facts;
    struct model_histograms *histograms;
    struct model_sums sums;     /* of the session; its peak is of the merged order */
    struct model_counts counts; /* of the session: sums over its processes */
    bool sampled;               /* not every allocation was recorded: figures are estimates */
    struct model_loss loss;
    uint64_t start_unix_ns;
    uint64_t base_slice_ns;
    uint64_t end_ns; /* time of the last event or of the end */
    uint64_t rss_peak_bytes;
    bool finished; /* the session ended; false: a checkpoint of a running or cut one */

    /* Indices that make the tables unique. */
    struct map string_index, module_index, location_index;
    struct nodes_index node_index;
    struct model_feed *feed; /* NULL in a model that was loaded */
};

/* An empty model, for model_free_all; NULL: no memory. */
struct model *model_new(void);
void model_free_all(struct model *model);

/* Each returns the index of the entry, made if there is none; MODEL_NONE: no memory or full. */
uint32_t model_string_add(struct model *model, const char *bytes, size_t n);
uint32_t model_module_add(struct model *model, uint32_t path, const uint8_t *build_id,
                          size_t build_id_bytes);
uint32_t model_location_add(struct model *model, uint32_t module, uint64_t offset);
uint32_t model_node_add(struct model *model, uint32_t parent, uint32_t location, uint32_t flags);

/* The same for n frames on top of parent, of which the last one has flags. parent itself: n is 0.
 */
uint32_t model_nodes_add(struct model *model, uint32_t parent, const uint32_t *locations,
                         unsigned n, uint32_t flags_of_last);

/* Puts the exact counts of a sampled session into its sums, in place of their estimates. */
void model_take_counts(struct model *model);

/* The string with this index; "" for 0 and for indices out of range. */
const char *model_string_at(const struct model *model, uint32_t index);

/* Sets fact key to value (copies both); the last value stands. */
int model_fact_set(struct model *model, const char *key, const char *value);
/* NULL when not set. */
const char *model_fact_get(const struct model *model, const char *key);

/* Classes of sizes and lifetimes, and the least value of a class. */
unsigned model_size_class(uint64_t bytes);
uint64_t model_size_class_least(unsigned size_class);
unsigned model_life_class(uint64_t ns);
uint64_t model_life_class_least(unsigned life_class);
unsigned model_cell_life_class(uint64_t ns);
uint64_t model_cell_life_class_least(unsigned cell_life_class);
/* Class 0 is size 0, class c holds [2^(c-1), 2^c), the last one all above. */
unsigned model_slice_size_class(uint64_t bytes);

/*
 * Brings saved peaks, rows and the open slice up to date, so that readers see finished figures.
 * Costs one pass over cells, rows and live blocks; events may follow. ERR_MEMORY: rows are short.
 */
int model_settle(struct model *model);

#endif
