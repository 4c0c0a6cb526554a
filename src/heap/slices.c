/* SPDX-License-Identifier: Apache-2.0 */
/* The policy of slices: widths by the length of the run, merges by age. */
#include "heap/slices.h"

#define SECOND_NS UINT64_C(1000000000)
#define RECENT_NS (600 * SECOND_NS)
#define DAY_NS (86400 * SECOND_NS)

uint64_t slices_width(uint64_t now_ns, uint64_t base_ns, size_t limit)
{
    /* So wide that a run of this width alone would take three quarters of the limit. */
    uint64_t wanted = now_ns / (limit / 4 * 3);
    uint64_t most = base_ns > SECOND_NS ? base_ns : SECOND_NS / base_ns * base_ns;
    uint64_t width = base_ns;
    while (width * 2 <= wanted && (width < most || limit < SLICES_EARLY_MAX))
        width *= 2;
    return width < most || limit < SLICES_EARLY_MAX ? width : most;
}

size_t slices_limit(uint64_t now_ns, size_t max)
{
    return now_ns < RECENT_NS && max > SLICES_EARLY_MAX ? SLICES_EARLY_MAX : max;
}

/* Width that slices of this age should have. */
static uint64_t slices_wanted(uint64_t age_ns)
{
    if (age_ns < RECENT_NS)
        return SECOND_NS;
    if (age_ns < DAY_NS)
        return 60 * SECOND_NS;
    return age_ns / 100 > 3600 * SECOND_NS ? age_ns / 100 : 3600 * SECOND_NS;
}

/* Slices while they merge: those that are left, linked in order, with the cost of each pair. */
struct slices_chain {
    struct model *model;
    uint64_t now_ns;
    uint32_t next[MODEL_SLICES_MAX + 1];
    uint32_t before[MODEL_SLICES_MAX + 1];
    double cost[MODEL_SLICES_MAX + 1]; /* of merging a slice with the next; negative: it cannot */
};

static uint64_t slices_start(const struct slices_chain *chain, uint32_t i)
{
    return i < chain->model->slices.n ? chain->model->slices.at[i].start_ns : chain->now_ns;
}

static void slices_cost(struct slices_chain *chain, uint32_t i)
{
    uint32_t next = chain->next[i];
    chain->cost[i] = -1;
    if (next >= chain->model->slices.n)
        return;
    uint64_t end_ns = slices_start(chain, chain->next[next]);
    double wanted = (double)slices_wanted(chain->now_ns - end_ns);
    chain->cost[i] = (double)(end_ns - slices_start(chain, i)) / wanted;
}

/* The cheapest pair's first member. On a tie the older pair merges. */
static uint32_t slices_cheapest(const struct slices_chain *chain)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < chain->model->slices.n; i++) {
        if (chain->cost[i] >= 0 && (chain->cost[best] < 0 || chain->cost[i] < chain->cost[best]))
            best = i;
    }
    return best;
}

static uint32_t slices_sum(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static void slices_join(struct model *model, uint32_t into, uint32_t next)
{
    struct model_slice *to = &model->slices.at[into];
    const struct model_slice *from = &model->slices.at[next];
    to->live_bytes = from->live_bytes;
    to->live_n = from->live_n;
    to->tasks_alive = from->tasks_alive;
    to->alloc_n += from->alloc_n;
    to->alloc_bytes += from->alloc_bytes;
    to->free_n += from->free_n;
    to->free_bytes += from->free_bytes;
    to->high_bytes = to->high_bytes > from->high_bytes ? to->high_bytes : from->high_bytes;
    to->rss_bytes = to->rss_bytes > from->rss_bytes ? to->rss_bytes : from->rss_bytes;
    struct model_slice_histogram *sum = &model->slice_histograms.at[into];
    const struct model_slice_histogram *more = &model->slice_histograms.at[next];
    for (size_t k = 0; k < MODEL_SLICE_SIZE_CLASSES; k++)
        sum->size_n[k] = slices_sum(sum->size_n[k], more->size_n[k]);
    for (size_t k = 0; k < MODEL_CELL_LIFE_CLASSES; k++)
        sum->life_n[k] = slices_sum(sum->life_n[k], more->life_n[k]);
}

/* Closes the gaps that merges have left, and says where each slice went. */
static void slices_compact(struct slices_chain *chain, uint32_t *renamed)
{
    struct model *model = chain->model;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < model->slices.n; kept++) {
        model->slices.at[kept] = model->slices.at[i];
        model->slice_histograms.at[kept] = model->slice_histograms.at[i];
        for (uint32_t end = chain->next[i]; i < end; i++)
            renamed[i] = kept;
    }
    model->slices.n = kept;
    model->slice_histograms.n = kept;
}

void slices_merge(struct model *model, uint64_t now_ns, size_t left, uint32_t *renamed)
{
    struct slices_chain chain = {.model = model, .now_ns = now_ns};
    size_t n = model->slices.n;
    for (uint32_t i = 0; i < n; i++) {
        chain.next[i] = i + 1;
        chain.before[i] = i ? i - 1 : 0;
    }
    chain.next[n] = (uint32_t)n;
    for (uint32_t i = 0; i < n; i++)
        slices_cost(&chain, i);
    for (size_t now = n; now > left && now > 1; now--) {
        uint32_t at = slices_cheapest(&chain), gone = chain.next[at];
        slices_join(model, at, gone);
        chain.next[at] = chain.next[gone];
        chain.cost[gone] = -1;
        if (chain.next[at] < n)
            chain.before[chain.next[at]] = at;
        slices_cost(&chain, at);
        if (at)
            slices_cost(&chain, chain.before[at]);
    }
    slices_compact(&chain, renamed);
}

uint32_t slices_find(const struct model_slice *slices, size_t n, uint64_t at_ns)
{
    /* As long as none was merged they are of one width. */
    uint64_t width = n > 1 ? slices[1].start_ns - slices[0].start_ns : 0;
    uint64_t guess = width ? at_ns / width : n;
    if (guess < n && slices[guess].start_ns <= at_ns &&
        (guess + 1 == n || slices[guess + 1].start_ns > at_ns))
        return (uint32_t)guess;
    size_t least = 0;
    while (n > 1) {
        size_t half = n / 2;
        least = slices[least + half].start_ns <= at_ns ? least + half : least;
        n -= half;
    }
    return (uint32_t)least;
}
