// SPDX-License-Identifier: Apache-2.0
// The timeline's curves as aligned arrays over time: edges of slices plus the exact instant of the peak.
import type { Timeline, Totals, Unit } from '../data/manifest';

export interface Curves {
    /** Seconds. */
    x: number[];
    live: number[];
    rss: (number | null)[];
    /** Index of the peak in `x`. */
    peak: number;
}

/** Live memory at every edge, with the peak put where it happened. */
export function liveCurves(timeline: Timeline, totals: Totals, unit: Unit): Curves {
    const values = unit === 'bytes' ? timeline.live_bytes : timeline.live_n;
    const x = timeline.edge_ns.map((edge) => edge / 1e9);
    const live = [0, ...values];
    const rss: (number | null)[] = [null, ...(unit === 'bytes' ? timeline.rss_bytes : values.map(() => null))];
    const at_s = totals.peak_at_ns / 1e9;
    let peak = x.findIndex((edge) => edge >= at_s);
    if (peak < 0) peak = x.length - 1;
    const height = unit === 'bytes' ? totals.peak_live_bytes : totals.peak_live_n;
    if (x[peak] === at_s) {
        live[peak] = Math.max(live[peak], height);
    } else {
        x.splice(peak, 0, at_s);
        live.splice(peak, 0, height);
        rss.splice(peak, 0, null);
    }
    return { x, live, rss, peak };
}

/** Spreads a per-slice curve over the same x as `liveCurves`; the inserted peak stays empty. */
export function partCurve(curves: Curves, timeline: Timeline, series: Float64Array): (number | null)[] {
    const out: (number | null)[] = [0, ...series];
    if (curves.x.length > timeline.edge_ns.length) out.splice(curves.peak, 0, null);
    return out;
}

/** Per-slice amounts as amounts per second at the slices' starts; the last value is repeated at the end. */
export function ratePerSecond(timeline: Timeline, amounts: ArrayLike<number>): number[] {
    const { edge_ns } = timeline;
    const out: number[] = [];
    for (let i = 0; i + 1 < edge_ns.length; i++) out.push(amounts[i] / ((edge_ns[i + 1] - edge_ns[i]) / 1e9));
    out.push(out[out.length - 1] ?? 0);
    return out;
}

/** Slice that holds a time. */
export function sliceAt(timeline: Timeline, at_ns: number): number {
    const { edge_ns } = timeline;
    let lo = 0;
    let hi = Math.max(0, edge_ns.length - 2);
    while (lo < hi) {
        const mid = (lo + hi + 1) >> 1;
        if (edge_ns[mid] <= at_ns) lo = mid;
        else hi = mid - 1;
    }
    return lo;
}
