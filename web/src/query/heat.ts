// SPDX-License-Identifier: Apache-2.0
// Heat maps of the report: row-major counts cut down to the rows that hold anything, with a share on a logarithmic scale.

export interface Heat {
    /** Row-major counts of the kept rows, `columns` wide. */
    cells: Float64Array;
    firstRow: number;
    rows: number;
    columns: number;
    max: number;
    total: number;
}

export function heatOf(values: ArrayLike<number>, rows: number, columns: number): Heat {
    const empty = { cells: new Float64Array(0), firstRow: 0, rows: 0, columns, max: 0, total: 0 };
    if (rows * columns === 0 || values.length !== rows * columns) return empty;
    let first = rows;
    let last = -1;
    let max = 0;
    let total = 0;
    for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
            const value = values[row * columns + column];
            if (value <= 0) continue;
            first = Math.min(first, row);
            last = row;
            max = Math.max(max, value);
            total += value;
        }
    }
    if (last < 0) return empty;
    const kept = last - first + 1;
    const cells = Float64Array.from({ length: kept * columns }, (_, i) => values[first * columns + i]);
    return { cells, firstRow: first, rows: kept, columns, max, total };
}

/** 0 for nothing, else 1/8 … 1 by order of magnitude. */
export function heatShare(value: number, max: number): number {
    if (value <= 0 || max <= 0) return 0;
    if (max <= 1) return 1;
    return Math.max(0.125, Math.log(1 + value) / Math.log(1 + max));
}

/** First and last column with a value. */
export function usedColumns(heat: Heat): [number, number] {
    let first = heat.columns;
    let last = -1;
    for (let i = 0; i < heat.cells.length; i++) {
        if (heat.cells[i] <= 0) continue;
        first = Math.min(first, i % heat.columns);
        last = Math.max(last, i % heat.columns);
    }
    return last < 0 ? [0, 0] : [first, last];
}
