/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the records of the stack log. */
#include "capture/stack_log.h"

#include "capture/lane.h"
#include "capture/task_table.h"

enum { STACK_LOG_SLOT_BYTES = WIRE_SLOT_WORDS * sizeof(uint64_t), STACK_LOG_BUILD_ID_MOST = 24 };

/* The words of a row of slots, one after another. */
static uint64_t *stack_log_word(struct wire_slot *slot, unsigned i)
{
    return &slot[i / WIRE_SLOT_WORDS].a + i % WIRE_SLOT_WORDS;
}

uint64_t stack_log_append(uint64_t previous_id, uint32_t kept, uint32_t flags, uint32_t n,
                          const uintptr_t *pcs_root_first)
{
    struct wire_lane *log = lane_log();
    if (!log || n > WIRE_STACK_FRAMES_MAX)
        return 0;
    unsigned slots = (1 + n + WIRE_SLOT_WORDS - 1) / WIRE_SLOT_WORDS;
    uint64_t at;
    struct wire_slot *slot = lane_reserve_shared(log, slots, &at);
    if (!slot)
        return 0;
    slot->a = previous_id;
    for (unsigned i = 0; i < n; i++)
        *stack_log_word(slot, 1 + i) = pcs_root_first[i];
    for (unsigned i = 1; i < slots; i++)
        lane_commit(&slot[i], WIRE_CONTINUED);
    lane_commit(slot, WIRE_STACK | (uint64_t)n << 8 | (uint64_t)flags << 24 | (uint64_t)kept << 40);
    return at + 1;
}

/* Copies n bytes into the payload of the slots from `slot` on, and commits those. */
static void stack_log_bytes(struct wire_slot *slot, const void *bytes, unsigned n)
{
    const char *from = bytes;
    for (unsigned done = 0; done < n; slot++) {
        char *to = (char *)&slot->a;
        for (unsigned i = 0; i < STACK_LOG_SLOT_BYTES && done < n; i++)
            to[i] = from[done++];
        lane_commit(slot, WIRE_CONTINUED);
    }
}

void module_log_append(uintptr_t base, uintptr_t end_address, const uint8_t *build_id,
                       uint32_t build_id_bytes, const char *name, uint32_t generation)
{
    struct wire_lane *log = lane_log();
    if (!log)
        return;
    unsigned name_bytes = 0;
    while (name[name_bytes] && name_bytes < WIRE_NAME_MAX)
        name_bytes++;
    if (build_id_bytes > STACK_LOG_BUILD_ID_MOST)
        build_id_bytes = STACK_LOG_BUILD_ID_MOST;
    unsigned name_slots = (name_bytes + STACK_LOG_SLOT_BYTES - 1) / STACK_LOG_SLOT_BYTES;
    uint64_t at;
    struct wire_slot *slot = lane_reserve_shared(log, 2 + name_slots, &at);
    if (!slot)
        return;
    slot->a = base;
    slot->b = end_address;
    stack_log_bytes(slot + 1, build_id, build_id_bytes);
    if (build_id_bytes == 0)
        lane_commit(slot + 1, WIRE_CONTINUED);
    stack_log_bytes(slot + 2, name, name_bytes);
    lane_commit(slot, WIRE_MODULE | (uint64_t)name_bytes << 8 | (uint64_t)build_id_bytes << 24 |
                              (uint64_t)generation << 32);
    task_tables_patch_module(base, generation);
}
