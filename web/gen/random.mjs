// SPDX-License-Identifier: Apache-2.0
// Seeded random numbers, and a random small world with blocks for tests against the oracle.
import { exponentialEdges, modelFromBlocks, sliceOf, TreeBuilder, NEVER } from './model.mjs';
import { Names, countsOf, manifestOf, namesLayout, rowsLayout, statsLayout } from './assemble.mjs';
import { statsFromBlocks } from './stats.mjs';

/** mulberry32: a small generator with a 32-bit seed. */
export function seeded(seed) {
    let state = seed >>> 0;
    const next = () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let t = state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    return {
        next,
        int: (lo, hi) => lo + Math.floor(next() * (hi - lo + 1)),
        of: (list) => list[Math.floor(next() * list.length)],
        log: (lo, hi) => lo * (hi / lo) ** next(),
    };
}

/** Completes a world of blocks into a model that `reportFile` can write. */
export function completeModel(world, blocks, names, tree, extra = {}) {
    const built = modelFromBlocks(world, blocks, tree);
    const { stats, floats } = statsFromBlocks(world, blocks, tree, built.rows);
    const T = world.edges.length - 1;
    const statsPart = statsLayout(world, names, stats, floats);
    const counts = countsOf(world, names, tree, built.rows);
    const more = typeof extra === 'function' ? extra(built) : extra;
    return {
        title: world.cmd.join(' '), summary: more.summary ?? `${world.cmd.join(' ')}\npeak live ${built.totals.peak_live_bytes} bytes`,
        world, blocks, tree, built, names,
        manifest: manifestOf(world, { ...built.totals, ...more.totals }, counts, more.manifest ?? {}),
        timeline: {
            edge_ns: world.edges, ...built.line, rss_bytes: more.rss ?? new Array(T).fill(null),
            ...(more.tasks_alive ? { tasks_alive: more.tasks_alive } : {}),
            markers: [{ t_ns: built.peak.at_ns, kind: 'peak', label: 'peak' }, ...(more.markers ?? [])], gaps: more.gaps ?? [],
        },
        layout: [namesLayout(names, tree), rowsLayout(world, built.rows), statsPart],
    };
}

/** A random run: processes that end, threads, tasks, recursion; every block has its own times. */
export function randomModel(seed, blockCount = 400, slices = 40) {
    const random = seeded(seed);
    const duration_ns = 1e9;
    const edges = exponentialEdges(duration_ns, slices);
    const T = edges.length - 1;
    const end_ns = random.int(2e8, 9e8);
    const end_slice = sliceOf(edges, end_ns);
    const procs = [
        { pid: 100, parent: 0, name: 'main', start_ns: 0, end_ns: 0, end_slice: T, end_kind: 0 },
        { pid: 101, parent: 1, name: 'child', start_ns: 0, end_ns, end_slice, end_kind: random.int(1, 3) },
    ];
    const threads = [0, 0, 0, 1].map((proc, i) => ({ proc, tid: 100 + i, name: `t${i}`, start_ns: 0, end_ns: 0 }));
    const groups = [0, 1].map((i) => ({ name: `group ${i}`, kind: 'tokio', node: 0 }));
    const tasks = [0, 1, 2, 3].map((i) => ({ id: i + 1, group: i % 2, name: '', start_ns: 0, end_ns: i * 1e8, polls: i }));
    const ctxs = [];
    threads.forEach((thread, t) => [0, 1, 2, 3, 4].forEach((task) => ctxs.push({ proc: thread.proc, thread: t, task: thread.proc ? 0 : task })));
    const world = { cmd: ['random'], edges, procs, threads, groups, tasks, ctxs: ctxs.filter((c, i) => c.proc === 0 || i % 5 === 0) };
    const names = new Names();
    const builder = new TreeBuilder();
    const funcs = Array.from({ length: 12 }, (_, i) => names.func(`crate${i % 4}::function_${i}`, `function_${i}`, `src/file${i % 5}.rs`, names.module(`crate${i % 4}`, 1 + (i % 4))));
    const stacks = Array.from({ length: 30 }, () =>
        builder.stack(Array.from({ length: random.int(1, 9) }, () => names.frame(random.of(funcs), random.int(1, 3)))));
    const blocks = [];
    for (let i = 0; i < blockCount; i++) {
        const ctx = random.int(0, world.ctxs.length - 1);
        const limit = world.ctxs[ctx].proc === 1 ? end_ns : duration_ns;
        const onEdge = random.next() < 0.1 ? edges[random.int(0, T - 1)] : -1;
        const born_ns = onEdge >= 0 && onEdge < limit - 1 ? onEdge : random.int(0, limit - 2);
        const freed_ns = random.next() < 0.3 ? NEVER : Math.min(limit - 1, born_ns + Math.floor(random.log(1, duration_ns)));
        blocks.push({ stack: random.of(stacks), ctx, size: random.next() < 0.05 ? 0 : random.int(1, 5000), n: random.int(1, 4), born_ns, freed_ns });
    }
    return completeModel(world, blocks, names, builder.finish());
}
