/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters of all lanes, added up for each process at intervals.
 *
 * The drain thread reads them, since only it knows which lanes exist at a moment; the sums pass to
 * the model thread with the batch of that round, under the stamp at which they were read.
 */
#ifndef MEMSCOPE_COLLECT_COUNTS_H
#define MEMSCOPE_COLLECT_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "wire/segment.h"

/* Since the process began, but for its timed hooks' classes of the lanes that live. */
struct counts_sum {
    uint64_t alloc_n, alloc_bytes, free_n, realloc_n;
    uint64_t usable_in, usable_out;
    uint64_t stall_n, stall_ticks;
    uint64_t timed_n, timed_ticks, timed_event_ticks;
    uint64_t unwound_n, unwound_frames, unwound_same;
};

/* What a process had counted at a stamp. */
struct counts_news {
    uint32_t process_slot;
    uint64_t stamp;
    struct counts_sum sum;
};

/* The peak that a process's only lane has noted. */
struct counts_high {
    uint32_t lane;      /* number + 1 of the lane; 0 = none has counted yet */
    bool is_shared;     /* several lanes have counted: no peak of one is the process's */
    int64_t bytes;      /* its peak */
    int64_t told_bytes; /* ... up to which it was told */
    int64_t held_bytes; /* what it holds by the last look */
    uint64_t stamp;
};

enum { COUNTS_NEWS_MAX = 1 << 16 };

/* VEC(struct counts_news) of a batch. */
struct counts_list {
    struct counts_news *at;
    size_t n, capacity;
};

struct counts {
    struct counts_sum *closed; /* by process slot: of lanes that were closed */
    struct counts_sum *now;    /* the same with the open lanes */
    struct counts_sum *given;  /* as it was told last */
    struct counts_high *high;  /* by process slot */
    _Atomic uint8_t *reset;    /* the slot will be another process's */
    uint64_t closed_class[WIRE_TIMED_CLASSES], now_class[WIRE_TIMED_CLASSES];
    _Atomic uint64_t timed_class[WIRE_TIMED_CLASSES]; /* of the session, for any thread */
    uint32_t process_n, used_n;                       /* slots below used_n have had a lane */
    uint64_t read_at;                                 /* stamp of the last look; 0: one is due */
    uint64_t given_at;                                /* stamp of the one before */
};

/* False: no memory. counts_done is due all the same. */
bool counts_init(struct counts *counts, uint32_t process_n);
void counts_done(struct counts *counts);

/* Any thread: the process of the slot has ended, and all was told of it. */
void counts_reset(struct counts *counts, uint32_t process_slot);

/* Begins to read; then each open lane. */
void counts_begin(struct counts *counts);
void counts_lane(struct counts *counts, uint32_t process_slot, uint32_t number,
                 const struct wire_lane *lane);
/* Appends what has changed since it was told last. */
void counts_end(struct counts *counts, uint64_t stamp, struct counts_list *news);

/* A lane ends: its counters are kept. */
void counts_lane_closed(struct counts *counts, uint32_t process_slot, uint32_t number,
                        const struct wire_lane *lane);

/* True unless two lanes of a process count, or two processes: no lane's own peak is the session's.
 */
bool counts_are_of_one(const struct counts *counts);

#endif
