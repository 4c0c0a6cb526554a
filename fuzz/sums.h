/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the checksums of a recording right, so that a change gets past them to what reads it. */
#ifndef MEMSCOPE_FUZZ_SUMS_H
#define MEMSCOPE_FUZZ_SUMS_H

#include <string.h>
#include <zlib.h>

#include "recording/format.h"

/* Of the header and of every chunk that lies within the n bytes. */
static inline void sums_mend(uint8_t *bytes, size_t n)
{
    if (n < RECORDING_HEADER_BYTES)
        return;
    uint32_t sum = (uint32_t)crc32(0, bytes, offsetof(struct recording_header, checksum));
    memcpy(bytes + offsetof(struct recording_header, checksum), &sum, sizeof sum);
    for (size_t at = RECORDING_HEADER_BYTES; n - at >= RECORDING_HEAD_BYTES;) {
        struct recording_head head;
        memcpy(&head, bytes + at, sizeof head);
        if (head.stored_bytes > n - at - sizeof head)
            return;
        uLong chunk_sum = crc32(0, bytes + at, offsetof(struct recording_head, checksum));
        if (head.stored_bytes)
            chunk_sum = crc32(chunk_sum, bytes + at + sizeof head, head.stored_bytes);
        sum = (uint32_t)chunk_sum;
        memcpy(bytes + at + offsetof(struct recording_head, checksum), &sum, sizeof sum);
        at += sizeof head + head.stored_bytes;
    }
}

#endif
