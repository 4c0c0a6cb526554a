/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What passes from the drain thread to the model thread: runs of committed slots, in the order of
 * their lane, with a watermark below which nothing more will come.
 */
#ifndef MEMSCOPE_COLLECT_INTAKE_H
#define MEMSCOPE_COLLECT_INTAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "collect/counts.h"
#include "wire/segment.h"

enum {
    /* 32 MiB that the model is behind: then no round begins, rings fill up, and targets wait. */
    INTAKE_RUNS_MAX = 8 << 10,
    /* Runs that wait for the model until the drain lets it catch up: what lies longer than that has
     * left the processor's caches before it is read. */
    INTAKE_RUNS_BEHIND = 128,
};

/* A slot as it was copied out. */
struct intake_slot {
    uint64_t head, a, b, c;
};

/* Slots that lie in a row in one page of one lane, whole records only. */
struct intake_run {
    struct intake_run *next, *previous;
    uint32_t lane; /* number given by the drain, never used again */
    uint32_t n;
    uint32_t at;    /* the first slot that was not fed */
    uint64_t place; /* of the first slot in its lane */
    struct intake_slot slots[WIRE_PAGE_SLOTS];
};

enum intake_news_kind { INTAKE_LANE_OPENED, INTAKE_LANE_CLOSED };

/* A lane that was found, or that is finished; in order with the runs of its round. */
struct intake_news {
    enum intake_news_kind kind;
    uint32_t lane;
    uint32_t process_slot;
    uint32_t lane_kind; /* enum wire_lane_kind */
    uint32_t tid;
    uint32_t page; /* of the lane's header */
    uint64_t start_stamp;
    uint64_t abandoned_n, late_n, lost_n; /* INTAKE_LANE_CLOSED: final counts */
    uint64_t stall_n, stall_ticks;
};

struct intake_batch {
    struct intake_run *first, *last;
    uint32_t run_n;
    struct intake_news *opened; /* malloc'd, to be handled before the runs */
    size_t opened_n;
    struct intake_news *closed; /* malloc'd, to be handled after them */
    size_t closed_n;
    struct counts_list counts; /* by stamp */
    uint64_t watermark;
    uint64_t flush; /* the highest flush request that this batch answers */
};

struct intake {
    pthread_mutex_t lock;
    pthread_cond_t taken; /* what waited was */
    bool awaits_take;     /* somebody waits for that */
    struct intake_batch waiting;
    struct intake_run *free_runs;
    uint32_t free_n, run_n;
    uint32_t waiting_n; /* runs of the batch that waits */
    int event_fd;       /* readable when a batch waits */
    bool wake;          /* the model thread wants the event */
};

/* ERR_IO: there is no descriptor; nothing is left to be done. */
int intake_init(struct intake *intake);
void intake_done(struct intake *intake);

/* An empty run, or NULL: there are `most` (the model is too far behind), or no memory. */
struct intake_run *intake_run_get(struct intake *intake, uint32_t most);
void intake_run_put(struct intake *intake, struct intake_run *first);

/*
 * Adds a batch behind what waits; takes ownership of what is in it. The model thread is woken where
 * `now` is set; otherwise what waits is not worth a wake-up yet.
 */
void intake_give(struct intake *intake, struct intake_batch *batch, bool now);

/*
 * Whether a round may begin: fewer than `most` runs are in use, or the model has fed all that it
 * was given, and can go on with what another round brings only.
 */
bool intake_has_room(struct intake *intake, uint32_t most);

/* Wakes the model thread if it waits. */
void intake_wake(struct intake *intake);

/* Whether so much waits that the model should come first. */
bool intake_is_behind(struct intake *intake);

/* Waits until the model takes what waits, at the most that long, which is under a second. */
void intake_await_taken(struct intake *intake, long most_ns);

/* Takes all that waits; the batch is empty when nothing does. */
void intake_take(struct intake *intake, struct intake_batch *ret_batch);

/* Frees what is left in a batch. */
void intake_batch_done(struct intake_batch *batch);

/* Waits for something to take, at the most that long. */
void intake_wait(struct intake *intake, int most_ms);

#endif
