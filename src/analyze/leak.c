/* SPDX-License-Identifier: Apache-2.0 */
/* The judge of growth: envelope, regression, and where the never-freed blocks were born. */
#include "analyze/leak.h"

#include <stdbool.h>

enum {
    LEAK_BUCKETS = 8,      /* of the last half, for the envelope */
    LEAK_POINTS_LEAST = 8, /* slices below which no growth is judged */
    LEAK_FEW_BLOCKS = 16,
};

static const double leak_r2_least = 0.8;
static const double leak_growth_least = 0.05; /* of the level at the end */

const char *leak_class_name(enum leak_class class)
{
    static const char *const names[] = {"unclear", "growing",  "plateau",
                                        "one-off", "start-up", "burst"};
    return names[class];
}

/* The lower envelope of the live curve over [from_ns, end_ns), one value for each bucket. */
static void leak_envelope(const struct leak_curve *curve, uint64_t from_ns,
                          double envelope[LEAK_BUCKETS])
{
    double width = (double)(curve->end_ns - from_ns) / LEAK_BUCKETS;
    double level = 0; /* before the first point */
    size_t i = 0;
    while (i < curve->n && curve->at_ns[i] < from_ns)
        level = (double)curve->live_bytes[i++];
    for (int b = 0; b < LEAK_BUCKETS; b++) {
        double until = (double)from_ns + width * (b + 1);
        bool any = false;
        for (; i < curve->n && ((double)curve->at_ns[i] < until || b == LEAK_BUCKETS - 1); i++) {
            double live = (double)curve->live_bytes[i];
            envelope[b] = !any || live < envelope[b] ? live : envelope[b];
            any = true;
            level = live;
        }
        if (!any)
            envelope[b] = level;
    }
}

/* Least squares of the envelope over bucket numbers. */
static void leak_regress(const double envelope[LEAK_BUCKETS], double *ret_slope, double *ret_r2)
{
    double mean = 0, middle = (LEAK_BUCKETS - 1) / 2.0, sxy = 0, sxx = 0, syy = 0;
    for (int b = 0; b < LEAK_BUCKETS; b++)
        mean += envelope[b] / LEAK_BUCKETS;
    for (int b = 0; b < LEAK_BUCKETS; b++) {
        sxy += (b - middle) * (envelope[b] - mean);
        sxx += (b - middle) * (b - middle);
        syy += (envelope[b] - mean) * (envelope[b] - mean);
    }
    *ret_slope = sxy / sxx;
    *ret_r2 = syy > 0 ? sxy * sxy / (sxx * syy) : 0;
}

/* Bytes never freed that were born in [from_ns, until_ns]. */
static double leak_born(const struct leak_curve *curve, uint64_t from_ns, uint64_t until_ns)
{
    double bytes = 0;
    for (size_t i = 0; i < curve->n; i++) {
        if (curve->at_ns[i] > from_ns && curve->at_ns[i] <= until_ns)
            bytes += (double)curve->kept_bytes[i];
    }
    return bytes;
}

static double leak_highest(const struct leak_curve *curve, uint64_t from_ns, uint64_t until_ns)
{
    double highest = 0;
    for (size_t i = 0; i < curve->n; i++) {
        if (curve->at_ns[i] > from_ns && curve->at_ns[i] <= until_ns &&
            (double)curve->live_bytes[i] > highest)
            highest = (double)curve->live_bytes[i];
    }
    return highest;
}

/* True when the last half rises steadily up to the end and never-freed blocks account for it. */
static bool leak_grows(const struct leak_curve *curve, uint64_t middle_ns,
                       struct leak_verdict *verdict)
{
    double envelope[LEAK_BUCKETS], slope, r2;
    leak_envelope(curve, middle_ns, envelope);
    leak_regress(envelope, &slope, &r2);
    double half_s = (double)(curve->end_ns - middle_ns) / 1e9;
    double growth = slope * (LEAK_BUCKETS - 1), end = envelope[LEAK_BUCKETS - 1];
    verdict->slope_bytes_per_s = slope * LEAK_BUCKETS / half_s;
    verdict->r2 = r2;
    if (slope <= 0 || r2 < leak_r2_least || growth < leak_growth_least * end)
        return false;
    /* Growth that stopped: nothing came in the last quarter of the half. */
    if (end - envelope[LEAK_BUCKETS * 3 / 4 - 1] < 0.08 * growth)
        return false;
    double kept = leak_born(curve, curve->start_ns, curve->end_ns);
    double kept_early = leak_born(curve, curve->start_ns, middle_ns);
    double kept_late = kept - kept_early;
    if (kept_late < 0.4 * growth)
        return false;
    /* A sawtooth: it was as high before, fell, and nothing of that time was kept. */
    double before = leak_highest(curve, curve->start_ns, middle_ns);
    double after = leak_highest(curve, middle_ns, curve->end_ns);
    return !(kept_early < 0.1 * kept && before >= 0.8 * after);
}

/* True when the level of the last third hardly moves: replaced as fast as it grows. */
static bool leak_is_flat(const struct leak_curve *curve)
{
    uint64_t from_ns = curve->end_ns - (curve->end_ns - curve->start_ns) / 3;
    double least = -1, most = 0;
    for (size_t i = 0; i < curve->n; i++) {
        double live = (double)curve->live_bytes[i];
        if (curve->at_ns[i] < from_ns)
            continue;
        least = least < 0 || live < least ? live : least;
        most = live > most ? live : most;
    }
    return most > 0 && least >= 0.75 * most;
}

/* First and last slice with never-freed blocks. false: there are none. */
static bool leak_span(const struct leak_curve *curve, struct leak_verdict *verdict)
{
    bool any = false;
    for (size_t i = 0; i < curve->n; i++) {
        if (curve->kept_bytes[i] == 0)
            continue;
        if (!any)
            verdict->first_ns = curve->at_ns[i];
        verdict->last_ns = curve->at_ns[i];
        any = true;
    }
    return any;
}

struct leak_verdict leak_judge(const struct leak_curve *curve)
{
    struct leak_verdict verdict = {.class = LEAK_UNCLEAR};
    uint64_t run_ns = curve->end_ns - curve->start_ns;
    uint64_t middle_ns = curve->start_ns + run_ns / 2;
    if (!leak_span(curve, &verdict))
        return verdict;
    double kept = leak_born(curve, curve->start_ns, curve->end_ns);
    double at_start = leak_born(curve, curve->start_ns, curve->start_ns + run_ns / 10);
    bool enough = curve->n >= LEAK_POINTS_LEAST;
    if (enough && leak_grows(curve, middle_ns, &verdict))
        verdict.class = LEAK_GROWING;
    else if (enough && at_start >= 0.95 * kept)
        verdict.class = LEAK_START_UP;
    else if (verdict.last_ns - verdict.first_ns <= run_ns / 20)
        verdict.class = curve->kept_n <= LEAK_FEW_BLOCKS ? LEAK_ONE_OFF : LEAK_BURST;
    else if (enough && leak_is_flat(curve))
        verdict.class = LEAK_PLATEAU;
    if (verdict.class == LEAK_BURST && enough && leak_is_flat(curve) &&
        verdict.last_ns > curve->end_ns - run_ns / 10)
        verdict.class = LEAK_PLATEAU; /* the last generation of what is replaced all the time */
    return verdict;
}
