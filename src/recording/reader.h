/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the chunks of a recording that may be cut, damaged or hostile.
 *
 * Opening verifies every chunk once, without unpacking it, and finds the newest commit; after that
 * only chunks up to it are given out. Memory is at most twice RECORDING_RAW_MAX, whatever the file
 * says. Reading never waits: only regular files are opened.
 */
#ifndef MEMSCOPE_RECORDING_READER_H
#define MEMSCOPE_RECORDING_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "recording/format.h"

enum { RECORDING_END = 1 }; /* outcome: no further chunk */

struct recording_reader;

struct recording_chunk {
    enum recording_type type; /* may be one that this version does not know */
    const uint8_t *bytes;     /* valid until the next call */
    size_t n;
    uint64_t offset; /* of its head in the file */
    uint64_t end;    /* of its payload in the file */
};

/* What opening found. */
struct recording_extent {
    uint64_t file_bytes;
    uint64_t committed_bytes; /* end of the newest whole commit; 0 = there is none */
    uint64_t good_bytes;      /* end of the last whole chunk */
    bool is_damaged;          /* good_bytes < file_bytes */
    uint64_t start_unix_ns;
    uint64_t alive_ns; /* session time at which the recorder is known to have lived; 0 = none */
};

/* A file. ERR_FORMAT: it is no recording, or of another major version. */
int recording_open(struct recording_reader **ret_reader, const char *name, struct diag *diag);

/* The same from n bytes of memory, which must outlive the reader. */
int recording_open_memory(struct recording_reader **ret_reader, const void *bytes, size_t n,
                          struct diag *diag);

const struct recording_extent *recording_extent(const struct recording_reader *reader);

/*
 * The next chunk up to the newest commit; 0, RECORDING_END or a negative result. With ERR_FORMAT
 * (the chunk cannot be unpacked) ret_chunk->offset tells which one it is.
 */
int recording_next(struct recording_reader *reader, struct recording_chunk *ret_chunk,
                   struct diag *diag);

/*
 * Begins again, and takes the newest commit that ends before limit_bytes as the last one: for
 * chunks whose sum is right and whose content is not.
 */
int recording_rewind(struct recording_reader *reader, uint64_t limit_bytes, struct diag *diag);

/*
 * The last COMMIT behind the damage, which tells how much is missing; nothing else behind it can be
 * used. 0, RECORDING_END (none was found) or a negative result. recording_rewind before going on.
 */
int recording_later_commit(struct recording_reader *reader, struct recording_chunk *ret_chunk);

void recording_reader_close(struct recording_reader *reader);

#endif
