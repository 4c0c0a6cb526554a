/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as differences to the event before; each chunk stands alone.
 *
 * What an event carries depends on its kind alone, so that the table below is the whole format.
 */
#include "recording/events.h"

#include <string.h>

enum {
    EVENTS_CHUNK_BYTES = 512 << 10, /* flushed when it is longer */
    EVENTS_LEAST_BYTES = 2,         /* an event has a kind and a time */
    EVENTS_SAME_WHO = 1,            /* flags in the upper half of the kind's byte */
    EVENTS_WEIGHT_ONE = 2,
};

enum { FIELD_ADDRESS = 1, FIELD_OLD = 2, FIELD_SIZE = 4, FIELD_NODE = 8, FIELD_WEIGHT = 16 };

static const uint8_t events_fields[] = {
        [EVENTS_ALLOC] = FIELD_ADDRESS | FIELD_SIZE | FIELD_NODE | FIELD_WEIGHT,
        [EVENTS_FREE] = FIELD_ADDRESS,
        [EVENTS_REALLOC_BEGIN] = FIELD_ADDRESS,
        [EVENTS_REALLOC_END] = FIELD_ADDRESS | FIELD_OLD | FIELD_SIZE | FIELD_NODE | FIELD_WEIGHT,
        [EVENTS_REALLOC_CANCEL] = FIELD_OLD,
        [EVENTS_PROCESS_BEGIN] = 0,
        [EVENTS_PROCESS_END] = FIELD_SIZE | FIELD_NODE,
        [EVENTS_THREAD_BEGIN] = 0,
        [EVENTS_TASK_BEGIN] = FIELD_SIZE | FIELD_NODE,
        [EVENTS_TASK_END] = 0,
        [EVENTS_RSS] = FIELD_SIZE,
        [EVENTS_TIME] = 0,
        [EVENTS_MAP] = FIELD_ADDRESS | FIELD_SIZE | FIELD_NODE | FIELD_WEIGHT,
        [EVENTS_UNMAP] = FIELD_ADDRESS | FIELD_SIZE,
};

#define EVENTS_KINDS sizeof events_fields

static void events_put(struct events_out *out, const struct events_event *event)
{
    struct codec_out *bytes = &out->bytes;
    struct events_event *last = &out->last;
    unsigned fields = events_fields[event->kind];
    unsigned flags = 0;
    if (event->process == last->process && event->thread == last->thread &&
        event->task == last->task)
        flags |= EVENTS_SAME_WHO;
    if (event->weight == 1)
        flags |= EVENTS_WEIGHT_ONE;
    codec_put_byte(bytes, (uint8_t)(event->kind | flags << 4));
    if (!(flags & EVENTS_SAME_WHO)) {
        codec_put_u64(bytes, event->process);
        codec_put_u64(bytes, event->thread);
        codec_put_u64(bytes, event->task);
    }
    codec_put_i64(bytes, (int64_t)(event->at_ns - last->at_ns));
    if (fields & FIELD_OLD)
        codec_put_u64(bytes, event->old_address);
    if (fields & FIELD_ADDRESS)
        codec_put_i64(bytes, (int64_t)(event->address - last->address));
    if (fields & FIELD_SIZE)
        codec_put_u64(bytes, event->size_bytes);
    if (fields & FIELD_NODE)
        codec_put_i64(bytes, (int64_t)event->node - (int64_t)last->node);
    if ((fields & FIELD_WEIGHT) && !(flags & EVENTS_WEIGHT_ONE))
        codec_put_u64(bytes, event->weight);
}

/* Takes over what the next event's differences are from. */
static void events_remember(struct events_event *last, const struct events_event *event)
{
    unsigned fields = events_fields[event->kind];
    last->process = event->process;
    last->thread = event->thread;
    last->task = event->task;
    last->at_ns = event->at_ns;
    if (fields & FIELD_ADDRESS)
        last->address = event->address;
    if (fields & FIELD_NODE)
        last->node = event->node;
}

int events_add(struct events_out *out, struct recording_writer *writer,
               const struct events_event *event, struct diag *diag)
{
    if (!event->kind || (size_t)event->kind >= EVENTS_KINDS)
        return diag_set(diag, ERR_USAGE, "an event of unknown kind %d", (int)event->kind);
    events_put(out, event);
    events_remember(&out->last, event);
    out->n++;
    return out->bytes.n < EVENTS_CHUNK_BYTES ? 0 : events_flush(out, writer, diag);
}

int events_flush(struct events_out *out, struct recording_writer *writer, struct diag *diag)
{
    if (out->n == 0)
        return 0;
    struct codec_out chunk = {0};
    codec_put_u64(&chunk, out->n);
    codec_put_bytes(&chunk, out->bytes.bytes, out->bytes.n);
    int err = out->bytes.failed || chunk.failed
                      ? diag_set(diag, ERR_MEMORY, "no memory to keep events")
                      : recording_write(writer, RECORDING_EVENTS, chunk.bytes, chunk.n, diag);
    codec_out_done(&chunk);
    out->bytes.n = 0;
    out->bytes.failed = false;
    out->n = 0;
    out->last = (struct events_event){0};
    return err;
}

void events_out_done(struct events_out *out)
{
    codec_out_done(&out->bytes);
    *out = (struct events_out){0};
}

void events_in_init(struct events_in *in, const uint8_t *bytes, size_t n)
{
    *in = (struct events_in){.bytes = {.at = bytes, .end = bytes + n}};
    in->left = codec_get_count(&in->bytes, EVENTS_LEAST_BYTES);
}

static void events_get(struct events_in *in, unsigned flags, struct events_event *event)
{
    struct codec_in *bytes = &in->bytes;
    unsigned fields = events_fields[event->kind];
    event->process = in->last.process;
    event->thread = in->last.thread;
    event->task = in->last.task;
    if (!(flags & EVENTS_SAME_WHO)) {
        event->process = (uint32_t)codec_get_u64(bytes);
        event->thread = (uint32_t)codec_get_u64(bytes);
        event->task = (uint32_t)codec_get_u64(bytes);
    }
    event->at_ns = in->last.at_ns + (uint64_t)codec_get_i64(bytes);
    if (fields & FIELD_OLD)
        event->old_address = codec_get_u64(bytes);
    if (fields & FIELD_ADDRESS)
        event->address = in->last.address + (uint64_t)codec_get_i64(bytes);
    if (fields & FIELD_SIZE)
        event->size_bytes = codec_get_u64(bytes);
    if (fields & FIELD_NODE)
        event->node = (uint32_t)(in->last.node + (uint64_t)codec_get_i64(bytes));
    if (fields & FIELD_WEIGHT)
        event->weight = flags & EVENTS_WEIGHT_ONE ? 1 : (uint32_t)codec_get_u64(bytes);
}

int events_next(struct events_in *in, struct events_event *ret_event)
{
    if (in->bytes.failed)
        return ERR_FORMAT;
    if (in->left == 0)
        return EVENTS_END;
    unsigned head = codec_get_byte(&in->bytes);
    struct events_event event = {.kind = (enum events_kind)(head & 15)};
    if (!event.kind || (size_t)event.kind >= EVENTS_KINDS || head >> 4 > 3)
        return ERR_FORMAT;
    events_get(in, head >> 4, &event);
    if (in->bytes.failed)
        return ERR_FORMAT;
    events_remember(&in->last, &event);
    in->left--;
    *ret_event = event;
    return 0;
}
