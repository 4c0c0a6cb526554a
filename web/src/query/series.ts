// SPDX-License-Identifier: Apache-2.0
// Curves over time of a part of the program: live bytes or blocks of some sites or contexts at each slice's end.
import type { Unit } from '../data/manifest';
import type { Rows } from '../data/report';

function accumulate(change: Float64Array, slices: number): Float64Array {
    const live = new Float64Array(slices);
    let sum = 0;
    for (let i = 0; i < slices; i++) {
        sum += change[i];
        live[i] = sum;
    }
    return live;
}

function addRows(rows: Rows, from: number, until: number, weight: Float64Array, change: Float64Array): void {
    for (let row = from; row < until; row++) {
        change[rows.rowA[row]] += weight[row];
        change[rows.rowGone[row]] -= weight[row];
    }
}

/** Live at the end of each slice, for all cells that pass both masks. */
export function liveSeries(rows: Rows, unit: Unit, sites: ArrayLike<number> | null, ctxMask: Uint8Array | null): Float64Array {
    const change = new Float64Array(rows.slices + 1);
    const weight = unit === 'bytes' ? rows.rowBytes : rows.rowN;
    const count = sites ? sites.length : rows.siteNode.length;
    for (let i = 0; i < count; i++) {
        const site = sites ? sites[i] : i;
        for (let cell = rows.siteCell[site]; cell < rows.siteCell[site + 1]; cell++) {
            if (ctxMask && ctxMask[rows.cellCtx[cell]] === 0) continue;
            addRows(rows, rows.cellRow[cell], rows.cellRow[cell + 1], weight, change);
        }
    }
    return accumulate(change, rows.slices);
}

/** One live curve per key; `keyOfCell` gives −1 for cells that belong to none. */
export function liveSeriesBy(rows: Rows, unit: Unit, keys: number, keyOfCell: (site: number, ctx: number) => number): Float64Array[] {
    const changes = Array.from({ length: keys }, () => new Float64Array(rows.slices + 1));
    const weight = unit === 'bytes' ? rows.rowBytes : rows.rowN;
    for (let site = 0; site < rows.siteNode.length; site++) {
        for (let cell = rows.siteCell[site]; cell < rows.siteCell[site + 1]; cell++) {
            const key = keyOfCell(site, rows.cellCtx[cell]);
            if (key >= 0) addRows(rows, rows.cellRow[cell], rows.cellRow[cell + 1], weight, changes[key]);
        }
    }
    return changes.map((change) => accumulate(change, rows.slices));
}

export interface Flow {
    alloc: Float64Array;
    freed: Float64Array;
    kept: Float64Array;
}

/** Allocated, freed and still-live-at-end per slice, for all cells that pass both masks. */
export function flowSeries(rows: Rows, unit: Unit, siteMask: Uint8Array | null, ctxMask: Uint8Array | null): Flow {
    const T = rows.slices;
    const flow: Flow = { alloc: new Float64Array(T), freed: new Float64Array(T + 1), kept: new Float64Array(T) };
    const weight = unit === 'bytes' ? rows.rowBytes : rows.rowN;
    for (let site = 0; site < rows.siteNode.length; site++) {
        if (siteMask && siteMask[site] === 0) continue;
        for (let cell = rows.siteCell[site]; cell < rows.siteCell[site + 1]; cell++) {
            if (ctxMask && ctxMask[rows.cellCtx[cell]] === 0) continue;
            for (let row = rows.cellRow[cell]; row < rows.cellRow[cell + 1]; row++) {
                flow.alloc[rows.rowA[row]] += weight[row];
                flow.freed[rows.rowFree[row]] += weight[row];
                if (rows.rowGone[row] === T) flow.kept[rows.rowA[row]] += weight[row];
            }
        }
    }
    return flow;
}
