/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokio since 1.23: the constant table of each pair of future and scheduler.
 *
 *     poll, schedule, dealloc, try_read_output, drop_join_handle_slow, drop_abort_handle, shutdown,
 *     trailer_offset, scheduler_offset, id_offset
 *
 * A task begins with { state, queue_next, table, owner_id }. A future or its output may be dropped
 * in any of the slots that are entered; Tokio, too, counts what runs there as the task's own.
 */
#include "capture/task_rule.h"
#include "wire/event.h"

enum {
    TOKIO_TRAILER = 7,
    TOKIO_SCHEDULER = 8,
    TOKIO_ID = 9,
    TOKIO_HEADER_BYTES = 32,
    TOKIO_SCHEDULER_MOST = 512,
    TOKIO_ID_BEHIND_MOST = 64,
    TOKIO_TASK_BYTES_MOST = 1 << 26,
};

static bool tokio_fits(const struct task_scan *scan, const uintptr_t *table)
{
    uintptr_t trailer = table[TOKIO_TRAILER], scheduler = table[TOKIO_SCHEDULER];
    uintptr_t id = table[TOKIO_ID];
    return scheduler >= TOKIO_HEADER_BYTES && scheduler <= TOKIO_SCHEDULER_MOST &&
           id >= scheduler && id <= scheduler + TOKIO_ID_BEHIND_MOST && id < trailer &&
           trailer < TOKIO_TASK_BYTES_MOST && (trailer | scheduler | id) % 8 == 0;
}

const struct task_rule task_rule_tokio = {
        .runtime = "tokio",
        .number = WIRE_RULE_TOKIO,
        .words = 10,
        .code_words = 0x7f,
        .enter_words = 1 << 0 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 6,
        .poll_word = 0,
        .id_offset_word = TOKIO_ID,
        .table_word = 2,
        .least_block_bytes_word = TOKIO_TRAILER,
        .fits = tokio_fits,
};
