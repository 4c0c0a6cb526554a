/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a recording: magic numbers, chunk types and limits of docs/recording-format.md. */
#ifndef MEMSCOPE_RECORDING_FORMAT_H
#define MEMSCOPE_RECORDING_FORMAT_H

#include <stdint.h>

#define RECORDING_MAGIC "\x89MSCOPE\n"
#define RECORDING_CHUNK_MAGIC "CHNK"

enum {
    RECORDING_MAJOR = 1,
    RECORDING_MINOR = 0,
    RECORDING_HEADER_BYTES = 32,
    RECORDING_HEAD_BYTES = 24,
    RECORDING_RAW_MAX = 4 << 20,   /* of one chunk's payload */
    RECORDING_RAW_FREE = 64 << 10, /* raw <= this + ratio * stored: against bombs */
    RECORDING_RATIO_MAX = 32,
    RECORDING_PULSE_BYTES = 8,
};

enum recording_type {
    RECORDING_STRINGS = 1,
    RECORDING_MODULES,
    RECORDING_LOCATIONS,
    RECORDING_SYMBOLS,
    RECORDING_NODES,
    RECORDING_PROCESSES,
    RECORDING_THREADS,
    RECORDING_TASKS,
    RECORDING_CELLS,
    RECORDING_LIVES,
    RECORDING_ROWS,
    RECORDING_SLICES,
    RECORDING_SLICE_HISTOGRAMS,
    RECORDING_MARKS,
    RECORDING_FACTS,
    RECORDING_HISTOGRAMS,
    RECORDING_SESSION,
    RECORDING_COMMIT,
    RECORDING_EVENTS,
    RECORDING_FOLDS,
    RECORDING_MAPPINGS,
    RECORDING_PULSE,
};

enum { RECORDING_ZSTD = 1 }; /* flags of a chunk */

/* The head of a chunk, in the order of the file. */
struct recording_head {
    uint8_t magic[4];
    uint16_t type;
    uint16_t flags;
    uint32_t stored_bytes;
    uint32_t raw_bytes;
    uint32_t reserved;
    uint32_t checksum; /* CRC-32 of all before it and of the stored payload */
};

struct recording_header {
    uint8_t magic[8];
    uint16_t major;
    uint16_t minor;
    uint32_t reserved0;
    uint64_t start_unix_ns;
    uint32_t reserved1;
    uint32_t checksum;
};

_Static_assert(sizeof(struct recording_head) == RECORDING_HEAD_BYTES, "as in the file");
_Static_assert(sizeof(struct recording_header) == RECORDING_HEADER_BYTES, "as in the file");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structs are written as they are");

#endif
