/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of what lanes count. Targets write them: nothing follows from a value but other figures. */
#include "collect/counts.h"

#include <stdlib.h>
#include <string.h>

bool counts_init(struct counts *counts, uint32_t process_n)
{
    *counts = (struct counts){.process_n = process_n};
    counts->closed = calloc(process_n, sizeof *counts->closed);
    counts->now = calloc(process_n, sizeof *counts->now);
    counts->given = calloc(process_n, sizeof *counts->given);
    counts->reset = calloc(process_n, sizeof *counts->reset);
    return counts->closed && counts->now && counts->given && counts->reset;
}

void counts_done(struct counts *counts)
{
    free(counts->closed);
    free(counts->now);
    free(counts->given);
    free(counts->reset);
}

void counts_reset(struct counts *counts, uint32_t process_slot)
{
    /* Release: before the slot is free for another process. */
    atomic_store_explicit(&counts->reset[process_slot], 1, memory_order_release);
}

static uint64_t counts_word(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void counts_add(struct counts_sum *sum, uint64_t *classes, const struct wire_lane *lane)
{
    sum->alloc_n += counts_word(&lane->alloc_n);
    sum->alloc_bytes += counts_word(&lane->alloc_bytes);
    sum->free_n += counts_word(&lane->free_n);
    sum->realloc_n += counts_word(&lane->realloc_n);
    sum->usable_in += counts_word(&lane->usable_in);
    sum->usable_out += counts_word(&lane->usable_out);
    sum->stall_n += counts_word(&lane->stall_n);
    sum->stall_ticks += counts_word(&lane->stall_ticks);
    sum->unwound_n += counts_word(&lane->unwound_n);
    sum->unwound_frames += counts_word(&lane->unwound_frames);
    sum->unwound_same += counts_word(&lane->unwound_same);
    uint64_t timed_n = counts_word(&lane->timed_n);
    sum->timed_n += timed_n;
    sum->timed_ticks += counts_word(&lane->timed_ticks);
    sum->timed_event_ticks += counts_word(&lane->timed_event_ticks);
    for (unsigned i = 0; timed_n && i < WIRE_TIMED_CLASSES; i++)
        classes[i] += atomic_load_explicit(&lane->timed_class[i], memory_order_relaxed);
}

void counts_begin(struct counts *counts)
{
    for (uint32_t i = 0; i < counts->used_n; i++) {
        /* Acquire: pairs with counts_reset. */
        if (atomic_load_explicit(&counts->reset[i], memory_order_relaxed) &&
            atomic_exchange_explicit(&counts->reset[i], 0, memory_order_acquire)) {
            counts->closed[i] = (struct counts_sum){0};
            counts->given[i] = (struct counts_sum){0};
        }
    }
    memcpy(counts->now, counts->closed, counts->used_n * sizeof *counts->now);
    memcpy(counts->now_class, counts->closed_class, sizeof counts->now_class);
}

static void counts_use(struct counts *counts, uint32_t process_slot)
{
    if (process_slot < counts->used_n)
        return;
    /* Nothing was counted in the slots between. */
    memset(&counts->now[counts->used_n], 0,
           (process_slot + 1 - counts->used_n) * sizeof *counts->now);
    counts->used_n = process_slot + 1;
}

void counts_lane(struct counts *counts, uint32_t process_slot, const struct wire_lane *lane)
{
    counts_use(counts, process_slot);
    counts_add(&counts->now[process_slot], counts->now_class, lane);
}

void counts_end(struct counts *counts, uint64_t stamp, struct counts_list *news)
{
    counts->read_at = stamp;
    for (uint32_t i = 0; i < counts->used_n; i++) {
        if (memcmp(&counts->now[i], &counts->given[i], sizeof *counts->now) == 0)
            continue;
        const struct counts_news one = {.process_slot = i, .stamp = stamp, .sum = counts->now[i]};
        if (VEC_PUSH(news, COUNTS_NEWS_MAX, one))
            counts->given[i] = counts->now[i];
    }
    for (unsigned i = 0; i < WIRE_TIMED_CLASSES; i++)
        atomic_store_explicit(&counts->timed_class[i], counts->now_class[i], memory_order_relaxed);
}

void counts_lane_closed(struct counts *counts, uint32_t process_slot, const struct wire_lane *lane)
{
    counts_use(counts, process_slot);
    counts_add(&counts->closed[process_slot], counts->closed_class, lane);
}
