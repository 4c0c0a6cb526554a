/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session segment: one sealed memfd that all processes of a session and the collector share.
 *
 *     page 0            struct wire_segment (read-mostly words, then each hot word on its line)
 *     pages 1..         free-page bitmap, lane bitmap, process slots, images about to begin
 *     first_page..      pages: lane headers and ring pages, in whatever order they are taken
 *
 * The file has its final size from the start and is sparse. The collector backs a page with
 * memory (fallocate), zeroes it and only then sets its bit in the free bitmap; a process takes a
 * page by clearing the lowest bit it finds. Low pages are taken first, so that a process gets by
 * with a small view of the front; it enlarges its view without a descriptor (mremap of a shared
 * mapping with old size 0), and older views stay valid.
 *
 * Everything in the segment is untrusted for the collector: it copies a word once, then checks
 * the copy.
 */
#ifndef MEMSCOPE_WIRE_SEGMENT_H
#define MEMSCOPE_WIRE_SEGMENT_H

#include <stdatomic.h>
#include <stdint.h>

#include "wire/choice.h"
#include "wire/event.h"
#include "wire/exec.h"
#include "wire/rate.h"

#define WIRE_MAGIC 0x65706f63736d656dULL /* "memscope" */

enum {
    WIRE_VERSION = 5,
    WIRE_PAGE_BYTES = 4096,
    WIRE_PAGE_SLOTS = WIRE_PAGE_BYTES / WIRE_SLOT_BYTES,
    WIRE_PAGE_BITS = 24,   /* of a page number */
    WIRE_LANE_PAGES = 256, /* most ring pages of one lane */
    WIRE_PROCESSES_MAX = 1024,
    WIRE_LINE = 64,
    WIRE_TIMED_CLASSES = 64,
    WIRE_RETURNED = 11,
    WIRE_CONTROL_PATH = 256,
    WIRE_PROCESS_NAME = 40,
};

/* segment.recording */
enum wire_recording {
    WIRE_OFF = 0, /* hooks pass through */
    WIRE_ON = 1,
    WIRE_PAUSED = 2, /* the user asked: frees of known blocks only */
    WIRE_ENDED = 3,  /* the session is over, for ever */
};

enum wire_stamp_source { WIRE_STAMP_TSC = 0, WIRE_STAMP_SEQUENCE = 1 };

enum wire_strategy {
    WIRE_SINGLE_THREAD = 0, /* stamps from the coarse clock until a second thread exists */
    WIRE_THREAD_LOCAL = 1,
    WIRE_ASYNC = 2,
    WIRE_HYBRID = 3, /* begins as the first, and tracks tasks */
    WIRE_LEGACY = 4, /* the common lane alone, for every thread */
};

/* What the launcher found in the program's file, as bits. */
enum wire_found {
    WIRE_FOUND_COROUTINES = 1,  /* symbols of coroutines of C++20 */
    WIRE_FOUND_NO_BOUNDARY = 2, /* Tokio, but none of its task tables */
};

/* What the launcher decided; constant once the first target runs. */
struct wire_config {
    uint32_t strategy;
    uint32_t track_tasks; /* 0 no, 1 asked for, 2 where it costs next to nothing */
    uint32_t weight;      /* least weight of sampled allocations; 1 = every one, exactly */
    uint32_t follow;      /* 1 = exec'd images join the session */
    uint32_t track_maps;
    uint32_t monitor;             /* 1 = time hooks (performance monitoring) */
    uint32_t lane_pages;          /* most ring pages of one lane, <= WIRE_LANE_PAGES */
    uint32_t found;               /* enum wire_found */
    uint64_t private_limit_bytes; /* of private_bytes below */
    uint64_t seed;
    uint64_t rate;         /* wire/rate.h: as the session begins */
    uint32_t is_limited;   /* 1 = a percent budget: the collector is to use little */
    uint32_t later_weight; /* behind its beginning, where the rate has one */
};

#define WIRE_CONTROL_NONE "-"

struct wire_segment {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes; /* sizeof(struct wire_segment): refuses a library of another build */
    uint64_t key[2];
    uint64_t size_bytes; /* of the whole file */
    uint32_t page_n;     /* pages in all */
    uint32_t first_page; /* of those that may be taken */
    /* Bytes from the start. */
    uint32_t free_offset, lanes_offset, processes_offset, execs_offset;
    uint32_t process_n;
    uint64_t start_tsc;
    uint32_t collector_pid, stamp_source;
    struct wire_config config;
    struct wire_choice choice;
    /* Path of the control socket (wire/control.h), or WIRE_CONTROL_NONE; its first byte is written
     * last, a moment after the first image was let go. */
    char control[WIRE_CONTROL_PATH];

    /* Written by the collector, read by hooks. */
    _Alignas(WIRE_LINE) _Atomic uint32_t recording;
    _Atomic uint32_t collector_naps; /* 1 = a full ring should ring the doorbell */
    _Atomic uint64_t rate;           /* what is recorded of the allocations: wire/rate.h */
    /* Least weight that the user wants (1 = every allocation, 0 = totals only); the collector's
     * own other threads write it, the governor obeys it within 10 ms. */
    _Atomic uint32_t wanted_weight;
    _Alignas(WIRE_LINE) _Atomic uint64_t coarse_stamp; /* now, once a millisecond: the heartbeat */
    _Alignas(WIRE_LINE) _Atomic uint32_t room;         /* futex: counts pages given back */

    /* Written by targets. */
    _Alignas(WIRE_LINE) _Atomic uint32_t doorbell;      /* futex: a writer waits for room */
    _Alignas(WIRE_LINE) _Atomic uint64_t sequence;      /* stamps where the TSC may not be read */
    _Alignas(WIRE_LINE) _Atomic uint64_t private_bytes; /* of all processes */
    _Atomic uint64_t refused_process_n;                 /* found no process slot */
    _Atomic uint64_t unnamed_exec_n; /* images that do not fit, and found no entry to be named in */
    _Atomic uint32_t root_passes;    /* 1 = the first image is passed over, and sets this to 0 */
};

/* process.state */
enum {
    WIRE_PROCESS_FREE = 0,
    WIRE_PROCESS_CLAIMED = 1, /* being filled in */
    WIRE_PROCESS_LIVE = 2,
    WIRE_PROCESS_DONE = 3, /* the collector is through with it */
};

/* process.flags */
enum {
    WIRE_PROCESS_FORKED = 1,        /* began by fork, not by exec */
    WIRE_PROCESS_OWN_ALLOCATOR = 2, /* the executable defines malloc: hooks see nothing */
    WIRE_PROCESS_SECCOMP = 4,       /* no system calls from here on */
    WIRE_PROCESS_PROMOTED = 8,      /* single-thread saw a second thread */
    WIRE_PROCESS_NO_TSC = 16,
    WIRE_PROCESS_JEMALLOC = 32,        /* linked into the executable; its own hooks record it */
    WIRE_PROCESS_JEMALLOC_UNSEEN = 64, /* linked in, but its hooks are not as expected */
    WIRE_PROCESS_PASSED = 128,         /* passed over: it writes nothing, but lets others in */
};

/* One image of one process. */
struct wire_process {
    _Atomic uint32_t state;
    _Atomic uint32_t flags;
    uint32_t pid;    /* as the process sees itself */
    uint32_t parent; /* slot + 1 of the image that forked it; 0 = unknown */
    uint64_t start_stamp;
    /* That image's start_stamp: its slot may be another's by now. Where it is unknown: the number
     * of the process that started this one, as that sees itself. */
    uint64_t parent_stamp;
    _Atomic uint32_t common_lane; /* page numbers; 0 = none yet */
    _Atomic uint32_t log_lane;
    _Atomic uint64_t private_bytes;
    _Atomic uint64_t early_n, early_bytes; /* served before the process could be recorded */
    _Atomic uint64_t unstacked_n;          /* events without a stack for want of memory */
    _Atomic uint64_t lost_n;               /* events that found no lane at all */
    _Atomic uint64_t refused_n;            /* samples that the address set had no room for */
    _Atomic uint32_t set_room;             /* addresses that the set holds; 0 = there is none */
    /* State numbers (+ 1) of threads that are gone, from the collector to the process. */
    _Atomic uint32_t returned[WIRE_RETURNED];
    /* Told by the process when it ended: its peak, and what was resident then. 0: not told. */
    _Atomic uint32_t rss_peak_kb, rss_anon_kb, rss_file_kb, rss_shmem_kb;
    char name[WIRE_PROCESS_NAME]; /* base name of what was executed, cut; maybe without a 0 */
};

enum wire_lane_kind { WIRE_LANE_OWN = 1, WIRE_LANE_COMMON = 2, WIRE_LANE_LOG = 3 };

/*
 * A thread's place to write: the head of its ring and the directory of the ring's pages.
 *
 * head counts slots for ever. Logical ring page i = head / WIRE_PAGE_SLOTS is found in entry
 * i % WIRE_LANE_PAGES, as (i + 1) << WIRE_PAGE_BITS | page number. A writer that finds 0, or an
 * older i without a page, takes a page and installs it by compare-and-swap; an older i with a page
 * means that the ring is full. The collector takes the page number out of an entry once it has
 * copied the page; the i stays, so that entries only rise and no late writer installs a page a
 * second time. It does so, too, with a page that holds up the ring because a record in it stays
 * open. A writer that finds its own i without a page, or a later i, reserves anew.
 */
struct wire_lane {
    _Atomic uint64_t head;
    uint32_t process; /* slot */
    uint32_t kind;
    _Atomic uint32_t tid;     /* owner; 0 for lanes with many writers */
    _Atomic uint32_t retired; /* set by the collector: the owner is gone, the page is given back */
    uint64_t start_stamp;
    _Atomic uint64_t
            moved_n; /* slots that their writers left open: they reserved anew, or gave up */
    uint32_t state;  /* number of the owner's private state */
    uint32_t pad0;
    /*
     * While sampling: the most by which usable_in was above usable_out where the owner recorded an
     * allocation, and its stamp, which is written first.
     */
    _Atomic int64_t high_bytes;
    _Atomic uint64_t high_stamp;
    /* Exact at any moment, also when the process is killed; plain stores of the owner. What each
     * hook counts lies in one line. */
    _Alignas(WIRE_LINE) _Atomic uint64_t alloc_n;
    _Atomic uint64_t alloc_bytes, free_n, realloc_n;
    _Atomic uint64_t usable_in, usable_out; /* while sampling: bytes of blocks that came and went */
    _Atomic uint64_t stall_n, stall_ticks;
    _Alignas(WIRE_LINE) _Atomic uint64_t lost_n;
    _Atomic uint64_t timed_n, timed_ticks; /* one hook in 256 is timed */
    /* Stacks of timed hooks: their number, frames that were not as before, stacks without any. */
    _Atomic uint64_t unwound_n, unwound_frames, unwound_same;
    _Atomic uint64_t timed_event_ticks; /* of timed_ticks: hooks that recorded something */
    _Atomic uint64_t pad1;
    /* Timed hooks by their ticks, four classes for each power of two. */
    _Alignas(WIRE_LINE) _Atomic uint32_t timed_class[WIRE_TIMED_CLASSES];
    _Alignas(WIRE_LINE) _Atomic uint64_t page_of[WIRE_LANE_PAGES];
};

_Static_assert(sizeof(struct wire_lane) <= WIRE_PAGE_BYTES, "a lane header is one page");
_Static_assert(sizeof(struct wire_segment) <= WIRE_PAGE_BYTES, "the segment header is one page");
_Static_assert(sizeof(struct wire_process) == 192, "process slots do not straddle lines");

static inline struct wire_process *wire_process_at(const struct wire_segment *segment,
                                                   uint32_t slot)
{
    struct wire_process *first = (void *)((char *)(uintptr_t)segment + segment->processes_offset);
    return first + slot;
}

/* The entry with this index, below WIRE_EXECS. */
static inline struct wire_exec *wire_exec_at(const struct wire_segment *segment, uint32_t index)
{
    struct wire_exec *first = (void *)((char *)(uintptr_t)segment + segment->execs_offset);
    return first + index;
}

static inline _Atomic uint64_t *wire_free_bits(const struct wire_segment *segment)
{
    return (void *)((char *)(uintptr_t)segment + segment->free_offset);
}

static inline _Atomic uint64_t *wire_lane_bits(const struct wire_segment *segment)
{
    return (void *)((char *)(uintptr_t)segment + segment->lanes_offset);
}

static inline uint64_t wire_page_entry(uint64_t ring_page, uint32_t page)
{
    return (ring_page + 1) << WIRE_PAGE_BITS | page;
}

static inline uint32_t wire_entry_page(uint64_t entry)
{
    return (uint32_t)(entry & ((1u << WIRE_PAGE_BITS) - 1));
}

static inline uint64_t wire_entry_ring_page(uint64_t entry)
{
    return (entry >> WIRE_PAGE_BITS) - 1;
}

#endif
