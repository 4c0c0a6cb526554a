/* SPDX-License-Identifier: Apache-2.0 */
/* The collector's side of the session segment: making it, backing its pages, taking them back. */
#ifndef MEMSCOPE_COLLECT_SEGMENT_H
#define MEMSCOPE_COLLECT_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "wire/segment.h"

struct segment {
    struct wire_segment *at; /* the whole file, mapped */
    int fd;
    uint64_t size_bytes;
    uint64_t inode; /* by which /proc/PID/maps names it */
    /* Our own copies: what stands in the file may be changed by any target. */
    uint32_t page_n, first_page, process_n;
    uint32_t backed_to; /* pages below it have memory */
    uint64_t start_tsc;
    bool is_ours_alone; /* processes that we fork do not have it */
};

/* Makes the memfd, sealed and sparse; `config` becomes the session's. */
int segment_init(struct segment *ret_segment, uint64_t size_bytes, const struct wire_config *config,
                 struct diag *diag);
void segment_done(struct segment *segment);

/* Processes that we fork from here on do not have the segment. */
void segment_keep(struct segment *segment);

/* Backs pages until at least `wanted` are free, or the file is used up; returns how many. */
uint32_t segment_offer(struct segment *segment, uint32_t wanted);

/* True for a number that a page of ours can have. */
static inline bool segment_has_page(const struct segment *segment, uint32_t page)
{
    return page >= segment->first_page && page < segment->page_n;
}

static inline void *segment_page(const struct segment *segment, uint32_t page)
{
    return (char *)segment->at + (size_t)page * WIRE_PAGE_BYTES;
}

/* An empty memfd that can be sealed and never executed; -1 and errno on failure. */
int segment_memfd(const char *name);

/* Zeroes a page and offers it again. */
void segment_give_back(struct segment *segment, uint32_t page);

/*
 * Whether any other process still maps the segment: a forked child that has not allocated yet, say.
 * Nobody of ours may touch the segment meanwhile. When it returns false the segment is sealed
 * against writing, for ever: the session is over.
 */
bool segment_is_shared(struct segment *segment);

/* The door: what an image needs to get in (capture/door.h). pid: the collector's, as in /proc. */
void segment_door(const struct segment *segment, pid_t pid, char *ret_text, size_t text_bytes);

/* Ticks since the session began. */
uint64_t segment_now(const struct segment *segment);

#endif
