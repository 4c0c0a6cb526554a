/* SPDX-License-Identifier: Apache-2.0 */
/* Limits, and the weight that each of them asks for. */
#include "collect/governor.h"

#include <malloc.h>
#include <stdio.h>

#include "collect/resident.h"

enum {
    GOVERNOR_STEP_NS = 10000000,
    GOVERNOR_SET_PAUSE_NS = 50000000, /* what a change of weight needs to show in the set */
    GOVERNOR_SET_HIGH = 50,           /* per cent of the set in use */
    GOVERNOR_SET_LOW = 10,
    GOVERNOR_COST_NS = 20000000, /* from one look at the cost to the next */
    GOVERNOR_MEMORY_PAUSE_NS = 200000000,
    GOVERNOR_PRIVATE_LEAST = 64 << 10,
    GOVERNOR_MEMORY_LEAST = 8000000, /* that a percent budget always allows for */
    GOVERNOR_RECORDER_PAUSE_NS = 500000000,
};

static const char *const governor_reasons[] = {
        [WIRE_RATE_BEGUN] = "as asked for",
        [WIRE_RATE_ASKED] = "asked for at run time",
        [WIRE_RATE_SET_FULL] = "too many sampled blocks are live",
        [WIRE_RATE_MEMORY] = "the memory budget is nearly used up",
        [WIRE_RATE_COST] = "the percent budget",
        [WIRE_RATE_RECORDER] = "the recorder's memory",
        [WIRE_RATE_RECOVERED] = "there is room again",
};

int governor_init(struct governor *governor, struct segment *segment, struct images *images,
                  struct tally *tally, const struct run_request *request)
{
    *governor = (struct governor){.segment = segment,
                                  .images = images,
                                  .tally = tally,
                                  .model = images->model,
                                  .request = request,
                                  .wanted = segment->at->config.weight};
    governor->set.weight = governor->cost.weight = 1;
    governor->memory = (struct held){.sticks = true, .weight = 1};
    governor->recorder = (struct held){.weight = 1};
    steer_init(&governor->steer, request->max_overhead_percent);
    governor_heed(governor);
    return own_cost_init(&governor->own, images, tally);
}

void governor_done(struct governor *governor)
{
    own_cost_done(&governor->own);
}

void governor_heed(struct governor *governor)
{
    uint64_t rate = atomic_load_explicit(&governor->segment->at->rate, memory_order_relaxed);
    if (!governor->model->sampled && rate & WIRE_RATE_KEEP && wire_rate_weight(rate) != 1)
        feed_sampled(governor->model, !(rate & WIRE_RATE_FREES));
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
    bool counted = rate & WIRE_RATE_KEEP && !(rate & WIRE_RATE_FREES);
    rate &= WIRE_RATE_FREES | WIRE_RATE_TIMED | WIRE_RATE_TIMED_LONG;
    rate |= weight | WIRE_RATE_KEEP | governor->number << WIRE_RATE_NUMBER_SHIFT;
    feed_sampled(governor->model, counted);
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

/*
 * The fullest set of addresses of any process, in per cent. Where a session began with full
 * recording the model's blocks are not all in it: only what was refused tells that it is full.
 */
static uint64_t governor_set_use(struct governor *governor)
{
    bool is_part = atomic_load(&governor->segment->at->rate) & WIRE_RATE_FREES;
    uint64_t most = 0, refused = 0;
    for (uint32_t i = 0; i < governor->segment->process_n; i++) {
        const struct image *image = &governor->images->at[i];
        if (!image->used || image->gone)
            continue;
        const struct wire_process *process = wire_process_at(governor->segment->at, i);
        uint64_t room = atomic_load_explicit(&process->set_room, memory_order_relaxed);
        refused += atomic_load_explicit(&process->refused_n, memory_order_relaxed);
        if (!room)
            continue;
        uint64_t use = feed_block_n(governor->model, image->process) * 100 / room;
        most = use > most ? use : most;
    }
    bool is_full = refused > governor->refused_n;
    governor->refused_n = refused;
    if (is_part)
        return is_full ? 100 : most < GOVERNOR_SET_HIGH ? most : GOVERNOR_SET_HIGH;
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

static struct steer_sum governor_sum(struct governor *governor, uint64_t event_n)
{
    struct own_cost_sum cost = own_cost_look(&governor->own);
    uint64_t program = cost.program_ns > cost.hooks_ns ? cost.program_ns - cost.hooks_ns : 0;
    return (struct steer_sum){.program_ns = program,
                              .own_ns = own_cost_ns(&cost),
                              .hook_n = cost.hook_n,
                              .event_n = event_n};
}

/* The percent budget: time. */
static void governor_look_at_cost(struct governor *governor, uint32_t weight, uint64_t event_n,
                                  uint64_t now_ns)
{
    struct governor_limit *limit = &governor->cost;
    if (!(governor->request->max_overhead_percent > 0) || !weight ||
        now_ns - limit->changed_ns < GOVERNOR_COST_NS)
        return;
    uint64_t rate = atomic_load_explicit(&governor->segment->at->rate, memory_order_relaxed);
    bool is_over = !governor->steer.begun && !(rate & WIRE_RATE_BEGINNING);
    if (!is_over && !steer_wants(&governor->steer, event_n))
        return;
    limit->changed_ns = now_ns;
    struct steer_sum sum = governor_sum(governor, event_n);
    if (is_over) {
        /* The hooks did it; only to be noted. */
        steer_begin(&governor->steer, &sum);
        governor->number++;
        governor_note(governor, weight, WIRE_RATE_COST);
    } else {
        steer_look(&governor->steer, &sum, weight);
    }
    limit->weight = governor->steer.weight;
}

static uint64_t governor_held_bytes(const struct governor *governor)
{
    return (uint64_t)governor->segment->backed_to * WIRE_PAGE_BYTES +
           atomic_load_explicit(&governor->segment->at->private_bytes, memory_order_relaxed);
}

/* What the program's processes have resident now. */
static uint64_t governor_resident_bytes(const struct governor *governor)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < governor->segment->process_n; i++) {
        const struct image *image = &governor->images->at[i];
        if (image->used && !image->gone)
            sum += image->rss_bytes;
    }
    return sum;
}

/* The percent budget: memory. Shared memory is never given back. */
static void governor_look_at_memory(struct governor *governor, uint32_t weight, uint64_t now_ns)
{
    double percent = governor->request->max_overhead_percent;
    if (!(percent > 0) || !weight || now_ns - governor->memory_looked_ns < GOVERNOR_MEMORY_PAUSE_NS)
        return;
    governor->memory_looked_ns = now_ns;
    double most = (double)governor_resident_bytes(governor) * percent / 100;
    if (most < GOVERNOR_MEMORY_LEAST)
        most = GOVERNOR_MEMORY_LEAST;
    held_look(&governor->memory, governor_held_bytes(governor), (uint64_t)most, weight, now_ns);
}

/* --recorder-memory: past it fewer blocks are told of, until it holds much less again. */
static void governor_look_at_recorder(struct governor *governor, uint32_t weight, uint64_t now_ns)
{
    uint64_t most = governor->request->recorder_memory_bytes;
    uint64_t now;
    if (!most || !weight || now_ns - governor->recorder_looked_ns < GOVERNOR_RECORDER_PAUSE_NS ||
        !resident_read_now("/proc/self/statm", &now))
        return;
    governor->recorder_looked_ns = now_ns;
    held_look(&governor->recorder, now, most, weight, now_ns);
    /* What was freed is not resident any more. */
    if (governor->recorder.weight > 1)
        malloc_trim(0);
}

static uint32_t governor_weight(const struct governor *governor, enum wire_rate_reason *ret_reason)
{
    static const enum wire_rate_reason reasons[] = {WIRE_RATE_SET_FULL, WIRE_RATE_MEMORY,
                                                    WIRE_RATE_COST, WIRE_RATE_RECORDER};
    const uint32_t weights[] = {governor->set.weight, governor->memory.weight,
                                governor->cost.weight, governor->recorder.weight};
    uint32_t weight = governor->wanted;
    for (size_t i = 0; weight && i < sizeof weights / sizeof *weights; i++) {
        if (weights[i] > weight) {
            weight = weights[i];
            *ret_reason = reasons[i];
        }
    }
    return weight;
}

/*
 * The memory budget's own steps, noted as they are taken. The cap itself needs no governor: memory
 * that is not there is not handed out.
 */
static void governor_look_at_budget(struct governor *governor)
{
    struct wire_segment *at = governor->segment->at;
    uint64_t used = atomic_load_explicit(&at->private_bytes, memory_order_relaxed);
    if (!governor->private_full && used + GOVERNOR_PRIVATE_LEAST > at->config.private_limit_bytes) {
        governor->private_full = true;
        feed_mark(governor->model, governor_session_ns(governor), "budget",
                  "private memory is used up: new threads share one lane, and stacks of new "
                  "processes may be unknown");
    }
    if (!governor->segment_full && governor->segment->backed_to == governor->segment->page_n) {
        governor->segment_full = true;
        feed_mark(governor->model, governor_session_ns(governor), "budget",
                  "shared memory has its full size: threads wait where the recorder is behind");
    }
}

void governor_step(struct governor *governor, uint64_t event_n, uint64_t now_ns)
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
    governor_look_at_budget(governor);
    governor_look_at_set(governor, now, now_ns);
    governor_look_at_cost(governor, now, event_n, now_ns);
    governor_look_at_memory(governor, now, now_ns);
    governor_look_at_recorder(governor, now, now_ns);
    uint32_t weight = governor_weight(governor, &reason);
    governor_set_weight(governor, weight, reason);
}

void governor_facts(struct governor *governor, const struct drain *drain, uint64_t event_n)
{
    if (!wire_rate_is_timed(atomic_load(&governor->segment->at->rate)))
        return;
    own_cost_facts(&governor->own, governor->model, drain, event_n);
    if (!(governor->request->max_overhead_percent > 0))
        return;
    struct steer_sum sum = governor_sum(governor, event_n);
    char text[32];
    snprintf(text, sizeof text, "%.6g", steer_floor(&governor->steer, &sum));
    model_fact_set(governor->model, "overhead_floor_percent", text);
}
