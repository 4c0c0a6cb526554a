/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events into the model: what the collector calls, in true order, for each event.
 *
 * One thread feeds a model. Each call is O(1) but for the growth of tables and for slice merges,
 * whose cost is spread. Time never runs backward: an earlier at_ns counts as the latest one seen.
 *
 * An event that fails (ERR_MEMORY; ERR_LIMIT: a table is full; ERR_USAGE: an index that names
 * nothing, address 0; ERR_STATE: the process has ended) has changed nothing.
 */
#ifndef MEMSCOPE_HEAP_FEED_H
#define MEMSCOPE_HEAP_FEED_H

#include "heap/model.h"

/* Who does it, and when. */
struct feed_context {
    uint32_t process; /* index of model.processes */
    uint32_t thread;
    uint32_t task; /* 0 = none */
    uint64_t at_ns;
};

/*
 * A realloc between its halves: the block is out of the address map but live in every figure. It
 * names the block to the second half; an ended or cancelled one has address 0.
 */
struct feed_pending {
    uint64_t address; /* 0 = nothing is pending */
    uint64_t size_bytes;
    uint64_t born_ns;
    uint32_t cell;
    uint32_t weight;
};

/*
 * Outcomes of a free or of a realloc's beginning, counted in the sums: nobody allocated the
 * address; or a forked process did not since the fork.
 */
enum { FEED_DONE = 0, FEED_UNKNOWN = 1, FEED_INHERITED = 2 };

/* Prepares a model for events. base_slice_ns: the finest slice (1 ms). */
int feed_open(struct model *model, uint64_t base_slice_ns);

/* Frees what feeding needs; the model stays. model_free_all does it, too. */
void feed_close(struct model *model);

/* Each returns the new index, or MODEL_NONE (no memory, full, or an index that names nothing). */
uint32_t feed_process_begin(struct model *model, const struct model_process *process);
uint32_t feed_thread_begin(struct model *model, const struct model_thread *thread);
/* An entry that stands for all ended tasks of one type and spawn place; it is never alive. */
uint32_t feed_group_begin(struct model *model, const struct model_task *group);
/*
 * group: such an entry, or MODEL_NONE. Ended tasks without live blocks pass their figures to their
 * group when there are many of them (the largest are kept); their indices are used anew.
 */
uint32_t feed_task_begin(struct model *model, const struct model_task *task);

/*
 * Ends it: its blocks leave the session's live sums, its cells keep theirs ("never freed"). Pending
 * reallocs of it count as still live and are not to be ended any more.
 */
void feed_process_end(struct model *model, uint32_t process, enum process_end end, int32_t status,
                      uint64_t at_ns);
void feed_task_end(struct model *model, uint32_t task, uint64_t at_ns);

/*
 * Asks the memory for what an event needs before it is needed. For a batch of some 32 events: the
 * first for each event, then the second for each, then the events. node MODEL_NONE: of a free. The
 * second does nothing while there are few cells.
 */
void feed_prefetch(const struct model *model, uint32_t process, uint64_t address);
void feed_prefetch_cell(const struct model *model, const struct feed_context *context,
                        uint64_t address, uint32_t node);

/* Whether the process has so many blocks that asking for their memory ahead is worth it. */
bool feed_is_far(const struct model *model, uint32_t process);

/* True while a live block has this address: the collector's order repair asks. */
bool feed_is_live(const struct model *model, uint32_t process, uint64_t address);

/* What is known of the live block at address; false: there is none. */
bool feed_find(const struct model *model, uint32_t process, uint64_t address,
               struct feed_pending *ret_block);

/*
 * An address that is live already is first freed (loss.replaced_block_n). weight 0 counts as 1.
 * Sizes over 2^62 count as 2^62.
 */
int feed_alloc(struct model *model, const struct feed_context *context, uint64_t address,
               uint64_t size_bytes, uint32_t node, uint32_t weight);
int feed_free(struct model *model, const struct feed_context *context, uint64_t address);

int feed_realloc_begin(struct model *model, const struct feed_context *context, uint64_t address,
                       struct feed_pending *ret_pending);
/*
 * old -> new in one step: no peak counts both. pending->address 0 = the old block was unknown: an
 * allocation. address 0 = realloc to size 0 freed it.
 */
int feed_realloc_end(struct model *model, const struct feed_context *context,
                     struct feed_pending *pending, uint64_t address, uint64_t size_bytes,
                     uint32_t node, uint32_t weight);
/* The real call failed, or its thread died: the old block lives on. */
int feed_realloc_cancel(struct model *model, const struct feed_context *context,
                        struct feed_pending *pending);

/*
 * From here on blocks may have weights: peaks are taken where feed_counted sees them, not at each
 * event, and frees of unknown blocks are nothing to be told. Can be said again.
 */
void feed_sampled(struct model *model, bool counted);

/*
 * A block that is freed next was not its thread's last allocation: others came between that were
 * not recorded.
 */
void feed_not_temporary(struct model *model, uint32_t thread);

/* How many recorded blocks of the process are live. */
size_t feed_block_n(const struct model *model, uint32_t process);

/* What a process has counted by at_ns, since it began: alloc_* , free_n, realloc_n, usable_in/out.
 */
void feed_counted(struct model *model, uint32_t process, uint64_t at_ns,
                  const struct model_counts *counts);

/* A moment worth knowing, and why. Marks are in order of time; text is copied. */
void feed_mark(struct model *model, uint64_t at_ns, const char *kind, const char *text);

/*
 * Memory that the program took from the kernel itself, in whole pages; apart from the heap. What
 * the range covers of earlier ones is replaced.
 */
enum feed_mapped {
    FEED_MAPPED,
    FEED_RESIZED, /* goes on from a mapping that feed_unmap has just taken out: no new call */
};
int feed_map(struct model *model, const struct feed_context *context, uint64_t address,
             uint64_t bytes, uint32_t node, enum feed_mapped how);
/* Ranges that the process did not map are passed over. */
int feed_unmap(struct model *model, const struct feed_context *context, uint64_t address,
               uint64_t bytes);
/* Whether any of it is mapped now. */
bool feed_is_mapped(const struct model *model, uint32_t process, uint64_t address, uint64_t bytes);
/* The next mapped range that begins below end, from start on and cut to both; false: none. */
bool feed_mapped_next(const struct model *model, uint32_t process, uint64_t start, uint64_t end,
                      uint64_t *ret_start, uint64_t *ret_end);
/* How much of [start, end) is mapped now. */
uint64_t feed_mapped_within(const struct model *model, uint32_t process, uint64_t start,
                            uint64_t end);

/* Resident memory of all processes, seen at at_ns. */
void feed_rss(struct model *model, uint64_t at_ns, uint64_t rss_bytes);

/* Time passes without events: closes slices up to at_ns. */
void feed_time(struct model *model, uint64_t at_ns);

#endif
