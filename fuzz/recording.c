/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the reader of recordings: the container, zstd, and what a rewind finds.
 *
 * A random change breaks a checksum and goes no further. So the input is tried as it is, and again
 * with the checksums of its header and of each chunk that lies within it put right.
 */
#include "sums.h"
#include "target.h"

#include <stdlib.h>

#include "recording/reader.h"

static void read_byte(uint8_t byte)
{
    volatile uint8_t read = byte;
    (void)read;
}

/* All chunks; each byte that is given out is read. */
static uint64_t read_chunks(struct recording_reader *reader)
{
    struct diag diag = {0};
    struct recording_chunk chunk = {0};
    while (recording_next(reader, &chunk, &diag) == 0) {
        for (size_t i = 0; i < chunk.n; i++)
            read_byte(chunk.bytes[i]);
    }
    return chunk.offset;
}

static void read_recording(const uint8_t *bytes, size_t n)
{
    struct diag diag = {0};
    struct recording_reader *reader;
    if (recording_open_memory(&reader, bytes, n, &diag) < 0)
        return;
    const struct recording_extent *extent = recording_extent(reader);
    if (extent->committed_bytes > extent->good_bytes || extent->good_bytes > n)
        abort();
    uint64_t last_offset = read_chunks(reader);
    if (recording_rewind(reader, last_offset, &diag) == 0)
        read_chunks(reader);
    recording_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    read_recording(bytes, n);
    uint8_t *mended = malloc(n ? n : 1);
    if (!mended)
        return 0;
    if (n)
        memcpy(mended, bytes, n);
    sums_mend(mended, n);
    read_recording(mended, n);
    free(mended);
    return 0;
}
