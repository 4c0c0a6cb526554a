/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes chunks into a recording, one thread at a time.
 *
 * The first failure of the disk is handed up once, as ERR_IO with its sentence: the file is cut
 * back to its last commit, and from then on every call returns RECORDING_OFF and does nothing, so
 * that whoever drains events goes on.
 */
#ifndef MEMSCOPE_RECORDING_WRITER_H
#define MEMSCOPE_RECORDING_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "recording/format.h"

enum { RECORDING_OFF = 1 }; /* outcome: the file failed before, nothing was written */

struct recording_writer;

/* Creates the file (0600; it must not exist, links are not followed) and writes its header. */
int recording_create(struct recording_writer **ret_writer, const char *name, uint64_t start_unix_ns,
                     struct diag *diag);

/*
 * As recording_create, for a new, empty file that the caller has opened for reading and writing
 * (file_create_new). The writer owns fd from then on, also on failure. name serves compaction.
 */
int recording_adopt(struct recording_writer **ret_writer, int fd, const char *name,
                    uint64_t start_unix_ns, struct diag *diag);

/* Appends a chunk of n <= RECORDING_RAW_MAX payload bytes; a COMMIT ends a checkpoint. */
int recording_write(struct recording_writer *writer, enum recording_type type, const void *bytes,
                    size_t n, struct diag *diag);

/*
 * Notes that the recorder lived at this time of the session. The note stands behind the last chunk
 * until the next one takes its place: whoever reads a recording that was never finished learns how
 * much of it is missing. Not while it is rewritten.
 */
int recording_pulse(struct recording_writer *writer, uint64_t at_ns, struct diag *diag);

/*
 * Chunks that another thread packs meanwhile: added to a part by one thread at a time, appended to
 * the recording as one piece. A part of NULL or without memory is ERR_MEMORY when it is appended.
 */
struct recording_part;
struct recording_part *recording_part_new(void);
int recording_part_add(struct recording_part *part, enum recording_type type, const void *bytes,
                       size_t n);
int recording_part_append(struct recording_writer *writer, const struct recording_part *part,
                          struct diag *diag);
void recording_part_free(struct recording_part *part);

/*
 * Compaction: between begin and end, chunks go to a temporary file beside the recording, which
 * takes the recording's name at end. Should anything fail in between, the recording stays as it was
 * and the writer goes on appending to it: the result is RECORDING_KEPT.
 */
enum { RECORDING_KEPT = 2 };
int recording_rewrite_begin(struct recording_writer *writer, struct diag *diag);
int recording_rewrite_end(struct recording_writer *writer, struct diag *diag);

/* Bytes in the file that takes chunks now. */
uint64_t recording_written_bytes(const struct recording_writer *writer);

/* True once the file failed. */
bool recording_is_off(const struct recording_writer *writer);

/* True once an EVENTS chunk was written: such a recording is never compacted. */
bool recording_has_events(const struct recording_writer *writer);

const char *recording_name(const struct recording_writer *writer);

/* Closes the file. What was written since the last commit stays, readers pass over it. */
void recording_close(struct recording_writer *writer);

#endif
