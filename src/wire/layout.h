/* SPDX-License-Identifier: Apache-2.0 */
/* Where things lie in a segment of a given size, computed once by the side that makes it. */
#ifndef MEMSCOPE_WIRE_LAYOUT_H
#define MEMSCOPE_WIRE_LAYOUT_H

#include "wire/segment.h"

enum { WIRE_SEGMENT_LEAST_BYTES = 512 << 10 };

/* Fills magic, version and the layout words of an all-zero header for a file of size_bytes. */
static inline void wire_layout(struct wire_segment *segment, uint64_t size_bytes)
{
    uint32_t page_n = (uint32_t)(size_bytes / WIRE_PAGE_BYTES);
    uint32_t bitmap_bytes = (page_n + 63) / 64 * 8;
    uint32_t process_n = page_n / 16 < WIRE_PROCESSES_MAX ? page_n / 16 : WIRE_PROCESSES_MAX;
    segment->magic = WIRE_MAGIC;
    segment->version = WIRE_VERSION;
    segment->header_bytes = sizeof *segment;
    segment->size_bytes = size_bytes;
    segment->page_n = page_n;
    segment->free_offset = WIRE_PAGE_BYTES;
    segment->lanes_offset = segment->free_offset + (bitmap_bytes + 63) / 64 * 64;
    segment->processes_offset = segment->lanes_offset + (bitmap_bytes + 63) / 64 * 64;
    segment->process_n = process_n;
    uint32_t process_bytes = process_n * (uint32_t)sizeof(struct wire_process);
    segment->execs_offset = (segment->processes_offset + process_bytes + 127) / 128 * 128;
    uint64_t end = segment->execs_offset + WIRE_EXECS * sizeof(struct wire_exec);
    segment->first_page = (uint32_t)((end + WIRE_PAGE_BYTES - 1) / WIRE_PAGE_BYTES);
}

#endif
