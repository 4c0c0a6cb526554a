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

/** Every metric but `temp` is a box in (slice of allocation, slice of leaving); starts and lengths. */
export interface Span {
    aFrom: number;
    aCount: number;
    /** Slice of leaving live memory, or of the free itself. */
    leaving: Uint16Array;
    leftFrom: number;
    leftCount: number;
}

export function spanOf(rows: Rows, metric: MetricId, window: Window, peakEdge: number): Span {
    const { i0, i1 } = window;
    const { rowGone, rowFree, slices } = rows;
    const born = { aFrom: i0, aCount: i1 - i0 };
    switch (metric) {
        case 'peak':
            return { aFrom: 0, aCount: peakEdge, leaving: rowGone, leftFrom: peakEdge, leftCount: slices + 1 - peakEdge };
        case 'live':
            return { aFrom: 0, aCount: i1, leaving: rowGone, leftFrom: i1, leftCount: slices + 1 - i1 };
        case 'retained':
            return { ...born, leaving: rowGone, leftFrom: i1, leftCount: slices + 1 - i1 };
        case 'freed':
            return { aFrom: 0, aCount: slices, leaving: rowFree, leftFrom: i0, leftCount: Math.min(i1, slices) - i0 };
        case 'leak':
            return { ...born, leaving: rowFree, leftFrom: slices, leftCount: 1 };
        default:
            return { ...born, leaving: rowFree, leftFrom: 0, leftCount: slices + 1 };
    }
}

interface Sum {
    n: number;
    bytes: number;
}

function sumSpan(rows: Rows, from: number, until: number, span: Span, out: Sum): void {
    const { rowA, rowN, rowBytes } = rows;
    const { aFrom, aCount, leaving, leftFrom, leftCount } = span;
    let n = 0;
    let bytes = 0;
    for (let row = from; row < until; row++) {
        if ((rowA[row] - aFrom) >>> 0 < aCount && (leaving[row] - leftFrom) >>> 0 < leftCount) {
            n += rowN[row];
            bytes += rowBytes[row];
        }
    }
    out.n += n;
    out.bytes += bytes;
}

function sumShortLived(rows: Rows, from: number, until: number, window: Window, out: Sum): void {
    const { rowA, rowFree, rowN, rowBytes } = rows;
    for (let row = from; row < until; row++) {
        const a = rowA[row];
        if (rowFree[row] === a && a >= window.i0 && a < window.i1) {
            out.n += rowN[row];
            out.bytes += rowBytes[row];
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

function sumPeak(rows: Rows, from: number, until: number, own: boolean, out: Sum): void {
    const n = own && rows.cellOwnN ? rows.cellOwnN : rows.cellPeakN;
    const bytes = own && rows.cellOwnBytes ? rows.cellOwnBytes : rows.cellPeakBytes;
    for (let cell = from; cell < until; cell++) {
        out.n += n[cell];
        out.bytes += bytes[cell];
    }
}

/** Sums a range of neighbouring cells. */
type CellSum = (from: number, until: number, out: Sum) => void;

function cellSum(rows: Rows, timeline: Timeline, query: Query): CellSum {
    const { metric, window } = query;
    const { cellRow } = rows;
    if (metric === 'peak' && isWhole(window, rows.slices)) return (from, until, out) => sumPeak(rows, from, until, query.soleProc, out);
    if (metric === 'temp') return (from, until, out) => sumShortLived(rows, cellRow[from], cellRow[until], window, out);
    const span = spanOf(rows, metric, window, metric === 'peak' ? highestEdge(timeline, window) : 0);
    return (from, until, out) => sumSpan(rows, cellRow[from], cellRow[until], span, out);
}

/** Contexts that count for a query; null = all. */
export function countedContexts(rows: Rows, query: Query): Uint8Array | null {
    if (query.metric !== 'leak') return query.ctxMask;
    const leakable = leakableContexts(rows);
    return query.ctxMask ? leakable.map((yes, ctx) => yes & (query.ctxMask?.[ctx] ?? 1)) : leakable;
}

/** Sums one metric per site. */
export function aggregate(rows: Rows, timeline: Timeline, query: Query): SiteValues {
    const { siteMask } = query;
    const { siteCell, cellCtx } = rows;
    const sites = rows.siteNode.length;
    const values: SiteValues = { n: new Float64Array(sites), bytes: new Float64Array(sites), totalN: 0, totalBytes: 0 };
    const add = cellSum(rows, timeline, query);
    const mask = countedContexts(rows, query);
    const sum: Sum = { n: 0, bytes: 0 };
    for (let site = 0; site < sites; site++) {
        if (siteMask && siteMask[site] === 0) continue;
        sum.n = 0;
        sum.bytes = 0;
        if (!mask) add(siteCell[site], siteCell[site + 1], sum);
        else for (let cell = siteCell[site]; cell < siteCell[site + 1]; cell++) if (mask[cellCtx[cell]] === 1) add(cell, cell + 1, sum);
        values.n[site] = sum.n;
        values.bytes[site] = sum.bytes;
        values.totalN += sum.n;
        values.totalBytes += sum.bytes;
    }
    return values;
}

/** The same sums per context instead of per site. */
export function aggregateContexts(rows: Rows, timeline: Timeline, query: Query): { n: Float64Array; bytes: Float64Array } {
    const { siteMask } = query;
    const { siteCell, cellCtx } = rows;
    const n = new Float64Array(rows.ctxProc.length);
    const bytes = new Float64Array(rows.ctxProc.length);
    const add = cellSum(rows, timeline, query);
    const mask = countedContexts(rows, query);
    const sum: Sum = { n: 0, bytes: 0 };
    for (let site = 0; site < rows.siteNode.length; site++) {
        if (siteMask && siteMask[site] === 0) continue;
        for (let cell = siteCell[site]; cell < siteCell[site + 1]; cell++) {
            const ctx = cellCtx[cell];
            if (mask && mask[ctx] === 0) continue;
            sum.n = 0;
            sum.bytes = 0;
            add(cell, cell + 1, sum);
            n[ctx] += sum.n;
            bytes[ctx] += sum.bytes;
        }
    }
    return { n, bytes };
}
