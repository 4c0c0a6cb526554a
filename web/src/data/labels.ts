// SPDX-License-Identifier: Apache-2.0
// Readable names of functions, frames, modules, threads and tasks, made visible once and kept.
import { visible } from '../format';
import type { Names } from './report';
import type { Stats } from './stats';
import type { Rows } from './report';

export const MOD_KINDS = ['unknown', 'user', 'std', 'runtime', 'libc', 'python', 'kernel', 'jit'];

export class Labels {
    private readonly texts = new Map<number, string>();

    constructor(private readonly names: Names) {}

    text(index: number): string {
        let text = this.texts.get(index);
        if (text === undefined) {
            text = visible(this.names.str[index] ?? '');
            this.texts.set(index, text);
        }
        return text;
    }

    func(func: number): string {
        return this.text(this.names.funcName[func]).trim() || '‹no name›';
    }

    short(func: number): string {
        return this.text(this.names.funcShort[func]).trim() || this.func(func);
    }

    /** Names from the complete one to the last part, for fitting into a box. */
    fitting(func: number): string[] {
        const full = this.func(func);
        const short = this.short(func);
        const colon = short.lastIndexOf('::');
        const last = colon >= 0 ? short.slice(colon + 2) : short.slice(short.lastIndexOf('.') + 1);
        return [full, short, last || short];
    }

    module(func: number): string {
        return this.moduleName(this.names.funcMod[func]);
    }

    moduleName(mod: number): string {
        return this.text(this.names.modName[mod]) || '‹unknown module›';
    }

    moduleKind(func: number): number {
        return this.names.modKind[this.names.funcMod[func]] ?? 0;
    }

    file(func: number): string {
        return this.text(this.names.funcFile[func]);
    }

    /** file:line of a report node, or its module when the source is unknown. */
    place(node: number): string {
        const frame = this.names.nodeFrame[node];
        const func = this.names.frameFunc[frame];
        const file = this.file(func);
        const line = this.names.frameLine[frame];
        if (file === '') return this.module(func);
        return line > 0 ? `${file}:${line}` : file;
    }

    funcOfNode(node: number): number {
        return this.names.frameFunc[this.names.nodeFrame[node]];
    }

    /** The whole stack of a report node as text, allocating frame first. */
    stack(node: number): string {
        const lines: string[] = [];
        for (let at = node; at > 0; at = this.names.nodeParent[at]) {
            lines.push(`${this.func(this.funcOfNode(at))}  (${this.place(at)})`);
        }
        return lines.join('\n');
    }
}

export function threadLabel(labels: Labels, stats: Stats | null, thread: number): string {
    if (!stats || thread >= stats.threadName.length) return `thread ${thread}`;
    return labels.text(stats.threadName[thread]) || `thread ${stats.threadTid[thread]}`;
}

export function groupLabel(labels: Labels, stats: Stats | null, group: number): string {
    if (group < 0) return 'no task';
    if (!stats || group >= stats.groupName.length) return `task group ${group}`;
    return labels.text(stats.groupName[group]) || `task group ${group}`;
}

export function procLabel(labels: Labels, stats: Stats | null, proc: number): string {
    if (!stats || proc >= stats.procName.length) return `process ${proc}`;
    return `${labels.text(stats.procName[proc]) || 'process'} (${stats.procPid[proc]})`;
}

/** Group of a context's task, −1 when it ran outside any task. */
export function groupOfContext(rows: Rows, ctx: number): number {
    const task = rows.ctxTask[ctx];
    return task === 0 ? -1 : rows.taskGroup[task - 1];
}
