/* SPDX-License-Identifier: Apache-2.0 */
/* Counts wait for the events before them. */
#include "collect/tally.h"

#include <stdlib.h>
#include <string.h>

int tally_init(struct tally *tally, struct order *order, struct images *images)
{
    *tally = (struct tally){.order = order, .images = images};
    tally->last = calloc(images->segment->process_n, sizeof *tally->last);
    return tally->last ? 0 : ERR_MEMORY;
}

void tally_done(struct tally *tally)
{
    vec_done(&tally->waiting);
    free(tally->last);
}

void tally_take(struct tally *tally, struct intake_batch *batch)
{
    VEC_EACH (struct counts_news, news, &batch->counts) {
        if (news->process_slot < tally->images->segment->process_n)
            (void)!VEC_PUSH(&tally->waiting, COUNTS_NEWS_MAX, *news);
    }
    vec_done(&batch->counts);
}

static void tally_apply(struct tally *tally, const struct counts_news *news)
{
    const struct image *image = &tally->images->at[news->process_slot];
    if (news->stamp > tally->fed_stamp)
        tally->fed_stamp = news->stamp;
    if (!image->used)
        return;
    tally->last[news->process_slot] = news->sum;
    const struct model_counts counts = {
            .alloc_n = news->sum.alloc_n,
            .alloc_bytes = news->sum.alloc_bytes,
            .free_n = news->sum.free_n,
            .realloc_n = news->sum.realloc_n,
            .usable_in = news->sum.usable_in,
            .usable_out = news->sum.usable_out,
    };
    uint64_t at_ns = ticks_to_ns(&tally->images->ticks, news->stamp);
    feed_counted(tally->order->model, image->process, at_ns, &counts);
    /* It lets time pass in the model: so must a replay. */
    journal_event(tally->order->journal,
                  &(struct events_event){.kind = EVENTS_TIME, .at_ns = at_ns});
}

void tally_feed(struct tally *tally, uint64_t watermark)
{
    size_t fed = 0;
    while (fed < tally->waiting.n && tally->waiting.at[fed].stamp <= watermark) {
        order_feed(tally->order, tally->waiting.at[fed].stamp);
        tally_apply(tally, &tally->waiting.at[fed++]);
    }
    tally->waiting.n -= fed;
    if (fed && tally->waiting.n)
        memmove(tally->waiting.at, tally->waiting.at + fed,
                tally->waiting.n * sizeof *tally->waiting.at);
    order_feed(tally->order, watermark);
}

static void tally_add(struct counts_sum *into, const struct counts_sum *more)
{
    uint64_t *to = (uint64_t *)into;
    const uint64_t *from = (const uint64_t *)more;
    for (size_t i = 0; i < sizeof *into / sizeof *to; i++)
        to[i] += from[i];
}

void tally_end(struct tally *tally, uint32_t slot)
{
    size_t kept = 0;
    for (size_t i = 0; i < tally->waiting.n; i++) {
        if (tally->waiting.at[i].process_slot == slot)
            tally_apply(tally, &tally->waiting.at[i]);
        else
            tally->waiting.at[kept++] = tally->waiting.at[i];
    }
    tally->waiting.n = kept;
    tally_add(&tally->ended, &tally->last[slot]);
    tally->last[slot] = (struct counts_sum){0};
}

bool tally_is_fed(const struct tally *tally, uint64_t stamp)
{
    return tally->waiting.n == 0 || tally->fed_stamp >= stamp;
}

struct counts_sum tally_sum(const struct tally *tally)
{
    struct counts_sum sum = tally->ended;
    for (uint32_t i = 0; i < tally->images->segment->process_n; i++)
        tally_add(&sum, &tally->last[i]);
    return sum;
}
