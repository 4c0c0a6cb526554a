/* SPDX-License-Identifier: Apache-2.0 */
/* Every event as it is fed, into the recording: --detailed-tracking. */
#ifndef MEMSCOPE_COLLECT_JOURNAL_H
#define MEMSCOPE_COLLECT_JOURNAL_H

#include "heap/feed.h"
#include "recording/events.h"

/* Zeroed = off: every call returns at once. */
struct journal {
    struct recording_writer *writer; /* NULL: off */
    struct events_out out;
    bool is_cut; /* the file took no more */
};

/* A heap event; what its kind does not name is 0. */
void journal_heap(struct journal *journal, enum events_kind kind,
                  const struct feed_context *context, const struct events_event *rest);

/* Any other event, complete. */
void journal_event(struct journal *journal, const struct events_event *event);

/* Writes out what is buffered: before each checkpoint. */
void journal_flush(struct journal *journal);

void journal_done(struct journal *journal);

#endif
