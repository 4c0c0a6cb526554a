/* SPDX-License-Identifier: Apache-2.0 */
/* What feeding keeps beside the model's tables. Private to heap/. */
#ifndef MEMSCOPE_HEAP_STATE_H
#define MEMSCOPE_HEAP_STATE_H

#include "heap/blocks.h"
#include "heap/feed.h"
#include "heap/maps.h"
#include "heap/model.h"
#include "heap/rows.h"
#include "heap/slices.h"

struct feed_process_state {
    struct blocks blocks;
    struct maps maps;
    bool ended;
    bool has_open_rows; /* of the last time that rows were settled */
};

struct feed_thread_state {
    uint64_t last_address; /* its last allocation while that lives, else 0 */
};

struct feed_task_state {
    bool ended;
    bool is_group;
    bool is_idle;        /* ended, nothing live: in the list of those that may fold */
    bool is_free;        /* folded: the entry may be used anew */
    uint32_t first_cell; /* + 1; its cells are linked by cell_next */
    uint64_t live_n;
};

/* In cell_next: the cell was folded away and may be used anew. */
#define CELL_FREE UINT32_MAX

/* The rows of one cell that passed to another. */
struct feed_fold {
    uint32_t from, into;
};

enum { CELLS_RECENT = 1024 };

/* Cells by key. */
struct cells_index {
    uint32_t *entries;             /* cell + 1, 0 = free */
    size_t mask;                   /* entries - 1, 0 = none yet */
    uint32_t recent[CELLS_RECENT]; /* cell + 1 that was looked up last, by a little of its key */
};

/* The slice under way; its sums are the session's less what they were when it began. */
struct feed_slice {
    uint64_t end_ns;
    uint64_t alloc_n, alloc_bytes, free_n, free_bytes;
    uint64_t high_bytes;
    uint64_t rss_bytes;
    uint64_t size_n[MODEL_SLICE_SIZE_CLASSES];
    uint64_t life_n[MODEL_CELL_LIFE_CLASSES];
};

#define FEED_TIME_MAX ((uint64_t)1 << 62)

/* Maxima that tests lower. rows may be passed by what the cache of rows holds. */
struct feed_limits {
    size_t rows, slices;
    size_t idle_tasks; /* ended tasks that are kept apart */
};

enum { FEED_IDLE_TASKS = 4096 };

/* A death that waits to be counted in its cell's lifetimes. */
struct feed_death {
    uint32_t life, life_class, n;
};

enum { FEED_DEATHS = 256 };

struct model_feed {
    uint64_t now_ns;
    struct feed_slice slice;
    uint32_t slice_at;   /* index of the slice under way, the last one */
    uint32_t checkpoint; /* number of the next one: cells that it must write carry it */
    uint64_t slice_start_ns;
    uint64_t tasks_alive;
    bool weighted; /* some block had a weight */
    struct feed_limits limits;
    VEC(struct feed_process_state) processes;
    VEC(struct feed_thread_state) threads;
    VEC(struct feed_task_state) tasks;
    struct cells_index cells;
    VEC(uint32_t) cell_next; /* of each cell: the next one of its task + 1, or CELL_FREE */
    VEC(uint32_t) cells_free;
    VEC(uint32_t) lives_free;
    VEC(uint32_t) tasks_free;
    VEC(uint32_t) tasks_idle;
    struct map mappings;         /* process << 32 | node -> index */
    VEC(struct feed_fold) folds; /* since the last checkpoint */
    struct rows rows;
    struct feed_death deaths[FEED_DEATHS]; /* counted together: their memory is far apart */
    unsigned death_n;
    uint32_t *renamed;    /* room for the new index of each slice */
    uint32_t slices_from; /* first slice that changed since the last checkpoint */
};

/* state->processes of an index that names a running process, or NULL. */
static inline struct feed_process_state *feed_process_at(const struct model_feed *feed,
                                                         uint32_t process)
{
    if (process >= feed->processes.n || feed->processes.at[process].ended)
        return NULL;
    return &feed->processes.at[process];
}

static inline bool cells_same(const struct model_cell_key *a, const struct model_cell_key *b)
{
    return a->node == b->node && a->process == b->process && a->thread == b->thread &&
           a->task == b->task;
}

/* cells.c: the cell of the key, made if there is none. Indices of the key are checked then. */
int cells_look_up(struct model *model, const struct model_cell_key *key, uint64_t at_ns,
                  uint32_t *ret_cell);
static inline uint32_t *cells_recent(struct model *model, const struct model_cell_key *key)
{
    return &model->feed->cells
                    .recent[(key->node + key->thread * 61 + key->task * 127) % CELLS_RECENT];
}
static inline int cells_take(struct model *model, const struct model_cell_key *key, uint64_t at_ns,
                             uint32_t *ret_cell)
{
    uint32_t *recent = cells_recent(model, key);
    if (*recent && cells_same(&model->cells.at[*recent - 1].key, key)) {
        *ret_cell = *recent - 1;
        return 0;
    }
    int err = cells_look_up(model, key, at_ns, ret_cell);
    if (err == 0)
        *recent = *ret_cell + 1;
    return err;
}

/* Its entry in lives, made if there is none. */
int cells_life_add(struct model *model, uint32_t cell);
static inline int cells_life_take(struct model *model, uint32_t cell)
{
    return model->cells.at[cell].life != MODEL_NONE ? 0 : cells_life_add(model, cell);
}
static inline void cells_death_count(struct model *model, const struct feed_death *death)
{
    uint32_t *n = &model->lives.at[death->life].n[death->life_class];
    *n = death->n > UINT32_MAX - *n ? UINT32_MAX : *n + death->n;
}
void cells_deaths_drain(struct model *model);
/* Asks for the index entry of a cell; then, once that is near, for the cell. */
void cells_prefetch_entry(const struct model *model, const struct model_cell_key *key);
void cells_prefetch(const struct model *model, const struct model_cell_key *key);
static inline void cells_prefetch_at(const struct model *model, uint32_t cell)
{
    const char *at = (const char *)&model->cells.at[cell];
    __builtin_prefetch(at, 1);
    __builtin_prefetch(at + 64, 1);
    __builtin_prefetch(at + 128, 1);
}
void cells_index_done(struct cells_index *index);
/* Finishes the figures of all cells. */
void cells_settle(struct model *model);
/* Brings the saved peaks of a cell to the last epochs. */
void cells_peaks_settle(const struct model *model, struct model_cell *cell);
/* Takes cells that were folded away out of the index. */
void cells_reindex(struct model *model);

/* fold.c: adds ended tasks that are not kept to their groups. Not in the middle of an event. */
void fold_idle_tasks(struct model *model);

/* timeline.c: begins the first slice; moves time on, closing slices. */
void timeline_start(struct model *model);
void timeline_advance(struct model *model, uint64_t at_ns);
/* Brings the figures of the slice under way up to date. */
void timeline_settle(struct model *model);
/* Lowers the limit of slices until rows have room again. */
void timeline_shrink(struct model *model);

static inline void feed_advance(struct model *model, uint64_t at_ns)
{
    if (at_ns <= model->feed->now_ns)
        return;
    if (at_ns > FEED_TIME_MAX)
        at_ns = FEED_TIME_MAX;
    if (at_ns >= model->feed->slice.end_ns) {
        timeline_advance(model, at_ns);
    } else {
        model->feed->now_ns = at_ns;
        model->end_ns = at_ns;
    }
}

/* An ended task without live blocks may fold. */
static inline void feed_task_rest(struct model_feed *feed, uint32_t task)
{
    struct feed_task_state *state = &feed->tasks.at[task];
    if (!state->ended || state->live_n || state->is_idle || state->is_free)
        return;
    state->is_idle = true;
    feed->tasks_idle.at[feed->tasks_idle.n++] = task; /* room was made when it began */
}

/* The slice in which a block was born that dies now. */
static inline uint32_t feed_born_slice(const struct model *model, uint64_t born_ns)
{
    const struct model_feed *feed = model->feed;
    if (born_ns >= feed->slice_start_ns)
        return feed->slice_at;
    return slices_find(model->slices.at, model->slices.n, born_ns);
}

/* settle.c: takes the rows of a process's live blocks anew. */
int open_rows_renew(struct model *model, uint32_t process);

#endif
