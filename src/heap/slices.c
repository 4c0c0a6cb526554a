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

/* The cheapest pair's first member. On a tie the older pair merges. */
static size_t slices_cheapest(const struct model_slice *slices, size_t n, uint64_t now_ns)
{
    size_t best = 0;
    double best_cost = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        uint64_t end_ns = i + 2 < n ? slices[i + 2].start_ns : now_ns;
        double wanted = (double)slices_wanted(now_ns - end_ns);
        double cost = (double)(end_ns - slices[i].start_ns) / wanted;
        if (i == 0 || cost < best_cost) {
            best = i;
            best_cost = cost;
        }
    }
    return best;
}

static uint32_t slices_sum(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static void slices_join(struct model *model, size_t i)
{
    struct model_slice *to = &model->slices.at[i];
    const struct model_slice *from = to + 1;
    to->live_bytes = from->live_bytes;
    to->live_n = from->live_n;
    to->tasks_alive = from->tasks_alive;
    to->alloc_n += from->alloc_n;
    to->alloc_bytes += from->alloc_bytes;
    to->free_n += from->free_n;
    to->free_bytes += from->free_bytes;
    to->high_bytes = to->high_bytes > from->high_bytes ? to->high_bytes : from->high_bytes;
    to->rss_bytes = to->rss_bytes > from->rss_bytes ? to->rss_bytes : from->rss_bytes;
    struct model_slice_histogram *sum = &model->slice_histograms.at[i];
    for (size_t k = 0; k < MODEL_SLICE_SIZE_CLASSES; k++)
        sum->size_n[k] = slices_sum(sum->size_n[k], sum[1].size_n[k]);
    for (size_t k = 0; k < MODEL_CELL_LIFE_CLASSES; k++)
        sum->life_n[k] = slices_sum(sum->life_n[k], sum[1].life_n[k]);
    for (size_t k = i + 1; k + 1 < model->slices.n; k++) {
        model->slices.at[k] = model->slices.at[k + 1];
        model->slice_histograms.at[k] = model->slice_histograms.at[k + 1];
    }
    model->slices.n--;
    model->slice_histograms.n--;
}

void slices_merge(struct model *model, uint64_t now_ns, size_t left, uint32_t *renamed)
{
    size_t before = model->slices.n;
    for (size_t i = 0; i < before; i++)
        renamed[i] = (uint32_t)i;
    while (model->slices.n > left && model->slices.n > 1) {
        size_t at = slices_cheapest(model->slices.at, model->slices.n, now_ns);
        slices_join(model, at);
        for (size_t i = 0; i < before; i++)
            renamed[i] -= renamed[i] > at;
    }
}

uint32_t slices_find(const struct model_slice *slices, size_t n, uint64_t at_ns)
{
    size_t least = 0;
    while (n > 1) {
        size_t half = n / 2;
        least = slices[least + half].start_ns <= at_ns ? least + half : least;
        n -= half;
    }
    return (uint32_t)least;
}
