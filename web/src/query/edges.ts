// SPDX-License-Identifier: Apache-2.0
// Between times and slice edges: snapping, clamping, moving and resizing a window.
import type { Window } from './metrics';

/** Index of the edge nearest to a time. */
export function nearestEdge(edges: ArrayLike<number>, at_ns: number): number {
    let lo = 0;
    let hi = edges.length - 1;
    while (lo < hi) {
        const mid = (lo + hi) >> 1;
        if (edges[mid] < at_ns) lo = mid + 1;
        else hi = mid;
    }
    if (lo > 0 && at_ns - edges[lo - 1] <= edges[lo] - at_ns) return lo - 1;
    return lo;
}

/** A window of at least one slice that holds the nearest edges of two times in any order. */
export function windowAround(edges: ArrayLike<number>, from_ns: number, until_ns: number): Window {
    const last = edges.length - 1;
    let i0 = nearestEdge(edges, Math.min(from_ns, until_ns));
    let i1 = nearestEdge(edges, Math.max(from_ns, until_ns));
    if (i1 === i0) {
        if (i1 < last) i1++;
        else i0--;
    }
    return { i0: Math.max(0, i0), i1: Math.max(1, i1) };
}

/** Moves a window by whole slices without changing how many it holds. */
export function windowShifted(window: Window, slices: number, by: number): Window {
    const width = window.i1 - window.i0;
    const i0 = Math.min(Math.max(0, window.i0 + by), slices - width);
    return { i0, i1: i0 + width };
}

/** Widens (by > 0) or narrows a window on both sides. */
export function windowResized(window: Window, slices: number, by: number): Window {
    const i0 = Math.max(0, window.i0 - by);
    const i1 = Math.min(slices, window.i1 + by);
    if (i1 > i0) return { i0, i1 };
    const middle = Math.min(slices - 1, (window.i0 + window.i1) >> 1);
    return { i0: middle, i1: middle + 1 };
}
