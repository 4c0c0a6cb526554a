/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals from variances. */
#include "analyze/estimate.h"

#include <math.h>

static const double estimate_z = 1.959964;
static const double estimate_unit = 256; /* of variances of bytes (heap/model.h) */

/*
 * What one sample stands for beyond itself, on the whole: the variance of a figure is this much
 * times the figure, as far as its samples stand for others.
 */
static double estimate_scale(const struct figures *figures, bool bytes)
{
    double excess_n = (double)figures->alloc_n - (double)figures->sample_n;
    if (excess_n <= 0)
        return 0;
    double weight = (double)figures->spread.alloc_n / excess_n;
    if (!bytes)
        return weight - 1;
    double excess_bytes = (double)figures->spread.excess_bytes;
    if (excess_bytes <= 0)
        return 0;
    return (double)figures->spread.alloc_bytes * estimate_unit / excess_bytes * (weight - 1) /
           weight;
}

static double estimate_variance(const struct figures *figures, enum estimate_kind kind)
{
    switch (kind) {
    case ESTIMATE_ALLOC_N:
        return (double)figures->spread.alloc_n;
    case ESTIMATE_ALLOC_BYTES:
        return (double)figures->spread.alloc_bytes * estimate_unit;
    case ESTIMATE_PEAK_N:
        return (double)figures->spread.peak_n;
    case ESTIMATE_PEAK_BYTES:
        return (double)figures->spread.peak_bytes * estimate_unit;
    case ESTIMATE_LIVE_N:
        return (double)figures->spread.live_n;
    case ESTIMATE_LIVE_BYTES:
        return (double)figures->spread.live_bytes * estimate_unit;
    case ESTIMATE_LEAK_N:
        return (double)figures->leak_spread_n;
    default:
        return (double)figures->leak_spread_bytes * estimate_unit;
    }
}

static double estimate_value(const struct figures *figures, enum estimate_kind kind)
{
    const uint64_t values[ESTIMATE_KINDS] = {
            [ESTIMATE_ALLOC_N] = figures->alloc_n, [ESTIMATE_ALLOC_BYTES] = figures->alloc_bytes,
            [ESTIMATE_PEAK_N] = figures->peak_n,   [ESTIMATE_PEAK_BYTES] = figures->peak_bytes,
            [ESTIMATE_LIVE_N] = figures->live_n,   [ESTIMATE_LIVE_BYTES] = figures->live_bytes,
            [ESTIMATE_LEAK_N] = figures->leak_n,   [ESTIMATE_LEAK_BYTES] = figures->leak_bytes,
    };
    return (double)values[kind];
}

/* Samples of the figure itself that stand for others: their number has this variance. */
static double estimate_figure_samples(const struct figures *figures, enum estimate_kind kind)
{
    double scale = estimate_scale(figures, false);
    if (scale <= 0)
        return INFINITY;
    enum estimate_kind count = kind - kind % 2;
    return estimate_variance(figures, count) / (scale * (scale + 1));
}

/* The end of the interval on one side (+1 or -1). Half a sample more, since samples are whole. */
static double estimate_end(double value, double variance, double scale, double step, double side)
{
    double z = estimate_z;
    double from = value + side * step / 2;
    double spread = fmax(variance + side * scale * step / 2, 0);
    return from + z * z * scale / 2 + side * z * sqrt(spread + z * z * scale * scale / 4);
}

struct estimate estimate_of(const struct figures *figures, enum estimate_kind kind)
{
    double value = estimate_value(figures, kind), variance = estimate_variance(figures, kind);
    double scale = estimate_scale(figures, kind % 2 == 1);
    double weight = estimate_scale(figures, false) + 1;
    double samples = estimate_figure_samples(figures, kind);
    struct estimate estimate = {.value = value, .low = value, .high = value};
    if (scale <= 0)
        return estimate;
    /* What is live may be made of larger blocks than what was allocated on the whole. */
    if (kind % 2 == 1 && samples > 0)
        scale = fmax(scale, sqrt(variance / samples));
    double step = scale * weight / (weight - 1);
    estimate.low = fmax(estimate_end(value, variance, scale, step, -1), 0);
    estimate.high = estimate_end(value, variance, scale, step, 1);
    estimate.low = fmin(estimate.low, value);
    estimate.few = samples < ESTIMATE_FEW;
    return estimate;
}

double estimate_samples(const struct figures *figures)
{
    double excess = (double)figures->alloc_n - (double)figures->sample_n;
    double scale = estimate_scale(figures, false);
    return scale > 0 ? excess / scale : INFINITY;
}

bool estimate_is_few(const struct figures *figures)
{
    return estimate_samples(figures) < ESTIMATE_FEW;
}

/* 1 also where there is no whole. */
static double estimate_rate(double part, double whole)
{
    return whole > 0 && part < whole ? part / whole : 1;
}

double estimate_share(uint64_t part, uint64_t whole)
{
    return whole ? estimate_rate((double)part, (double)whole) : 0;
}

double estimate_rate_n(const struct model *model, const struct figures *all)
{
    return estimate_rate((double)all->sample_n, (double)model->sums.alloc_n);
}

double estimate_rate_bytes(const struct model *model, const struct figures *all)
{
    double bytes = (double)all->alloc_bytes - (double)all->spread.excess_bytes;
    return estimate_rate(bytes, (double)model->sums.alloc_bytes);
}
