// SPDX-License-Identifier: Apache-2.0
// The report in memory: typed columns, derived offsets, and the checks of the contract's identities.
//
// Rows are grouped by cell and cells by site, so `siteRow[s] … siteRow[s+1]` are the rows of a site. `rowFree` is T for blocks that
// were never freed; `rowGone` is the slice in which a block left live memory: its free, or the end of its process.
import type { Column, Numbers } from './codec';
import { ReportError } from './codec';
import type { Manifest, Timeline } from './manifest';

export type Columns = Map<string, Column>;

const KIND_EXEC = 3;

export function numbersOf(columns: Columns, name: string): Numbers {
    const column = columns.get(name);
    if (!column || Array.isArray(column)) throw new ReportError(`column ${name} is missing`);
    return column;
}

function ints(columns: Columns, name: string): Int32Array {
    const column = numbersOf(columns, name);
    return column instanceof Int32Array ? column : Int32Array.from(column);
}

function doubles(columns: Columns, name: string): Float64Array {
    const column = numbersOf(columns, name);
    return column instanceof Float64Array ? column : Float64Array.from(column);
}

function optional(columns: Columns, name: string): Numbers | null {
    return columns.has(name) ? numbersOf(columns, name) : null;
}

/** Names and tree (section s1). */
export interface Names {
    str: string[];
    modName: Int32Array;
    modKind: Int32Array;
    funcName: Int32Array;
    funcShort: Int32Array;
    funcFile: Int32Array;
    funcMod: Int32Array;
    /** Bit 0: only passes allocations on; bit 1: has no symbol. */
    funcFlags: Int32Array;
    frameFunc: Int32Array;
    frameLine: Int32Array;
    frameFlags: Int32Array;
    nodeParent: Int32Array;
    nodeFrame: Int32Array;
}

/** Contexts, sites, cells and rows (section s2). */
export interface Rows {
    slices: number;
    ctxProc: Int32Array;
    ctxThread: Int32Array;
    ctxTask: Int32Array;
    procEndSlice: Int32Array;
    procEndKind: Int32Array;
    threadProc: Int32Array;
    taskGroup: Int32Array;
    siteNode: Int32Array;
    siteCell: Int32Array;
    siteRow: Int32Array;
    cellCtx: Int32Array;
    cellRow: Int32Array;
    cellPeakN: Float64Array;
    cellPeakBytes: Float64Array;
    cellOwnN: Numbers | null;
    cellOwnBytes: Numbers | null;
    rowA: Uint16Array;
    rowFree: Uint16Array;
    rowGone: Uint16Array;
    rowN: Float64Array;
    rowBytes: Float64Array;
}

export function namesFrom(columns: Columns): Names {
    const str = columns.get('str');
    if (!Array.isArray(str)) throw new ReportError('column str is missing');
    const nodeParent = Int32Array.from(ints(columns, 'node_parent'));
    for (let i = 1; i < nodeParent.length; i++) {
        const parent = i - nodeParent[i];
        if (parent < 0 || parent >= i) throw new ReportError(`node ${i} has no parent before it`);
        nodeParent[i] = parent;
    }
    return {
        str,
        modName: ints(columns, 'mod_name'),
        modKind: ints(columns, 'mod_kind'),
        funcName: ints(columns, 'func_name'),
        funcShort: ints(columns, 'func_short'),
        funcFile: ints(columns, 'func_file'),
        funcMod: ints(columns, 'func_mod'),
        funcFlags: columns.has('func_flags') ? ints(columns, 'func_flags') : new Int32Array(numbersOf(columns, 'func_name').length),
        frameFunc: ints(columns, 'frame_func'),
        frameLine: ints(columns, 'frame_line'),
        frameFlags: ints(columns, 'frame_flags'),
        nodeParent,
        nodeFrame: ints(columns, 'node_frame'),
    };
}

function starts(counts: Int32Array): Int32Array {
    const out = new Int32Array(counts.length + 1);
    for (let i = 0; i < counts.length; i++) out[i + 1] = out[i] + counts[i];
    return out;
}

function checkRange(name: string, values: Int32Array, limit: number): void {
    for (let i = 0; i < values.length; i++) {
        if (values[i] < 0 || values[i] >= limit) throw new ReportError(`column ${name}: value ${values[i]} at ${i} is out of range`);
    }
}

export function rowsFrom(columns: Columns, slices: number, nodes: number): Rows {
    const cellRow = starts(ints(columns, 'cell_rows'));
    const siteCell = starts(ints(columns, 'site_cells'));
    const a = ints(columns, 'row_a');
    const life = ints(columns, 'row_life');
    if (slices > 65534) throw new ReportError('too many slices');
    if (cellRow[cellRow.length - 1] !== a.length || life.length !== a.length) throw new ReportError('rows do not fit their cells');
    const rows: Rows = {
        slices,
        ctxProc: ints(columns, 'ctx_proc'),
        ctxThread: ints(columns, 'ctx_thread'),
        ctxTask: ints(columns, 'ctx_task'),
        procEndSlice: ints(columns, 'proc_end_slice'),
        procEndKind: ints(columns, 'proc_end_kind'),
        threadProc: ints(columns, 'thread_proc'),
        taskGroup: ints(columns, 'task_group'),
        siteNode: ints(columns, 'site_node'),
        siteCell,
        siteRow: siteCell.map((cell) => cellRow[cell]),
        cellCtx: ints(columns, 'cell_ctx'),
        cellRow,
        cellPeakN: doubles(columns, 'cell_peak_n'),
        cellPeakBytes: doubles(columns, 'cell_peak_bytes'),
        cellOwnN: optional(columns, 'cell_own_n'),
        cellOwnBytes: optional(columns, 'cell_own_bytes'),
        rowA: new Uint16Array(a.length),
        rowFree: new Uint16Array(a.length),
        rowGone: new Uint16Array(a.length),
        rowN: doubles(columns, 'row_n'),
        rowBytes: doubles(columns, 'row_bytes'),
    };
    checkRange('site_node', rows.siteNode, nodes);
    checkRange('cell_ctx', rows.cellCtx, rows.ctxProc.length);
    checkRange('ctx_proc', rows.ctxProc, rows.procEndSlice.length);
    fillRows(rows, a, life);
    return rows;
}

function fillRows(rows: Rows, a: Int32Array, life: Int32Array): void {
    const T = rows.slices;
    for (let cell = 0; cell + 1 < rows.cellRow.length; cell++) {
        const ended = rows.procEndSlice[rows.ctxProc[rows.cellCtx[cell]]];
        const end = rows.cellRow[cell + 1];
        for (let row = rows.cellRow[cell]; row < end; row++) {
            const free = a[row] + life[row];
            if (free > T || a[row] < 0) throw new ReportError(`row ${row} ends after the last slice`);
            rows.rowA[row] = a[row];
            rows.rowFree[row] = free;
            rows.rowGone[row] = free === T ? ended : free;
        }
    }
}

/** True where never-freed blocks count as leaked: their process was not replaced by exec. */
export function leakableContexts(rows: Rows): Uint8Array {
    return Uint8Array.from(rows.ctxProc, (proc) => (rows.procEndKind[proc] === KIND_EXEC ? 0 : 1));
}

function total(values: ArrayLike<number>): number {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i];
    return sum;
}

/** Sentences about every identity of the contract that does not hold. */
export function reportBreaches(manifest: Manifest, timeline: Timeline, rows: Rows): string[] {
    const T = rows.slices;
    const { totals } = manifest;
    const breaches: string[] = [];
    const expect = (what: string, seen: number, wanted: number): void => {
        if (seen !== wanted) breaches.push(`${what}: ${seen} instead of ${wanted}`);
    };
    // With sampling these totals were counted and the rows are estimates.
    const estimated = manifest.sampling !== undefined;
    if (!estimated) {
        expect('blocks in all rows', total(rows.rowN), totals.alloc_n);
        expect('bytes in all rows', total(rows.rowBytes), totals.alloc_bytes);
        expect('blocks allocated in all slices', total(timeline.alloc_n), totals.alloc_n);
    }
    expect('bytes at the peak in all cells', total(rows.cellPeakBytes), totals.peak_live_bytes);
    let live = 0;
    for (let row = 0; row < rows.rowA.length; row++) if (rows.rowGone[row] === T) live += rows.rowBytes[row];
    expect('bytes live at the end in all rows', live, totals.end_live_bytes);
    if (T > 0) expect('bytes live at the last edge', timeline.live_bytes[T - 1], totals.end_live_bytes);
    return breaches;
}
