/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Task boundary rules: how a runtime's task tables are known, and what their slots mean.
 *
 * A rule is data. Tables are found by their shape in relocated read-only memory, so neither symbols
 * nor debug information are needed, and what was found is verified at its first call.
 */
#ifndef MEMSCOPE_CAPTURE_TASK_RULE_H
#define MEMSCOPE_CAPTURE_TASK_RULE_H

#include <stdbool.h>
#include <stdint.h>

/* The executable and the readable memory of the module under scan. */
struct task_scan;
bool task_scan_is_code(const struct task_scan *scan, uintptr_t address);
bool task_scan_is_readable(const struct task_scan *scan, uintptr_t address, uint64_t bytes);

enum { TASK_RULE_WORDS = 12, TASK_NO_ID = -1, TASK_ANY_WORD = -1 };

struct task_rule {
    const char *runtime;
    uint32_t number;                 /* enum wire_task_rule */
    uint32_t words;                  /* of a table, those that the shape is about */
    uint32_t code_words;             /* bit per word: it points to code of the module */
    uint32_t enter_words;            /* bit per word: its calls run a task */
    uint32_t poll_word;              /* the one that counts as a poll */
    int32_t id_offset_word;          /* the table's word that tells where a task has its id */
    int32_t table_word;              /* the word of a task that points to its table */
    uint32_t least_block_bytes_word; /* a table word: a task is at least that long; 0 = none */
    bool (*fits)(const struct task_scan *scan, const uintptr_t *table); /* the other words */
};

extern const struct task_rule task_rule_tokio;
extern const struct task_rule task_rule_async_task;

/* A type that does not come from a table in constants. 0: there is no room. */
uint16_t task_scan_add_type(struct task_scan *scan, const struct task_rule *rule, uintptr_t table);
/* Puts a thunk of this kind (enum task_slot_kind) into a word that points to code. */
bool task_scan_patch(struct task_scan *scan, uintptr_t *word, uint16_t type, uint8_t kind);

/* CPython's _asyncio is no table of constants: its type objects are looked for by their names in
 * what the module may write. True when some were found; *type is their type's number, 0 before. */
extern const struct task_rule task_rule_asyncio;
bool asyncio_scan(struct task_scan *scan, uintptr_t *from, const uintptr_t *to, uint16_t *type);
/* The task that a call through a slot is about; 0: it is none. */
uintptr_t asyncio_task(uint8_t kind, uintptr_t argument);
/* What a new task is called, by the arguments it is made with. May become "". */
void asyncio_name(uintptr_t arguments, char *ret_name, uint32_t bytes);

#endif
