/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of a recording fed into a fresh model (--detailed-tracking): the same figures again, which
 * proves the aggregated ones, and a place to look at every event on the way.
 */
#ifndef MEMSCOPE_HEAP_REPLAY_H
#define MEMSCOPE_HEAP_REPLAY_H

#include "base/diag.h"
#include "heap/feed.h"
#include "heap/model.h"
#include "recording/events.h"
#include "recording/reader.h"

struct replay_pending {
    uint32_t process, thread;
    uint64_t old_address;
    struct feed_pending pending;
};

/* A replay under way. */
struct replay {
    const struct model *tables; /* where processes, threads and tasks are described */
    struct model *model;        /* open for feeding */
    VEC(struct replay_pending) pendings;
};

/* Applies one event. ERR_FORMAT: it names what is not there; other results are the feed's. */
int replay_event(struct replay *replay, const struct events_event *event);

void replay_done(struct replay *replay);

/*
 * Replays all events of a recording whose model is `tables`. The new model has the tables' strings,
 * modules, locations, symbols and nodes. ERR_MISSING: the recording has no events.
 */
int replay_recording(struct recording_reader *reader, const struct model *tables,
                     struct model **ret_model, struct diag *diag);

#endif
