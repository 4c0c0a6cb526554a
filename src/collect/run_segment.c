/* SPDX-License-Identifier: Apache-2.0 */
/* The segment as the user wants it; what depends on the program is filled in when it is known. */
#include "collect/run_segment.h"

#include <stdlib.h>
#include <sys/random.h>

#include "collect/steer.h"
#include "collect/ticks.h"
#include "launch/choice.h"

enum {
    RUN_SEGMENT_DEFAULT_BUDGET = 64 * 1000 * 1000,
    RUN_SEGMENT_LEAST_BUDGET = 1000 * 1000,
    RUN_SEGMENT_WEIGHT_LEAST = 4, /* of sampling that pays */
};

/* Of the draws: MEMSCOPE_SEED makes a sampled run of a deterministic program repeatable. */
static uint64_t run_seed(void)
{
    const char *text = getenv("MEMSCOPE_SEED");
    uint64_t seed;
    if (text && *text)
        return strtoull(text, NULL, 0);
    return getrandom(&seed, sizeof seed, 0) == sizeof seed ? seed : ticks_now();
}

/* One block in two or three costs more to choose and to find again than all cost to record. */
static uint32_t run_weight(double share)
{
    uint32_t weight = wire_weight_of_share(share);
    return weight && weight < RUN_SEGMENT_WEIGHT_LEAST ? 1 : weight;
}

/*
 * The rate word as the session begins. Addresses are kept from the start where the rate is going to
 * change: then a free of a block that was not sampled never has to be recorded.
 */
static uint64_t run_rate(const struct run_request *request, uint32_t weight)
{
    bool changes = request->max_overhead_percent > 0;
    uint64_t rate = weight == 1 && !changes ? weight | WIRE_RATE_FREES : weight | WIRE_RATE_KEEP;
    if (request->performance_monitoring)
        rate |= WIRE_RATE_TIMED;
    else if (changes)
        rate |= WIRE_RATE_TIMED_LONG;
    if (weight && changes)
        rate |= WIRE_RATE_BEGINNING;
    return rate;
}

/* Where the percent budget goes to when its beginning is over. */
static uint32_t run_later_weight(const struct run_request *request, uint32_t weight)
{
    if (!(request->max_overhead_percent > 0))
        return weight;
    uint32_t first = steer_first(request->max_overhead_percent);
    return first > weight ? first : weight;
}

/* The segment takes five eighths of the budget, private memory of the processes the rest. */
int run_segment_make(const struct run_request *request, struct segment *ret_segment,
                     struct diag *diag)
{
    uint64_t budget = request->max_overhead_bytes;
    if (!budget)
        budget = RUN_SEGMENT_DEFAULT_BUDGET;
    if (budget < RUN_SEGMENT_LEAST_BUDGET)
        budget = RUN_SEGMENT_LEAST_BUDGET;
    uint64_t segment_bytes = budget / 8 * 5;
    uint64_t pages = segment_bytes / WIRE_PAGE_BYTES;
    uint32_t weight = run_weight(request->sample_rate);
    struct wire_config config = {
            .weight = weight,
            .rate = run_rate(request, weight),
            .is_limited = request->max_overhead_percent > 0,
            .later_weight = run_later_weight(request, weight),
            .seed = run_seed(),
            .follow = request->follow,
            /* What the command starts may have tasks where it has none itself. */
            .track_tasks = request->track_async                     ? 1
                           : request->strategy == RUN_STRATEGY_AUTO ? 2
                                                                    : 0,
            .track_maps = 1,
            .monitor = request->performance_monitoring,
            .lane_pages = pages / 8 < WIRE_LANE_PAGES ? (uint32_t)(pages / 8) : WIRE_LANE_PAGES,
            .private_limit_bytes = budget - segment_bytes,
    };
    struct wire_choice choice;
    int err = choice_fill(&choice, request, diag);
    err = err ? err : segment_init(ret_segment, segment_bytes, &config, diag);
    if (err < 0)
        return err;
    ret_segment->at->choice = choice;
    atomic_store(&ret_segment->at->root_passes, choice_passes_root(request));
    if (!ticks_are_trusted())
        ret_segment->at->stamp_source = WIRE_STAMP_SEQUENCE;
    return 0;
}
