/* SPDX-License-Identifier: Apache-2.0 */
/* Limits, and the weight that each of them asks for. */
#include "collect/governor.h"

#include <stdio.h>

#include "base/text.h"

enum {
    GOVERNOR_STEP_NS = 10000000,
    GOVERNOR_SET_PAUSE_NS = 50000000, /* what a change of weight needs to show in the set */
    GOVERNOR_SET_HIGH = 50,           /* per cent of the set in use */
    GOVERNOR_SET_LOW = 10,
};

static const char *const governor_reasons[] = {
        [WIRE_RATE_BEGUN] = "as asked for",
        [WIRE_RATE_ASKED] = "asked for at run time",
        [WIRE_RATE_SET_FULL] = "too many sampled blocks are live for the memory budget",
        [WIRE_RATE_MEMORY] = "the memory budget is nearly used up",
        [WIRE_RATE_COST] = "the percent budget",
        [WIRE_RATE_RECORDER] = "the recorder's memory",
        [WIRE_RATE_RECOVERED] = "there is room again",
};

void governor_init(struct governor *governor, struct segment *segment, struct images *images,
                   struct tally *tally, const struct run_request *request)
{
    *governor = (struct governor){.segment = segment,
                                  .images = images,
                                  .tally = tally,
                                  .model = images->model,
                                  .request = request,
                                  .wanted = segment->at->config.weight};
    struct governor_limit *limits[] = {&governor->set, &governor->memory, &governor->cost,
                                       &governor->recorder};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        limits[i]->weight = 1;
    if (!wire_rate_is_full(atomic_load(&segment->at->rate)) && governor->wanted != 1)
        feed_sampled(governor->model);
}

static uint64_t governor_session_ns(const struct governor *governor)
{
    return ticks_to_ns(&governor->images->ticks, segment_now(governor->segment));
}

/* Notes the change in the recording. */
static void governor_note(struct governor *governor, uint32_t weight, enum wire_rate_reason reason)
{
    char text[160];
    if (weight == 0)
        snprintf(text, sizeof text, "totals only: %s", governor_reasons[reason]);
    else if (weight == 1)
        snprintf(text, sizeof text, "every allocation: %s", governor_reasons[reason]);
    else
        snprintf(text, sizeof text, "1 in %u small blocks: %s", weight, governor_reasons[reason]);
    feed_mark(governor->model, governor_session_ns(governor), "rate", text);
}

static void governor_set_weight(struct governor *governor, uint32_t weight,
                                enum wire_rate_reason reason)
{
    _Atomic uint64_t *word = &governor->segment->at->rate;
    uint64_t rate = atomic_load(word);
    if (weight == wire_rate_weight(rate))
        return;
    governor->number++;
    rate &= WIRE_RATE_FREES | WIRE_RATE_TIMED;
    rate |= weight | WIRE_RATE_KEEP | governor->number << WIRE_RATE_NUMBER_SHIFT;
    feed_sampled(governor->model);
    /* Release is for the model's flag alone; the word itself is all that hooks need. */
    atomic_store_explicit(word, rate, memory_order_release);
    governor_note(governor, weight, reason);
}

static void governor_raise(struct governor_limit *limit, uint32_t from, uint64_t now_ns)
{
    uint64_t weight = (uint64_t)(limit->weight > from ? limit->weight : from) * 2;
    limit->weight = weight < WIRE_WEIGHT_MAX ? (uint32_t)weight : WIRE_WEIGHT_MAX;
    limit->changed_ns = now_ns;
}

static void governor_lower(struct governor_limit *limit, uint64_t now_ns)
{
    limit->weight /= 2;
    if (limit->weight < 1)
        limit->weight = 1;
    limit->changed_ns = now_ns;
}

/* The fullest set of addresses of any process, in per cent. */
static uint64_t governor_set_use(const struct governor *governor)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < governor->segment->process_n; i++) {
        const struct image *image = &governor->images->at[i];
        if (!image->used || image->gone)
            continue;
        uint64_t room = atomic_load_explicit(&wire_process_at(governor->segment->at, i)->set_room,
                                             memory_order_relaxed);
        if (!room)
            continue;
        uint64_t use = feed_block_n(governor->model, image->process) * 100 / room;
        most = use > most ? use : most;
    }
    return most;
}

static void governor_look_at_set(struct governor *governor, uint32_t weight, uint64_t now_ns)
{
    struct governor_limit *limit = &governor->set;
    if (now_ns - limit->changed_ns < GOVERNOR_SET_PAUSE_NS || !governor->model->sampled)
        return;
    uint64_t use = governor_set_use(governor);
    if (use > GOVERNOR_SET_HIGH)
        governor_raise(limit, weight, now_ns);
    else if (use < GOVERNOR_SET_LOW && limit->weight > 1)
        governor_lower(limit, now_ns);
}

static uint32_t governor_weight(const struct governor *governor, enum wire_rate_reason *ret_reason)
{
    static const enum wire_rate_reason reasons[] = {WIRE_RATE_SET_FULL, WIRE_RATE_MEMORY,
                                                    WIRE_RATE_COST, WIRE_RATE_RECORDER};
    const struct governor_limit *limits[] = {&governor->set, &governor->memory, &governor->cost,
                                             &governor->recorder};
    uint32_t weight = governor->wanted;
    for (size_t i = 0; weight && i < sizeof limits / sizeof *limits; i++) {
        if (limits[i]->weight > weight) {
            weight = limits[i]->weight;
            *ret_reason = reasons[i];
        }
    }
    return weight;
}

void governor_step(struct governor *governor, uint64_t now_ns)
{
    if (now_ns - governor->stepped_ns < GOVERNOR_STEP_NS)
        return;
    governor->stepped_ns = now_ns;
    struct wire_segment *at = governor->segment->at;
    uint32_t now = wire_rate_weight(atomic_load_explicit(&at->rate, memory_order_relaxed));
    uint32_t wanted = atomic_load_explicit(&at->wanted_weight, memory_order_relaxed);
    enum wire_rate_reason reason = WIRE_RATE_RECOVERED;
    if (wanted != governor->wanted && wanted <= WIRE_WEIGHT_MAX) {
        governor->wanted = wanted;
        reason = WIRE_RATE_ASKED;
    }
    governor_look_at_set(governor, now, now_ns);
    governor_set_weight(governor, governor_weight(governor, &reason), reason);
}
