// SPDX-License-Identifier: Apache-2.0
// Large models for the budgets: a given number of stacks and rows, drawn directly as rows (no single blocks).
import { exponentialEdges } from './model.mjs';
import { Names, countsOf, manifestOf, namesLayout, rowsLayout, statsLayout } from './assemble.mjs';
import { seeded } from './random.mjs';

const AREAS = ['app', 'net', 'codec', 'store', 'index', 'query', 'cache', 'std', 'runtime', 'libc.so.6', 'json', 'render'];
const VERBS = ['parse', 'insert', 'reserve', 'poll', 'decode', 'visit', 'clone', 'flush', 'lookup', 'grow', 'merge', 'emit'];

function bulkNames(random, funcCount) {
    const names = new Names();
    const modules = AREAS.map((area) => names.module(area, area === 'std' ? 2 : area === 'runtime' ? 3 : area === 'libc.so.6' ? 4 : 1));
    const frames = [];
    for (let i = 0; i < funcCount; i++) {
        const area = i % AREAS.length;
        const short = `Type${i % 977}::${random.of(VERBS)}_${i}`;
        const func = names.func(`${AREAS[area]}::module_${i % 131}::${short}`, short, `src/${AREAS[area]}/file_${i % 311}.rs`, modules[area]);
        frames.push(names.frame(func, random.int(1, 2000)));
        if (i % 2) frames.push(names.frame(func, random.int(1, 2000)));
    }
    return { names, frames };
}

/** Grows a tree in preorder: each next stack keeps a random depth of the one before. */
function bulkTree(random, frames, stackCount) {
    const tree = { parent: [0], frame: [0] };
    const sites = [];
    const path = [0];
    while (sites.length < stackCount) {
        const keep = Math.max(1, Math.min(path.length, Math.floor(path.length * (0.45 + 0.55 * random.next()))));
        path.length = keep;
        const grow = random.int(1, keep < 12 ? 16 : 7);
        for (let k = 0; k < grow && path.length < 48; k++) {
            const id = tree.parent.length;
            tree.parent.push(id - path[path.length - 1]);
            tree.frame.push(frames[Math.floor(random.next() ** 2 * frames.length)]);
            path.push(id);
        }
        const leaf = tree.parent.length - 1;
        if (sites[sites.length - 1] !== leaf) sites.push(leaf);
    }
    return { tree, sites };
}

function bulkRows(random, world, sites, rowCount) {
    const T = world.edges.length - 1;
    const rows = { site_node: sites, site_cells: [], cell_ctx: [], cell_rows: [], cell_peak_n: [], cell_peak_bytes: [], row_a: [], row_life: [], row_n: [], row_bytes: [] };
    const mean = rowCount / sites.length;
    let debt = 0;
    for (let s = 0; s < sites.length; s++) {
        debt += mean * random.log(0.1, 4) * 0.93;
        const want = Math.max(1, Math.floor(debt));
        debt -= want;
        const cells = Math.min(want, random.next() < 0.7 ? 1 : random.int(2, 4));
        const first = random.int(0, world.ctxs.length - cells);
        const size = Math.round(random.log(16, 60000));
        const leaky = random.next() < 0.05;
        rows.site_cells.push(cells);
        for (let c = 0; c < cells; c++) {
            const count = Math.floor(want / cells) + (c < want % cells ? 1 : 0);
            const keys = new Set();
            while (keys.size < count) {
                const a = random.int(0, T - 1);
                const life = leaky ? T - a : Math.min(T - a, Math.floor(random.log(1, T) - 1));
                keys.add(a * 4096 + life);
            }
            rows.cell_ctx.push(first + c);
            rows.cell_rows.push(count);
            for (const key of [...keys].sort((x, y) => x - y)) {
                const n = Math.ceil(random.log(1, 300));
                rows.row_a.push(Math.floor(key / 4096));
                rows.row_life.push(key % 4096);
                rows.row_n.push(n);
                rows.row_bytes.push(n * size);
            }
        }
    }
    return rows;
}

/** Timeline and peaks from rows; the peak is put at the highest edge. */
function bulkTimeline(rows, T) {
    const zero = () => new Array(T).fill(0);
    const line = { live_bytes: zero(), live_n: zero(), hwm_bytes: zero(), alloc_bytes: zero(), alloc_n: zero(), free_bytes: zero(), free_n: zero(), kept_bytes: zero() };
    rows.row_a.forEach((a, i) => {
        const f = a + rows.row_life[i];
        line.alloc_bytes[a] += rows.row_bytes[i];
        line.alloc_n[a] += rows.row_n[i];
        if (f === T) line.kept_bytes[a] += rows.row_bytes[i];
        else {
            line.free_bytes[f] += rows.row_bytes[i];
            line.free_n[f] += rows.row_n[i];
        }
    });
    let [bytes, n, top] = [0, 0, 0];
    for (let i = 0; i < T; i++) {
        bytes += line.alloc_bytes[i] - line.free_bytes[i];
        n += line.alloc_n[i] - line.free_n[i];
        line.live_bytes[i] = line.hwm_bytes[i] = bytes;
        line.live_n[i] = n;
        if (bytes > line.live_bytes[top]) top = i;
    }
    return { line, top };
}

function bulkPeaks(rows, top) {
    let row = 0;
    for (let cell = 0; cell < rows.cell_rows.length; cell++) {
        let [n, bytes] = [0, 0];
        for (const end = row + rows.cell_rows[cell]; row < end; row++) {
            if (rows.row_a[row] > top || rows.row_a[row] + rows.row_life[row] <= top) continue;
            n += rows.row_n[row];
            bytes += rows.row_bytes[row];
        }
        rows.cell_peak_n.push(n);
        rows.cell_peak_bytes.push(bytes);
    }
}

export function bulkModel(stackCount, rowCount) {
    const random = seeded(stackCount);
    const edges = exponentialEdges(600e9, 1000);
    const T = edges.length - 1;
    const threads = Array.from({ length: 16 }, (_, i) => ({ proc: 0, tid: 100 + i, name: `worker-${i}`, start_ns: 0, end_ns: 0 }));
    const world = {
        cmd: ['bulk', String(stackCount)], edges, procs: [{ pid: 1, parent: 0, name: 'bulk', start_ns: 0, end_ns: 0, end_slice: T, end_kind: 0 }],
        threads, groups: [], tasks: [], ctxs: threads.map((_, i) => ({ proc: 0, thread: i, task: 0 })),
    };
    const { names, frames } = bulkNames(random, 24000);
    const { tree, sites } = bulkTree(random, frames, stackCount);
    const rows = bulkRows(random, world, sites, rowCount);
    const { line, top } = bulkTimeline(rows, T);
    bulkPeaks(rows, top);
    const sum = (values) => values.reduce((total, value) => total + value, 0);
    const totals = {
        alloc_n: sum(line.alloc_n), alloc_bytes: sum(line.alloc_bytes), free_n: sum(line.free_n), free_bytes: sum(line.free_bytes), realloc_n: 0,
        peak_live_bytes: line.live_bytes[top], peak_live_n: line.live_n[top], peak_at_ns: edges[top + 1], end_live_bytes: line.live_bytes[T - 1],
        end_live_n: line.live_n[T - 1], leak_bytes: sum(line.kept_bytes), leak_n: line.live_n[T - 1], tmp_n: 0, max_block_bytes: 60000,
    };
    const leakBytes = new Float64Array(sites.length);
    const leakBlocks = new Float64Array(sites.length);
    let [row, cell] = [0, 0];
    for (let site = 0; site < sites.length; site++) {
        for (let c = 0; c < rows.site_cells[site]; c++, cell++) {
            for (const end = row + rows.cell_rows[cell]; row < end; row++) {
                if (rows.row_a[row] + rows.row_life[row] !== T) continue;
                leakBytes[site] += rows.row_bytes[row];
                leakBlocks[site] += rows.row_n[row];
            }
        }
    }
    const leak_site = [...leakBytes.keys()].filter((s) => leakBytes[s] > 0).sort((x, y) => leakBytes[y] - leakBytes[x]).slice(0, 5000);
    const flat = (value) => leak_site.map(() => value);
    const stats = {
        site_min: sites.map(() => 16), site_max: sites.map(() => 60000), site_tmp_n: sites.map(() => 0), site_realloc_n: sites.map(() => 0),
        site_samples_n: sites.map(() => 100), site_life_p50_ns: sites.map(() => 1000), site_life_p99_ns: sites.map(() => 100000),
        leak_site, leak_n: leak_site.map((s) => leakBlocks[s]), leak_bytes: leak_site.map((s) => leakBytes[s]), leak_class: flat(0), leak_first_ns: flat(0), leak_last_ns: flat(1), leak_suppr: flat(0),
    };
    return {
        title: world.cmd.join(' '), summary: 'bulk', world,
        manifest: manifestOf(world, totals, countsOf(world, names, tree, rows), {}),
        timeline: { edge_ns: edges, ...line, rss_bytes: edges.slice(1).map(() => null), markers: [], gaps: [] },
        layout: [namesLayout(names, tree), rowsLayout(world, rows), statsLayout(world, names, stats, { leak_slope: flat(0), leak_r2: flat(0) })],
    };
}
