/* SPDX-License-Identifier: Apache-2.0 */
/* The images (processes from exec or fork to their end) of a session, by their slot. */
#ifndef MEMSCOPE_COLLECT_IMAGES_H
#define MEMSCOPE_COLLECT_IMAGES_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "collect/execs.h"
#include "collect/journal.h"
#include "collect/segment.h"
#include "collect/stacks.h"
#include "collect/tasks.h"
#include "collect/ticks.h"
#include "heap/feed.h"
#include "heap/model.h"

/* One image. Lives from when its slot or a lane of it is first seen until the slot is free again.
 */
enum { IMAGES_PASSED_BYTES = 256 };

struct image {
    bool used;
    bool begins; /* is being looked at for the first time */
    uint32_t slot;
    uint32_t process; /* index in the model */
    int pid;
    int pidfd;   /* -1: not to be had */
    bool sought; /* whose process it is, is not known yet: of another namespace, or dead */
    uint64_t sought_since; /* by our clock, not by what the target wrote */
    bool dead;             /* it ended before it could be watched */
    bool gone;             /* its threads are no more, its lanes are being closed */
    bool complete;         /* ... and the drain has read every lane to its end */
    bool execed;
    bool allocator_known; /* it was asked for */
    bool passed;          /* passed over: it writes nothing */
    uint64_t end_ns;      /* when it was seen to be gone */
    enum process_end end; /* how; PROCESS_LOST: nobody saw it */
    int status;
    uint64_t rss_bytes;      /* when it was last looked at */
    uint64_t rss_at_ns;      /* 0 = never */
    uint64_t rss_load;       /* what was live and mapped then */
    uint64_t rss_file_bytes; /* when its parts were last told: of files */
    uint64_t flush;          /* the drain's round that has seen the last of it */
    uint32_t lane_n;         /* lanes not closed yet */
    struct stacks stacks;
    struct map threads;             /* tid -> thread index */
    bool is_inner;                  /* of a pid namespace below ours: its tids are not /proc's */
    struct map hosts;               /* tid -> tid in /proc, where is_inner; as of listed_at */
    uint64_t listed_at, list_pause; /* ticks */
    struct tasks tasks;
};

/* A process in a pid namespace below ours. */
struct images_inner {
    int inner, host; /* its number there, and here */
};

/* A process that has forked others and has not said hello itself: it did not use the heap yet. */
struct images_forker {
    uint32_t process; /* in the model */
    int pid;
};

struct images {
    VEC(struct images_forker) forkers;
    VEC(struct images_inner) inner; /* as of looked_at */
    bool has_inner;                 /* a process of the session is of such a namespace */
    uint64_t looked_at;             /* ticks of the session */
    struct model *model;
    struct segment *segment;
    struct ticks ticks;
    struct stacks_sink sink;
    struct journal *journal;
    struct image *at; /* by slot */
    uint32_t live_n;
    uint32_t seen_n;                  /* images that were recorded, ever */
    int root_pid;                     /* the command's process; 0: not known yet */
    int root_parent;                  /* what started it; 0: anybody */
    bool redact;                      /* of command lines only the first word is kept */
    uint32_t passed_n;                /* images that were passed over */
    char passed[IMAGES_PASSED_BYTES]; /* what they are called, each name once */
    struct map by_stamp;              /* start stamp of an image -> index in the model */
    struct execs execs;               /* images that were not recorded */
    uint64_t explained_bytes; /* the session's resident memory when its parts were last told */
    uint64_t explained_load;  /* what was live and mapped then, as far as the model knew */
    uint64_t explain_at_ns;   /* when that may be done again */
};

/* From one scan to the next: twice as long where a percent budget asks for little. */
static inline uint64_t images_scan_pause_ns(const struct images *images)
{
    return images->segment->at->config.is_limited ? 20000000 : 10000000;
}

/* What it is given outlives it. ERR_MEMORY: nothing is left to be done. */
int images_init(struct images *images, struct model *model, struct segment *segment,
                const struct stacks_sink *sink, struct journal *journal);
void images_done(struct images *images);

/* The image of a slot, made known to the model when it is new. NULL: hostile slot, no memory. */
struct image *images_get(struct images *images, uint32_t slot);

/* Looks for slots that came alive, and for the processes of those that are sought. */
void images_scan(struct images *images);

/* A process of the session that lives; 0: none. */
int images_live_pid(const struct images *images);

/* What tells of the ends of images that live: at most so many. Returns how many. */
uint32_t images_watch(struct images *images, struct pollfd *ret_watched, struct image **ret_image,
                      size_t most);

/* True while the session has an image of that process. */
bool images_has(const struct images *images, int pid);

/* True while an image has ended and is not finished. */
bool images_any_gone(const struct images *images);

/* True while an image of the session has a process that lives: not just one to be finished. */
bool images_any_runs(const struct images *images);

/*
 * The number by which the owner of a status file of /proc knows itself in a pid namespace below
 * ours; 0: it is in ours, or there is no such file.
 */
int images_inner_number(const char *path);

/* True when process pid has the session's segment mapped. */
bool images_maps_segment(const struct images *images, int pid);

/* What changes slowly: the names of threads. */
void images_slow_scan(struct images *images);

/* Events of the image that found no lane. */
uint64_t images_lost(const struct images *images, const struct image *image);

/* The image has ended: its private memory is there for others, who may be waiting for it. */
void images_free_memory(const struct images *images, const struct image *image);

/* The image has ended and every lane of it was read: ends it in the model, frees the slot. */
void images_finish(struct images *images, struct image *image, enum process_end end, int status,
                   uint64_t at_ns);

#endif
