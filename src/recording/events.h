/* SPDX-License-Identifier: Apache-2.0 */
/* Every event of a session, packed: the EVENTS chunks of --detailed-tracking. */
#ifndef MEMSCOPE_RECORDING_EVENTS_H
#define MEMSCOPE_RECORDING_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "recording/codec.h"
#include "recording/writer.h"

enum events_kind {
    EVENTS_ALLOC = 1,
    EVENTS_FREE,
    EVENTS_REALLOC_BEGIN,
    EVENTS_REALLOC_END,
    EVENTS_REALLOC_CANCEL,
    EVENTS_PROCESS_BEGIN,
    EVENTS_PROCESS_END,
    EVENTS_THREAD_BEGIN,
    EVENTS_TASK_BEGIN,
    EVENTS_TASK_END,
    EVENTS_RSS,
    EVENTS_TIME,
    EVENTS_MAP,
    EVENTS_UNMAP,
};

/* One event; fields that its kind does not name are 0. Indices are those of the model's tables. */
struct events_event {
    enum events_kind kind;
    uint32_t process, thread, task;
    uint64_t at_ns;
    uint64_t old_address; /* realloc end and cancel: of the block that began it, 0 = unknown */
    uint64_t address;     /* alloc, free, realloc begin; realloc end: the new one */
    uint64_t size_bytes;  /* alloc, realloc end; process end: how; task begin: group + 1; rss */
    uint32_t node;        /* alloc, realloc end; process end: status; task begin: spawn node */
    uint32_t weight;      /* alloc, realloc end */
};

/* A block of events under way. Zeroed = empty. */
struct events_out {
    struct codec_out bytes;
    uint64_t n;
    struct events_event last; /* what the next event's differences are from */
};

/* Appends; writes the block out when it is full. Results as recording_write. */
int events_add(struct events_out *out, struct recording_writer *writer,
               const struct events_event *event, struct diag *diag);

/* Writes what is buffered: before every checkpoint. */
int events_flush(struct events_out *out, struct recording_writer *writer, struct diag *diag);

void events_out_done(struct events_out *out);

/* The events of one chunk. */
struct events_in {
    struct codec_in bytes;
    uint64_t left;
    struct events_event last;
};

/* The bytes are read in place: they must outlive it. */
void events_in_init(struct events_in *in, const uint8_t *bytes, size_t n);

enum { EVENTS_END = 1 }; /* outcome: no event is left */

/* The next event: 0, EVENTS_END, or ERR_FORMAT. Indices are not checked. */
int events_next(struct events_in *in, struct events_event *ret_event);

#endif
