// SPDX-License-Identifier: Apache-2.0
// A metric over a window that moves: from the last answer, only rows whose slice entered or left the window are added or taken away.
//
// Every metric but the whole run's peak is a box: slice of allocation × slice of leaving. A box becomes another by moving one side at a
// time; the rows between a side's old and new place are found by an index of rows by slice. Values are whole numbers, so adding and
// taking away are exact. Where more than a quarter of the rows would be touched, everything is summed afresh.
import type { MetricId, Timeline } from '../data/manifest';
import type { Rows } from '../data/report';
import { aggregate, countedContexts, highestEdge, isWhole, spanOf, type Query, type SiteValues, type Span } from './metrics';

/** Rows in the order of a slice: those of slice s are order[from[s]] … order[from[s+1] − 1]. */
interface Index {
    order: Int32Array;
    from: Int32Array;
}

function indexBy(slice: Uint16Array, slices: number): Index {
    const from = new Int32Array(slices + 2);
    for (let row = 0; row < slice.length; row++) from[slice[row] + 1]++;
    for (let s = 0; s <= slices; s++) from[s + 1] += from[s];
    const next = from.slice();
    const order = new Int32Array(slice.length);
    for (let row = 0; row < slice.length; row++) order[next[slice[row]]++] = row;
    return { order, from };
}

interface Answer {
    span: Span;
    ctxMask: Uint8Array | null;
    values: SiteValues;
}

/** One side of a box on its way: rows with their slice in from … until−1 change by `sign`. */
interface Move {
    born: boolean;
    from: number;
    until: number;
    sign: number;
}

function sidesMoved(born: boolean, old: [number, number], now: [number, number]): Move[] {
    const moves: Move[] = [];
    const [a, b] = old;
    const [c, d] = now;
    if (a >= b || c >= d || b <= c || d <= a) {
        if (a < b) moves.push({ born, from: a, until: b, sign: -1 });
        if (c < d) moves.push({ born, from: c, until: d, sign: 1 });
        return moves;
    }
    if (a !== c) moves.push({ born, from: Math.min(a, c), until: Math.max(a, c), sign: c < a ? 1 : -1 });
    if (b !== d) moves.push({ born, from: Math.min(b, d), until: Math.max(b, d), sign: d > b ? 1 : -1 });
    return moves;
}

export class WindowSums {
    private readonly indexes = new Map<Uint16Array, Index>();
    private readonly answers = new Map<MetricId, Answer>();
    private siteOfCell: Int32Array | null = null;
    private cellOfRow: Int32Array | null = null;

    constructor(
        private readonly rows: Rows,
        private readonly timeline: Timeline,
    ) {}

    query(query: Query): SiteValues {
        const { metric, window, ctxMask } = query;
        if (query.siteMask || (metric === 'peak' && isWhole(window, this.rows.slices))) return aggregate(this.rows, this.timeline, query);
        const span = spanOf(this.rows, metric, window, metric === 'peak' ? highestEdge(this.timeline, window) : 0);
        const last = this.answers.get(metric);
        const values = (last && last.ctxMask === ctxMask ? this.moved(last, span, query) : null) ?? aggregate(this.rows, this.timeline, query);
        this.answers.set(metric, { span, ctxMask, values });
        return values;
    }

    /** Makes what a moving window needs, so that its first step need not wait. */
    prepare(): void {
        this.indexOf(this.rows.rowA);
        this.indexOf(this.rows.rowGone);
        this.owners();
    }

    private indexOf(slice: Uint16Array): Index {
        let index = this.indexes.get(slice);
        if (!index) {
            index = indexBy(slice, this.rows.slices);
            this.indexes.set(slice, index);
        }
        return index;
    }

    private owners(): { cellOfRow: Int32Array; siteOfCell: Int32Array } {
        const { cellRow, siteCell, cellCtx, rowA } = this.rows;
        if (!this.cellOfRow || !this.siteOfCell) {
            this.cellOfRow = new Int32Array(rowA.length);
            this.siteOfCell = new Int32Array(cellCtx.length);
            for (let cell = 0; cell < cellCtx.length; cell++) this.cellOfRow.fill(cell, cellRow[cell], cellRow[cell + 1]);
            for (let site = 0; site + 1 < siteCell.length; site++) this.siteOfCell.fill(site, siteCell[site], siteCell[site + 1]);
        }
        return { cellOfRow: this.cellOfRow, siteOfCell: this.siteOfCell };
    }

    /** The last answer brought to another box, or null when that touches too many rows. */
    private moved(last: Answer, span: Span, query: Query): SiteValues | null {
        const old = last.span;
        const left = sidesMoved(false, [old.leftFrom, old.leftFrom + old.leftCount], [span.leftFrom, span.leftFrom + span.leftCount]);
        const born = sidesMoved(true, [old.aFrom, old.aFrom + old.aCount], [span.aFrom, span.aFrom + span.aCount]);
        let touched = 0;
        for (const move of [...left, ...born]) {
            const { from } = this.indexOf(move.born ? this.rows.rowA : span.leaving);
            touched += from[move.until] - from[move.from];
        }
        if (touched > this.rows.rowA.length / 4) return null;
        if (touched === 0) return last.values;
        const { n, bytes, totalN, totalBytes } = last.values;
        const values: SiteValues = { n: new Float64Array(n), bytes: new Float64Array(bytes), totalN, totalBytes };
        const mask = countedContexts(this.rows, query);
        const shortLived = query.metric === 'temp';
        for (const move of left) this.apply(move, this.indexOf(span.leaving), this.rows.rowA, old.aFrom, old.aCount, false, mask, values);
        for (const move of born) this.apply(move, this.indexOf(this.rows.rowA), span.leaving, span.leftFrom, span.leftCount, shortLived, mask, values);
        return values;
    }

    private apply(move: Move, index: Index, other: Uint16Array, otherFrom: number, otherCount: number, same: boolean, mask: Uint8Array | null, values: SiteValues): void {
        const { rowA, rowFree, rowN, rowBytes, cellCtx } = this.rows;
        const { cellOfRow, siteOfCell } = this.owners();
        const { n, bytes } = values;
        const { sign } = move;
        const end = index.from[move.until];
        for (let at = index.from[move.from]; at < end; at++) {
            const row = index.order[at];
            if ((other[row] - otherFrom) >>> 0 >= otherCount || (same && rowA[row] !== rowFree[row])) continue;
            const cell = cellOfRow[row];
            if (mask && mask[cellCtx[cell]] === 0) continue;
            const site = siteOfCell[cell];
            n[site] += sign * rowN[row];
            bytes[site] += sign * rowBytes[row];
            values.totalN += sign * rowN[row];
            values.totalBytes += sign * rowBytes[row];
        }
    }
}
