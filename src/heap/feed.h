/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events into the model: what the collector calls, in true order, for each event.
 *
 * One thread feeds a model. Each call is O(1) but for slice merges, whose cost is spread.
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

/* A realloc between its halves: the block is out of the address map but live in every figure. */
struct feed_pending {
    uint64_t address; /* 0 = nothing is pending */
    uint64_t size_bytes;
    uint64_t born_ns;
    uint32_t cell;
    uint32_t weight;
};

/* Outcomes of a free or of a realloc's beginning. */
enum { FEED_DONE = 0, FEED_UNKNOWN = 1, FEED_INHERITED = 2 };

/* Prepares a model for events. base_slice_ns: the finest slice (1 ms). */
int feed_open(struct model *model, uint64_t base_slice_ns);

uint32_t feed_process_begin(struct model *model, const struct model_process *process);
/* Ends it: its blocks leave the session's live sums, its cells keep theirs ("never freed"). */
void feed_process_end(struct model *model, uint32_t process, enum process_end end, int32_t status,
                      uint64_t at_ns);
uint32_t feed_thread_begin(struct model *model, const struct model_thread *thread);
uint32_t feed_task_begin(struct model *model, const struct model_task *task);
void feed_task_end(struct model *model, uint32_t task, uint64_t at_ns);

/* Asks the memory for the block of address before it is needed. */
void feed_prefetch(const struct model *model, uint32_t process, uint64_t address);

/* True while a live block has this address: the collector's order repair asks. */
bool feed_is_live(const struct model *model, uint32_t process, uint64_t address);

/* An address that is live already is first freed as unknown-order (counted in the loss). */
int feed_alloc(struct model *model, const struct feed_context *context, uint64_t address,
               uint64_t size_bytes, uint32_t node, uint32_t weight);
int feed_free(struct model *model, const struct feed_context *context, uint64_t address);

int feed_realloc_begin(struct model *model, const struct feed_context *context, uint64_t address,
                       struct feed_pending *ret_pending);
/* old -> new in one step: no peak counts both. pending->address 0 = the old block was unknown. */
int feed_realloc_end(struct model *model, const struct feed_context *context,
                     struct feed_pending *pending, uint64_t address, uint64_t size_bytes,
                     uint32_t node, uint32_t weight);
/* The real call failed, or its thread died: the old block lives on. */
void feed_realloc_cancel(struct model *model, const struct feed_context *context,
                         struct feed_pending *pending);

/* Resident memory of all processes, seen at at_ns. */
void feed_rss(struct model *model, uint64_t at_ns, uint64_t rss_bytes);

/* Time passes without events: closes slices up to at_ns. */
void feed_time(struct model *model, uint64_t at_ns);

#endif
