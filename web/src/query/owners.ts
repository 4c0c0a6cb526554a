// SPDX-License-Identifier: Apache-2.0
// Sums of contexts by process, thread, task and task group, for the view that compares them.
import type { Rows } from '../data/report';
import type { Stats } from '../data/stats';

export interface OwnerSums {
    /** Per context, in the chosen unit. */
    alloc: Float64Array;
    end: Float64Array;
    chosen: Float64Array;
    /** Blocks, whatever the unit. */
    allocN: Float64Array;
    freedElsewhere: Float64Array;
}

export interface OwnerRow {
    id: number;
    tasks: number;
    alive: number;
    polls: number;
    alloc: number;
    end: number;
    chosen: number;
    /** Live at the end, allocated by tasks that have ended. */
    retained: number;
    retainedTasks: number;
    /** Blocks. */
    allocN: number;
    freedElsewhere: number;
}

function emptyRow(id: number): OwnerRow {
    return { id, tasks: 0, alive: 0, polls: 0, alloc: 0, end: 0, chosen: 0, retained: 0, retainedTasks: 0, allocN: 0, freedElsewhere: 0 };
}

function addContext(row: OwnerRow, sums: OwnerSums, ctx: number): void {
    row.alloc += sums.alloc[ctx];
    row.end += sums.end[ctx];
    row.chosen += sums.chosen[ctx];
    row.allocN += sums.allocN[ctx];
    row.freedElsewhere += sums.freedElsewhere[ctx];
}

/** Adds contexts up under `keyOf`; −1 leaves one out. */
export function ownerRows(rows: Rows, sums: OwnerSums, count: number, keyOf: (ctx: number) => number): OwnerRow[] {
    const out = Array.from({ length: count }, (_, id) => emptyRow(id));
    for (let ctx = 0; ctx < rows.ctxProc.length; ctx++) {
        const key = keyOf(ctx);
        if (key >= 0 && key < count) addContext(out[key], sums, ctx);
    }
    return out;
}

/** One row per task, with what the task tables know. */
export function taskRows(rows: Rows, stats: Stats, sums: OwnerSums): OwnerRow[] {
    const out = ownerRows(rows, sums, stats.taskId.length, (ctx) => rows.ctxTask[ctx] - 1);
    for (const row of out) {
        const standsFor = stats.taskN[row.id] ?? 1;
        const ended = stats.taskEnd[row.id] > 0;
        row.tasks = standsFor;
        row.alive = ended ? 0 : standsFor;
        row.polls = stats.taskPolls[row.id] ?? 0;
        row.retained = ended ? row.end : 0;
        row.retainedTasks = ended && row.end > 0 ? standsFor : 0;
    }
    return out;
}

/** Task rows added up by their group. */
export function groupRows(rows: Rows, tasks: OwnerRow[], groups: number): OwnerRow[] {
    const out = Array.from({ length: groups }, (_, id) => emptyRow(id));
    for (const task of tasks) {
        const group = out[rows.taskGroup[task.id]];
        if (!group) continue;
        for (const key of ['tasks', 'alive', 'polls', 'alloc', 'end', 'chosen', 'retained', 'retainedTasks', 'allocN', 'freedElsewhere'] as const) group[key] += task[key];
    }
    return out;
}

/** Blocks that another thread freed, per context. */
export function freedElsewhere(rows: Rows, perCell: ArrayLike<number>): Float64Array {
    const out = new Float64Array(rows.ctxProc.length);
    for (let cell = 0; cell < rows.cellCtx.length; cell++) out[rows.cellCtx[cell]] += perCell[cell] ?? 0;
    return out;
}

/** What stands out, in sentences. */
export function ownerLints(row: OwnerRow, text: (value: number) => string): string[] {
    const lints: string[] = [];
    if (row.retainedTasks === 1 && row.tasks === 1) lints.push(`ended, still holds ${text(row.retained)}`);
    else if (row.retainedTasks > 0) lints.push(`${row.retainedTasks} ended ${row.retainedTasks === 1 ? 'task' : 'tasks'} still ${row.retainedTasks === 1 ? 'holds' : 'hold'} ${text(row.retained)}`);
    if (row.allocN > 0 && row.freedElsewhere / row.allocN > 0.5) lints.push(`${Math.round((row.freedElsewhere / row.allocN) * 100)} % of its blocks freed by another thread`);
    return lints;
}
