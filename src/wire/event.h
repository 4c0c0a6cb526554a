/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version 1 of the records that cross from the target to the collector.
 *
 * A record is one slot of 32 bytes, or several in a row within one page. Every slot has a head
 * word of its own: 0 = reserved but not committed. The head of a record's first slot is stored
 * last, with release order, so that a reader that sees it sees the whole record; the slots that
 * continue it carry WIRE_CONTINUED heads. A slot can therefore always be skipped by itself.
 *
 * Heads of events are `stamp << 8 | kind`; the stamp counts ticks since the session began (the
 * time stamp counter, or the shared sequence where that may not be read). Heads of log records
 * carry their own fields.
 */
#ifndef MEMSCOPE_WIRE_EVENT_H
#define MEMSCOPE_WIRE_EVENT_H

#include <stdatomic.h>
#include <stdint.h>

struct wire_slot {
    _Atomic uint64_t head;
    uint64_t a, b, c;
};

enum { WIRE_SLOT_BYTES = 32, WIRE_SLOT_WORDS = 3 };

enum wire_kind {
    WIRE_NONE = 0,
    /* Heap events. `stack` below: stack id in 48 bits, weight in the 16 above (1 = exact). */
    WIRE_ALLOC = 1,          /* a address, b size, c stack */
    WIRE_FREE = 2,           /* a address; committed before the real free */
    WIRE_REALLOC_BEGIN = 3,  /* a old address; committed before the real realloc */
    WIRE_REALLOC_END = 4,    /* a new address, b size, c stack | slot 2: a old address */
    WIRE_REALLOC_CANCEL = 5, /* a old address: the real realloc failed, the block lives on */
    WIRE_MAP = 6,   /* a address, b length, c stack | enum wire_map, in the weight's place */
    WIRE_UNMAP = 7, /* a address, b length; committed before the real munmap */
    /* Threads and tasks. A switch is written lazily, before the first event after it. */
    WIRE_THREAD_BEGIN = 16, /* a tid: first record of each lane */
    WIRE_THREAD_NAME = 17,  /* a..c name, 24 bytes at most, 0-padded */
    WIRE_THREAD_END = 18,
    WIRE_TASK_SWITCH =
            19,           /* a task key (0 = none), b polls, c cell: the thread runs it from here */
    WIRE_TASK_TYPE = 20,  /* a type, b table, c entry | slot 2: a rule, b 1 = it is none: before
                             its first cell */
    WIRE_TASK_END = 21,   /* a task key, b polls, c cell: for tasks without a heap block */
    WIRE_TASK_NAME = 22,  /* a task key, b length, c cell | text slots */
    WIRE_TASK_POLLS = 23, /* a task key, b polls, c cell: what no switch has told yet */
    /* The process. */
    WIRE_FORK = 32,  /* a child's pid as the parent sees it, b child's process slot + 1 or 0 */
    WIRE_MARK = 34,  /* b length | text slots */
    WIRE_RATE = 35,  /* a least weight before, b after, c reason */
    WIRE_LOST = 36,  /* a events lost since the last such record, b ticks they span */
    WIRE_CLOCK = 37, /* a stamp source from here on: enum wire_stamp_source */
    /* Records of the stack log; heads carry no stamp. */
    WIRE_STACK = 64,  /* head: n << 8 | flags << 24 | kept << 40; a previous id; b, c, then three a
                         slot: n addresses, root side first */
    WIRE_MODULE = 65, /* head: name bytes << 8 | build-id bytes << 24 | generation << 32, with
                         WIRE_MODULE_EXE set in it for the executable; a base,
                         b end | slot 2: build-id, 24 bytes | text slots: name */
    /* Neither. */
    WIRE_PAD = 126,       /* nothing: the end of a page that a record did not fit into */
    WIRE_CONTINUED = 127, /* belongs to the record before it */
};

/* The executable's name is what was executed: a path that may be relative, or a script's. */
#define WIRE_MODULE_EXE (UINT32_C(1) << 31)

enum { WIRE_KIND_BITS = 8, WIRE_STACK_BITS = 48, WIRE_STACK_FRAMES_MAX = 64, WIRE_NAME_MAX = 1024 };

/*
 * A task's key: its runtime's own id where it has one, unique for ever together with the type's
 * table; else its address. Its cell: the address of its heap block, and its type in the 16 bits
 * above. Polls: the number since the last record of the task in the 24 bits above, the ticks that
 * those of them that were timed took below. One poll in WIRE_POLLS_TIMED is timed, or each one when
 * config.monitor is set.
 */
enum { WIRE_CELL_BITS = 48, WIRE_POLLS_SHIFT = 40, WIRE_POLLS_TIMED = 16, WIRE_TYPES_MAX = 1024 };

/* Who defines what a task is. */
enum wire_task_rule {
    WIRE_RULE_NONE = 0,
    WIRE_RULE_TOKIO = 1,
    WIRE_RULE_ASYNC_TASK = 2, /* smol, async-std, async-executor */
    WIRE_RULE_ASYNCIO = 3,    /* CPython */
    WIRE_RULE_COROUTINE = 4,  /* C++20 */
    WIRE_RULE_EXPLICIT = 5,   /* memscope_task_enter */
    WIRE_RULES = 6
};

/*
 * In records of a common lane, where threads take turns, bit 7 of the kind is set and one more
 * slot follows: a = tid of the writer, b = its current task key, c = its cell.
 */
enum { WIRE_BY_OTHERS = 0x80 };

/* How a program got memory from the kernel: by mmap, brk and the like, or by mremap. */
enum wire_map {
    WIRE_MAP_NEW = 1,
    WIRE_MAP_RESIZED = 2, /* what mremap gave for what the unmap before it took */
    WIRE_MAP_KEPT = 3,    /* the unmap before it did not come to pass */
};

/* Flags of a stack record. */
enum { WIRE_STACK_GUESSED = 1, WIRE_STACK_TRUNCATED = 2, WIRE_STACK_UNKNOWN_RANGE = 4 };

static inline uint64_t wire_head(uint64_t stamp, unsigned kind)
{
    return stamp << WIRE_KIND_BITS | kind;
}

static inline uint64_t wire_stack(uint64_t stack_id, unsigned weight)
{
    return stack_id | (uint64_t)weight << WIRE_STACK_BITS;
}

_Static_assert(sizeof(struct wire_slot) == WIRE_SLOT_BYTES, "a slot is 32 bytes");

#endif
