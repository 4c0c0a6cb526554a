// SPDX-License-Identifier: Apache-2.0
// Places tree nodes as rectangles: one row per depth, widths in proportion to totals, small neighbours folded into one stub.
//
// Rectangles come out row by row and from left to right inside a row, so a hit is two look-ups and only rows in view are drawn.

import type { TotalOf } from './calltree';

export interface LayoutTree {
    firstChild: Int32Array;
    nextSibling: Int32Array;
    totalOf: TotalOf;
    func: Int32Array;
    foldedN?: Int32Array;
    foldedTotal?: Float64Array;
}

export interface Layout {
    count: number;
    /** Tree node; for a stub the node whose children it folds. */
    node: Int32Array;
    x: Float32Array;
    width: Float32Array;
    /** 0 = a node, else the number of children folded here. */
    stub: Int32Array;
    stubTotal: Float64Array;
    /** Rectangles of row r are rowStart[r] … rowStart[r+1]. */
    rowStart: Int32Array;
    rows: number;
}

export interface LayoutInput {
    tree: LayoutTree;
    root: number;
    widthPx: number;
    minPx: number;
    order: 'value' | 'name';
    nameRank?: Int32Array;
    maxRows?: number;
}

class Rectangles {
    node: Int32Array = new Int32Array(4096);
    x: Float32Array = new Float32Array(4096);
    width: Float32Array = new Float32Array(4096);
    stub: Int32Array = new Int32Array(4096);
    stubTotal: Float64Array = new Float64Array(4096);
    count = 0;

    private grow(): void {
        const size = this.node.length * 2;
        const ints = (old: Int32Array): Int32Array => {
            const grown = new Int32Array(size);
            grown.set(old);
            return grown;
        };
        const floats = (old: Float32Array): Float32Array => {
            const grown = new Float32Array(size);
            grown.set(old);
            return grown;
        };
        this.node = ints(this.node);
        this.stub = ints(this.stub);
        this.x = floats(this.x);
        this.width = floats(this.width);
        const totals = new Float64Array(size);
        totals.set(this.stubTotal);
        this.stubTotal = totals;
    }

    add(node: number, x: number, width: number, stub: number, stubTotal: number): void {
        if (this.count === this.node.length) this.grow();
        const at = this.count++;
        this.node[at] = node;
        this.x[at] = x;
        this.width[at] = width;
        this.stub[at] = stub;
        this.stubTotal[at] = stubTotal;
    }
}

function childrenOf(input: LayoutInput, node: number, floor: number): { shown: number[]; foldedN: number; foldedTotal: number } {
    const { tree } = input;
    const shown: number[] = [];
    let foldedN = tree.foldedN ? tree.foldedN[node] : 0;
    let foldedTotal = tree.foldedTotal ? tree.foldedTotal[node] : 0;
    for (let child = tree.firstChild[node]; child >= 0; child = tree.nextSibling[child]) {
        const total = tree.totalOf(child);
        if (total <= 0) continue;
        if (total >= floor) {
            shown.push(child);
        } else {
            foldedN++;
            foldedTotal += total;
        }
    }
    const { totalOf, func } = tree;
    const rank = input.nameRank;
    if (input.order === 'name' && rank) shown.sort((x, y) => rank[func[x]] - rank[func[y]]);
    else shown.sort((x, y) => totalOf(y) - totalOf(x) || func[x] - func[y]);
    return { shown, foldedN, foldedTotal };
}

export function layoutTree(input: LayoutInput): Layout {
    const { tree, root, widthPx, minPx } = input;
    const maxRows = input.maxRows ?? 100000;
    const rects = new Rectangles();
    const rowStart = [0];
    const whole = tree.totalOf(root);
    if (whole > 0) {
        const scale = widthPx / whole;
        const floor = minPx / scale;
        rects.add(root, 0, widthPx, 0, 0);
        rowStart.push(1);
        for (let row = 0; row < maxRows; row++) {
            const end = rowStart[row + 1];
            for (let rect = rowStart[row]; rect < end; rect++) {
                if (rects.stub[rect] > 0) continue;
                const { shown, foldedN, foldedTotal } = childrenOf(input, rects.node[rect], floor);
                let x = rects.x[rect];
                for (const child of shown) {
                    const width = tree.totalOf(child) * scale;
                    rects.add(child, x, width, 0, 0);
                    x += width;
                }
                if (foldedN > 0 && foldedTotal * scale >= minPx) rects.add(rects.node[rect], x, foldedTotal * scale, foldedN, foldedTotal);
            }
            if (rects.count === end) break;
            rowStart.push(rects.count);
        }
    }
    return {
        count: rects.count,
        node: rects.node.slice(0, rects.count),
        x: rects.x.slice(0, rects.count),
        width: rects.width.slice(0, rects.count),
        stub: rects.stub.slice(0, rects.count),
        stubTotal: rects.stubTotal.slice(0, rects.count),
        rowStart: Int32Array.from(rowStart),
        rows: rowStart.length - 1,
    };
}

/** Rectangle at (row, x), or −1. */
export function layoutHit(layout: Layout, row: number, x: number): number {
    if (row < 0 || row >= layout.rows) return -1;
    let lo = layout.rowStart[row];
    let hi = layout.rowStart[row + 1] - 1;
    while (lo < hi) {
        const mid = (lo + hi + 1) >> 1;
        if (layout.x[mid] <= x) lo = mid;
        else hi = mid - 1;
    }
    return lo <= hi && x >= layout.x[lo] && x < layout.x[lo] + layout.width[lo] ? lo : -1;
}

/** Rectangle of a node, or −1 when it is folded. */
export function layoutFind(layout: Layout, node: number): number {
    for (let i = 0; i < layout.count; i++) if (layout.node[i] === node && layout.stub[i] === 0) return i;
    return -1;
}

/** Row of a rectangle. */
export function layoutRow(layout: Layout, rect: number): number {
    let lo = 0;
    let hi = layout.rows - 1;
    while (lo < hi) {
        const mid = (lo + hi + 1) >> 1;
        if (layout.rowStart[mid] <= rect) lo = mid;
        else hi = mid - 1;
    }
    return lo;
}
