/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process's stack log: where stacks and modules are defined for the collector.
 *
 * A log is a lane with many writers. An id is a place in it, so that an id from an event can be
 * resolved by whoever has read the log up to there: a definition is committed before its id is
 * handed out. Ids mean nothing outside of their process.
 */
#ifndef MEMSCOPE_CAPTURE_STACK_LOG_H
#define MEMSCOPE_CAPTURE_STACK_LOG_H

#include <stdint.h>

#include "wire/event.h"

/*
 * Defines a stack: the root-most `kept` frames of stack previous_id, then n (at most
 * WIRE_STACK_FRAMES_MAX) addresses towards the leaf. flags: WIRE_STACK_*. Returns its id, or 0 when
 * it could not be written.
 */
uint64_t stack_log_append(uint64_t previous_id, uint32_t kept, uint32_t flags, uint32_t n,
                          const uintptr_t *pcs_root_first);

/* Defines the module that code in [base, end) belongs to from here on. */
void module_log_append(uintptr_t base, uintptr_t end_address, const uint8_t *build_id,
                       uint32_t build_id_bytes, const char *name, uint32_t generation);

#endif
