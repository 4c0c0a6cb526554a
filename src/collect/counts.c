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
    counts->high = calloc(process_n, sizeof *counts->high);
    counts->reset = calloc(process_n, sizeof *counts->reset);
    return counts->closed && counts->now && counts->given && counts->high && counts->reset;
}

void counts_done(struct counts *counts)
{
    free(counts->closed);
    free(counts->now);
    free(counts->given);
    free(counts->high);
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
            counts->high[i] = (struct counts_high){0};
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

static int64_t counts_held(const struct counts_sum *sum)
{
    return (int64_t)(sum->usable_in - sum->usable_out);
}

/* Takes the peak that a lane has noted, as long as there is no other lane. */
static void counts_note_high(struct counts_high *high, uint32_t number,
                             const struct wire_lane *lane)
{
    uint64_t in = counts_word(&lane->usable_in);
    if (!in)
        return;
    if (high->lane && high->lane != number + 1)
        high->is_shared = true;
    high->lane = number + 1;
    high->held_bytes = (int64_t)(in - counts_word(&lane->usable_out));
    /* Acquire: pairs with sampling_note_high; the stamp is that of these bytes or of more. */
    high->bytes = atomic_load_explicit(&lane->high_bytes, memory_order_acquire);
    high->stamp = counts_word(&lane->high_stamp);
}

bool counts_are_of_one(const struct counts *counts)
{
    return counts->used_n == 1 && !counts->high[0].is_shared;
}

void counts_lane(struct counts *counts, uint32_t process_slot, uint32_t number,
                 const struct wire_lane *lane)
{
    counts_use(counts, process_slot);
    counts_note_high(&counts->high[process_slot], number, lane);
    counts_add(&counts->now[process_slot], counts->now_class, lane);
}

/*
 * Between the last look and this one a process held more than at either: as if it had been looked
 * at then, with the counters of the last look but for what came in.
 */
static void counts_tell_high(struct counts *counts, uint32_t slot, uint64_t stamp,
                             struct counts_list *news)
{
    struct counts_high *high = &counts->high[slot];
    const struct counts_sum *given = &counts->given[slot], *now = &counts->now[slot];
    if (high->is_shared || high->bytes <= high->told_bytes || high->stamp <= counts->given_at ||
        high->stamp >= stamp)
        return;
    high->told_bytes = high->bytes;
    int64_t held = high->bytes + counts_held(now) - high->held_bytes;
    if (held <= counts_held(given) || held <= counts_held(now))
        return;
    struct counts_news one = {.process_slot = slot, .stamp = high->stamp, .sum = *given};
    one.sum.usable_in = given->usable_out + (uint64_t)held;
    if (one.sum.usable_in <= now->usable_in)
        (void)!VEC_PUSH(news, COUNTS_NEWS_MAX, one);
}

void counts_end(struct counts *counts, uint64_t stamp, struct counts_list *news)
{
    /* Of several processes the peaks would have to be put in order, and none is the session's. */
    if (counts->used_n == 1)
        counts_tell_high(counts, 0, stamp, news);
    counts->read_at = counts->given_at = stamp;
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

void counts_lane_closed(struct counts *counts, uint32_t process_slot, uint32_t number,
                        const struct wire_lane *lane)
{
    counts_use(counts, process_slot);
    counts_note_high(&counts->high[process_slot], number, lane);
    counts_add(&counts->closed[process_slot], counts->closed_class, lane);
}
