// SPDX-License-Identifier: Apache-2.0
// Lays a world (names, processes, threads, tasks) and its aggregated model out as manifest, timeline and section columns.

/** Collects strings, modules, functions and frames; every add returns an index and is idempotent. */
export class Names {
    constructor() {
        this.str = [''];
        this.strIndex = new Map([['', 0]]);
        this.mods = [];
        this.funcs = [];
        this.frames = [];
        this.index = new Map();
        this.module('', 0);
        this.frame(this.func('', '', '', 0), 0);
    }
    text(value) {
        let at = this.strIndex.get(value);
        if (at === undefined) {
            at = this.str.push(value) - 1;
            this.strIndex.set(value, at);
        }
        return at;
    }
    once(key, list, make) {
        let at = this.index.get(key);
        if (at === undefined) {
            at = list.push(make()) - 1;
            this.index.set(key, at);
        }
        return at;
    }
    module(name, kind) {
        return this.once(`m${name}`, this.mods, () => ({ name: this.text(name), kind }));
    }
    func(name, short, file, mod) {
        return this.once(`f${name}\0${file}\0${mod}`, this.funcs, () => ({
            name: this.text(name), short: this.text(short), file: this.text(file), mod,
        }));
    }
    frame(func, line, flags = 0) {
        return this.once(`l${func}:${line}:${flags}`, this.frames, () => ({ func, line, flags }));
    }
}

const pick = (list, key) => list.map((item) => item[key] ?? 0);

function column(name, codec, values) {
    return [name, codec, values];
}

export function namesLayout(names, tree) {
    return ['ms-s1', [
        column('str', 's', names.str),
        column('mod_name', 'u', pick(names.mods, 'name')),
        column('mod_kind', 'u', pick(names.mods, 'kind')),
        column('func_name', 'u', pick(names.funcs, 'name')),
        column('func_short', 'u', pick(names.funcs, 'short')),
        column('func_file', 'u', pick(names.funcs, 'file')),
        column('func_mod', 'u', pick(names.funcs, 'mod')),
        column('frame_func', 'u', pick(names.frames, 'func')),
        column('frame_line', 'u', pick(names.frames, 'line')),
        column('frame_flags', 'u', pick(names.frames, 'flags')),
        column('node_parent', 'u', tree.parent),
        column('node_frame', 'u', tree.frame),
    ]];
}

export function rowsLayout(world, rows) {
    const columns = [
        column('ctx_proc', 'u', pick(world.ctxs, 'proc')),
        column('ctx_thread', 'u', pick(world.ctxs, 'thread')),
        column('ctx_task', 'u', pick(world.ctxs, 'task')),
        column('proc_end_slice', 'u', pick(world.procs, 'end_slice')),
        column('proc_end_kind', 'u', pick(world.procs, 'end_kind')),
        column('thread_proc', 'u', pick(world.threads, 'proc')),
        column('task_group', 'u', pick(world.tasks, 'group')),
        column('site_node', 'd', rows.site_node),
        column('site_cells', 'u', rows.site_cells),
        column('cell_ctx', 'd', rows.cell_ctx),
        column('cell_rows', 'u', rows.cell_rows),
        column('cell_peak_n', 'u', rows.cell_peak_n),
        column('cell_peak_bytes', 'u', rows.cell_peak_bytes),
    ];
    if (rows.cell_own_n) {
        columns.push(column('cell_own_n', 'u', rows.cell_own_n), column('cell_own_bytes', 'u', rows.cell_own_bytes));
    }
    columns.push(
        column('row_a', 'd', rows.row_a),
        column('row_life', 'u', rows.row_life),
        column('row_n', 'u', rows.row_n),
        column('row_bytes', 'u', rows.row_bytes),
    );
    return ['ms-s2', columns];
}

/** s3: world tables plus the plain columns in `stats` (name → values; floats named in `floats`). */
export function statsLayout(world, names, stats, floats) {
    const text = (list, key) => list.map((item) => names.text(item[key] ?? ''));
    const columns = [
        column('proc_pid', 'u', pick(world.procs, 'pid')),
        column('proc_parent', 'u', pick(world.procs, 'parent')),
        column('proc_name', 'u', text(world.procs, 'name')),
        column('proc_why', 'u', text(world.procs, 'why')),
        column('proc_start_ns', 'u', pick(world.procs, 'start_ns')),
        column('proc_end_ns', 'u', pick(world.procs, 'end_ns')),
        column('proc_status', 'u', pick(world.procs, 'status')),
        column('proc_peak_bytes', 'u', pick(world.procs, 'peak_bytes')),
        column('proc_peak_at_ns', 'u', pick(world.procs, 'peak_at_ns')),
        column('thread_tid', 'u', pick(world.threads, 'tid')),
        column('thread_name', 'u', text(world.threads, 'name')),
        column('thread_start_ns', 'u', pick(world.threads, 'start_ns')),
        column('thread_end_ns', 'u', pick(world.threads, 'end_ns')),
        column('group_name', 'u', text(world.groups, 'name')),
        column('group_evidence', 'u', world.groups.map(() => 0)),
        column('group_kind', 'u', text(world.groups, 'kind')),
        column('group_node', 'u', pick(world.groups, 'node')),
        column('task_id', 'u', pick(world.tasks, 'id')),
        column('task_name', 'u', text(world.tasks, 'name')),
        column('task_parent', 'u', pick(world.tasks, 'parent')),
        column('task_start_ns', 'u', pick(world.tasks, 'start_ns')),
        column('task_end_ns', 'u', pick(world.tasks, 'end_ns')),
        column('task_polls', 'u', pick(world.tasks, 'polls')),
        column('task_n', 'u', world.tasks.map((task) => task.n ?? 1)),
    ];
    for (const [name, values] of Object.entries(stats)) columns.push(column(name, 'u', values));
    for (const [name, values] of Object.entries(floats)) columns.push(column(name, 'f', values));
    return ['ms-s3', columns];
}

export function countsOf(world, names, tree, rows) {
    return {
        strings: names.str.length, modules: names.mods.length, funcs: names.funcs.length, frames: names.frames.length,
        nodes: tree.parent.length, ctxs: world.ctxs.length, sites: rows.site_node.length, cells: rows.cell_ctx.length,
        rows: rows.row_a.length, procs: world.procs.length, threads: world.threads.length, tasks: world.tasks.length,
        groups: world.groups.length,
    };
}

export function manifestOf(world, totals, counts, extra) {
    const T = world.edges.length - 1;
    const widths = world.edges.slice(1).map((edge, i) => edge - world.edges[i]);
    return {
        schema: 'memscope-report', version: { major: 1, minor: 0 },
        generator: { name: 'memscope', version: '0.1.0' },
        session: {
            id: 'session_1795500000000', cmd: world.cmd, cwd: '/srv/orders', exe: '/usr/local/bin/' + world.cmd[0].split('/').pop(),
            pid: 4711, host: 'build-07', kernel: 'Linux 6.1.0', arch: 'x86_64', cpus: 8,
            start_unix_ns: '1795500000000000000', duration_ns: world.edges[T] ?? 0, exit: { code: 0 },
        },
        capture: {
            mode: 'auto', strategy: 'ThreadLocal', chosen_by: 'auto', confidence: 0.97, sample_rate: 1, sample_kind: 'exact',
            track_async: false, detailed: false, max_overhead_bytes: 64e6, reasons: ['Four threads were started within the first 20 ms.'],
        },
        totals,
        overhead: { wall_pct: 3.1, cpu_ns: 1.1e9, self_bytes_peak: 21.4e6, events_n: totals.alloc_n + totals.free_n, lost_n: 0, unwind_ns_p50: 61, unwind_ns_p99: 410 },
        fidelity: {
            slices: T, min_slice_ns: widths.reduce((a, b) => Math.min(a, b), Infinity) || 0,
            max_slice_ns: widths.reduce((a, b) => Math.max(a, b), 0), rows: counts.rows, folded_sites: 0, folded_bytes_pct: 0, folded_ctx: 0,
            symbols_pct: 99.2, lines_pct: 93.5,
        },
        environment: [{ label: 'C library', value: 'glibc 2.36' }, { label: 'Allocator', value: 'glibc malloc' }],
        notices: [], findings: [], suppressions: [], counts,
        ...extra,
    };
}
