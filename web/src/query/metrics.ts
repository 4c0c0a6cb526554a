// SPDX-License-Identifier: Apache-2.0
// The seven metrics over a window of slice edges, summed per site (CONTRACT.md section 5).
import type { MetricId, Timeline } from '../data/manifest';
import type { Rows } from '../data/report';
import { leakableContexts } from '../data/report';

/** Edges, i0 < i1: slices i0 … i1−1. */
export interface Window {
    i0: number;
    i1: number;
}

export interface SiteValues {
    n: Float64Array;
    bytes: Float64Array;
    totalN: number;
    totalBytes: number;
}

export interface MetricInfo {
    id: MetricId;
    label: string;
    short: string;
    help: string;
}

export const METRICS: MetricInfo[] = [
    { id: 'peak', label: 'Live at peak', short: 'at peak', help: 'Blocks that were live when live memory was highest.' },
    { id: 'live', label: "Live at window's end", short: 'live at end', help: "Blocks that were live at the window's last edge, whenever they were allocated." },
    { id: 'retained', label: 'Allocated here, still live at end', short: 'retained', help: "Allocated inside the window and still live at its last edge." },
    { id: 'alloc', label: 'Allocated (churn)', short: 'allocated', help: 'Everything allocated inside the window.' },
    { id: 'temp', label: 'Short-lived', short: 'short-lived', help: 'Born and freed within one slice of the window.' },
    { id: 'freed', label: 'Freed', short: 'freed', help: 'Freed inside the window, whenever it was allocated.' },
    { id: 'leak', label: 'Never freed', short: 'never freed', help: 'Allocated inside the window and not freed until the end of the run.' },
];

export function isWhole(window: Window, slices: number): boolean {
    return window.i0 === 0 && window.i1 === slices;
}

/** First edge in the window with the highest total live bytes. */
export function highestEdge(timeline: Timeline, window: Window): number {
    let best = window.i0;
    let bytes = -1;
    for (let edge = window.i0; edge <= window.i1; edge++) {
        const live = edge === 0 ? 0 : timeline.live_bytes[edge - 1];
        if (live > bytes) {
            bytes = live;
            best = edge;
        }
    }
    return best;
}

interface Span {
    aFrom: number;
    aUntil: number;
    goneFrom: number;
    goneUntil: number;
}

/** Every metric except `freed`, `temp` and `leak` is a box in (slice of allocation, slice of leaving). */
function spanOf(metric: MetricId, window: Window, peakEdge: number, slices: number): Span | null {
    const { i0, i1 } = window;
    switch (metric) {
        case 'peak':
            return { aFrom: 0, aUntil: peakEdge, goneFrom: peakEdge, goneUntil: slices };
        case 'live':
            return { aFrom: 0, aUntil: i1, goneFrom: i1, goneUntil: slices };
        case 'retained':
            return { aFrom: i0, aUntil: i1, goneFrom: i1, goneUntil: slices };
        case 'alloc':
            return { aFrom: i0, aUntil: i1, goneFrom: 0, goneUntil: slices };
        default:
            return null;
    }
}

function sumSpan(rows: Rows, from: number, until: number, span: Span, out: Float64Array): void {
    const { rowA, rowGone, rowN, rowBytes } = rows;
    for (let row = from; row < until; row++) {
        const a = rowA[row];
        const gone = rowGone[row];
        if (a >= span.aFrom && a < span.aUntil && gone >= span.goneFrom && gone <= span.goneUntil) {
            out[0] += rowN[row];
            out[1] += rowBytes[row];
        }
    }
}

function sumByFree(rows: Rows, from: number, until: number, metric: MetricId, window: Window, out: Float64Array): void {
    const { rowA, rowFree, rowN, rowBytes, slices } = rows;
    const { i0, i1 } = window;
    for (let row = from; row < until; row++) {
        const a = rowA[row];
        const free = rowFree[row];
        const born = a >= i0 && a < i1;
        const counts = metric === 'temp' ? born && free === a : metric === 'freed' ? free >= i0 && free < i1 && free < slices : born && free === slices;
        if (counts) {
            out[0] += rowN[row];
            out[1] += rowBytes[row];
        }
    }
}

export interface Query {
    metric: MetricId;
    window: Window;
    /** Contexts that count; null = all. */
    ctxMask: Uint8Array | null;
    /** Sites that count; null = all. */
    siteMask: Uint8Array | null;
    /** The one process that is selected: its own peak is used for the whole run. */
    soleProc: boolean;
}

function cellAtPeak(rows: Rows, cell: number, own: boolean, out: Float64Array): void {
    const n = own && rows.cellOwnN ? rows.cellOwnN : rows.cellPeakN;
    const bytes = own && rows.cellOwnBytes ? rows.cellOwnBytes : rows.cellPeakBytes;
    out[0] += n[cell];
    out[1] += bytes[cell];
}

/** Sums one metric per site. */
export function aggregate(rows: Rows, timeline: Timeline, query: Query): SiteValues {
    const { metric, window, ctxMask, siteMask } = query;
    const sites = rows.siteNode.length;
    const values: SiteValues = { n: new Float64Array(sites), bytes: new Float64Array(sites), totalN: 0, totalBytes: 0 };
    const exactPeak = metric === 'peak' && isWhole(window, rows.slices);
    const span = exactPeak ? null : spanOf(metric, window, highestEdge(timeline, window), rows.slices);
    const leakable = metric === 'leak' ? leakableContexts(rows) : null;
    const sum = new Float64Array(2);
    for (let site = 0; site < sites; site++) {
        if (siteMask && siteMask[site] === 0) continue;
        sum[0] = 0;
        sum[1] = 0;
        const lastCell = rows.siteCell[site + 1];
        for (let cell = rows.siteCell[site]; cell < lastCell; cell++) {
            const ctx = rows.cellCtx[cell];
            if ((ctxMask && ctxMask[ctx] === 0) || (leakable && leakable[ctx] === 0)) continue;
            if (exactPeak) cellAtPeak(rows, cell, query.soleProc, sum);
            else if (span) sumSpan(rows, rows.cellRow[cell], rows.cellRow[cell + 1], span, sum);
            else sumByFree(rows, rows.cellRow[cell], rows.cellRow[cell + 1], metric, window, sum);
        }
        values.n[site] = sum[0];
        values.bytes[site] = sum[1];
        values.totalN += sum[0];
        values.totalBytes += sum[1];
    }
    return values;
}

/** The same sums per context instead of per site. */
export function aggregateContexts(rows: Rows, timeline: Timeline, query: Query): { n: Float64Array; bytes: Float64Array } {
    const contexts = rows.ctxProc.length;
    const n = new Float64Array(contexts);
    const bytes = new Float64Array(contexts);
    const exactPeak = query.metric === 'peak' && isWhole(query.window, rows.slices);
    const span = exactPeak ? null : spanOf(query.metric, query.window, highestEdge(timeline, query.window), rows.slices);
    const leakable = query.metric === 'leak' ? leakableContexts(rows) : null;
    const sum = new Float64Array(2);
    for (let site = 0; site < rows.siteNode.length; site++) {
        if (query.siteMask && query.siteMask[site] === 0) continue;
        const lastCell = rows.siteCell[site + 1];
        for (let cell = rows.siteCell[site]; cell < lastCell; cell++) {
            const ctx = rows.cellCtx[cell];
            if ((query.ctxMask && query.ctxMask[ctx] === 0) || (leakable && leakable[ctx] === 0)) continue;
            sum[0] = 0;
            sum[1] = 0;
            if (exactPeak) cellAtPeak(rows, cell, query.soleProc, sum);
            else if (span) sumSpan(rows, rows.cellRow[cell], rows.cellRow[cell + 1], span, sum);
            else sumByFree(rows, rows.cellRow[cell], rows.cellRow[cell + 1], query.metric, query.window, sum);
            n[ctx] += sum[0];
            bytes[ctx] += sum[1];
        }
    }
    return { n, bytes };
}
