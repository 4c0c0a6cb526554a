/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slots that were patched, and the task types that they belong to.
 *
 * Static, filled before the slot is patched and constant from then on: a thunk may run in any
 * thread from the moment of the patch. A forked child inherits them with the patched slots.
 */
#ifndef MEMSCOPE_CAPTURE_TASK_TABLE_H
#define MEMSCOPE_CAPTURE_TASK_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/task_rule.h"
#include "wire/event.h"

enum { TASK_SLOTS = 4096, TASK_TYPE_NONE = 0, TASK_TYPE_EXPLICIT = 1, TASK_TYPE_FIRST = 2 };
enum { TASK_TYPE_UNVERIFIED = 0, TASK_TYPE_VERIFIED = 1, TASK_TYPE_REFUSED = 2 };

/* What a call through a slot means. */
enum task_slot_kind {
    TASK_SLOT_DROP = 0, /* code of the task runs, such as a destructor */
    TASK_SLOT_POLL = 1, /* the same, and counts as a poll */
    /* CPython's own (tasks/asyncio.c): the argument leads to the task. */
    TASK_SLOT_ASYNCIO_STEP = 2,
    TASK_SLOT_ASYNCIO_WAKEUP = 3,
    TASK_SLOT_ASYNCIO_INIT = 4,
    TASK_SLOT_ASYNCIO_DEALLOC = 5,
};

struct task_slot {
    uintptr_t original;
    uintptr_t *word; /* that was patched */
    uint16_t type;
    uint8_t kind;   /* enum task_slot_kind */
    uint8_t sealed; /* the word lies in memory that is read-only */
};

struct task_type {
    const struct task_rule *rule;
    uintptr_t table;
    uintptr_t entry;    /* the function behind the poll slot */
    uint32_t id_offset; /* of the runtime's own id in a task; 0 = it has none */
    uint8_t copy;       /* of the runtime in this process: one for each module, from 1 */
    _Atomic uint8_t state;
};

extern struct task_slot task_slots[TASK_SLOTS];
extern struct task_type task_types[WIRE_TYPES_MAX];

/*
 * Looks for task tables in the modules that are loaded and patches them. From the constructor,
 * when the loader has relocated all of them and main has not begun.
 */
void task_tables_patch(void);

/* The same for a module that came later, by the start of its mapping: when its code is first seen.
 */
void task_tables_patch_module(uintptr_t start, uint32_t generation);

/* The same for the module behind a handle of dlopen, whose symbols the program looks up: before its
 * first function runs. */
void task_tables_patch_handle(const void *handle);

/* The type is no task type after all: its slots get their functions back, and the recording says
 * so. */
void task_type_refuse(struct task_type *type);

/* The type of coroutines with this function; TASK_TYPE_NONE: there is no room. */
uint32_t task_type_add_coroutine(uintptr_t start);

/* memscope_task_enter and its like. */
void task_enter_explicit(uint64_t id, const char *name);
void task_leave_explicit(void);
void task_end_explicit(uint64_t id);

#endif
