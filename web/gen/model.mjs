// SPDX-License-Identifier: Apache-2.0
// Turns a list of blocks with exact times into everything a report holds, and answers the seven metrics from the blocks alone.
//
// A block (freed after it was born, never in the same nanosecond) is {stack, ctx, size, n, born_ns, freed_ns (Infinity = never), xfree, tmp}: n equal blocks of `size` bytes.
// `modelFromBlocks` aggregates them into slices as the exporter does; `metricFromBlocks` never looks at slices, only at times,
// so that the page can be checked against it.

export const NEVER = Infinity;

/** Edges that double in width towards the start, as the collector's merging leaves them. */
export function exponentialEdges(duration_ns, slices) {
    const groups = 5;
    const per = Math.max(1, Math.floor(slices / groups));
    const unit = duration_ns / (per * (2 ** groups - 1));
    const edges = [0];
    let at = 0;
    for (let g = groups - 1; g >= 0; g--) {
        for (let i = 0; i < per; i++) {
            at += unit * 2 ** g;
            const edge = Math.round(at);
            if (edge > edges[edges.length - 1]) edges.push(edge);
        }
    }
    edges[edges.length - 1] = duration_ns;
    return edges;
}

/** Slice that holds `at_ns`: the last edge that is not later. */
export function sliceOf(edges, at_ns) {
    let lo = 0;
    let hi = edges.length - 2;
    while (lo < hi) {
        const mid = (lo + hi + 1) >> 1;
        if (edges[mid] <= at_ns) lo = mid;
        else hi = mid - 1;
    }
    return lo;
}

/** Interns frames and stacks into a preorder tree; node ids are final only after `finish`. */
export class TreeBuilder {
    constructor() {
        this.root = { children: new Map(), frame: 0 };
        this.leaves = [];
    }
    /** Returns a stack id for frames from the root outwards. */
    stack(frames) {
        let node = this.root;
        for (const frame of frames) {
            let next = node.children.get(frame);
            if (!next) {
                next = { children: new Map(), frame, stack: -1 };
                node.children.set(frame, next);
            }
            node = next;
        }
        if (node.stack === undefined || node.stack < 0) {
            node.stack = this.leaves.length;
            this.leaves.push(node);
        }
        return node.stack;
    }
    finish() {
        const parent = [];
        const frame = [];
        const todo = [[this.root, 0]];
        while (todo.length > 0) {
            const [node, up] = todo.pop();
            const id = parent.length;
            node.id = id;
            parent.push(id - up);
            frame.push(node.frame);
            const kids = [...node.children.values()].reverse();
            for (const kid of kids) todo.push([kid, id]);
        }
        return { parent, frame, nodeOfStack: this.leaves.map((leaf) => leaf.id) };
    }
}

/** Peak over all blocks, or over those of one process; `held` are the blocks live at it. */
function sweepPeak(blocks, procs, only = -1) {
    const events = [];
    blocks.forEach((block, i) => {
        if (only >= 0 && block.proc !== only) return;
        events.push([block.born_ns, 1, i]);
        const gone = goneAt(block, procs);
        if (gone !== NEVER) events.push([gone, 0, i]);
    });
    events.sort((x, y) => x[0] - y[0] || x[1] - y[1]);
    let live = 0;
    let best = { bytes: 0, at_ns: 0, index: -1 };
    events.forEach(([at_ns, born, i], index) => {
        live += (born ? 1 : -1) * blocks[i].size * blocks[i].n;
        if (live > best.bytes) best = { bytes: live, at_ns, index };
    });
    const held = new Set();
    for (let k = 0; k <= best.index; k++) {
        const [, born, i] = events[k];
        if (born) held.add(i);
        else held.delete(i);
    }
    return { ...best, held, events };
}

function goneAt(block, procs) {
    if (block.freed_ns !== NEVER) return block.freed_ns;
    return procs[block.proc].end_ns || NEVER;
}

function timelineOf(blocks, procs, edges, peak) {
    const T = edges.length - 1;
    const zero = () => new Array(T).fill(0);
    const line = {
        live_bytes: zero(), live_n: zero(), hwm_bytes: zero(), alloc_bytes: zero(), alloc_n: zero(),
        free_bytes: zero(), free_n: zero(), kept_bytes: zero(),
    };
    let bytes = 0;
    let n = 0;
    let slice = 0;
    const close = (until) => {
        while (slice < until) {
            line.live_bytes[slice] = bytes;
            line.live_n[slice] = n;
            slice++;
            if (slice < T) line.hwm_bytes[slice] = bytes;
        }
    };
    for (const [at_ns, born, i] of peak.events) {
        const block = blocks[i];
        const size = block.size * block.n;
        close(sliceOf(edges, at_ns));
        bytes += born ? size : -size;
        n += born ? block.n : -block.n;
        line.hwm_bytes[slice] = Math.max(line.hwm_bytes[slice], bytes);
        if (born) {
            line.alloc_bytes[slice] += size;
            line.alloc_n[slice] += block.n;
            if (goneAt(block, procs) === NEVER) line.kept_bytes[slice] += size;
        } else if (block.freed_ns !== NEVER) {
            line.free_bytes[slice] += size;
            line.free_n[slice] += block.n;
        }
    }
    close(T);
    return line;
}

/** Groups blocks into cells and rows; returns the s2 columns and the per-site order. */
function rowsOf(blocks, edges, nodeOfStack, held, heldOwn) {
    const T = edges.length - 1;
    const sites = new Map();
    blocks.forEach((block, i) => {
        const node = nodeOfStack[block.stack];
        if (!sites.has(node)) sites.set(node, new Map());
        const cells = sites.get(node);
        if (!cells.has(block.ctx)) cells.set(block.ctx, { rows: new Map(), peak_n: 0, peak_bytes: 0, own_n: 0, own_bytes: 0, xfree_n: 0 });
        const cell = cells.get(block.ctx);
        const a = sliceOf(edges, block.born_ns);
        const life = block.freed_ns === NEVER ? T - a : sliceOf(edges, block.freed_ns) - a;
        const key = a * 65536 + life;
        const row = cell.rows.get(key) ?? { n: 0, bytes: 0 };
        row.n += block.n;
        row.bytes += block.n * block.size;
        cell.rows.set(key, row);
        if (held.has(i)) {
            cell.peak_n += block.n;
            cell.peak_bytes += block.n * block.size;
        }
        if (heldOwn.has(i)) {
            cell.own_n += block.n;
            cell.own_bytes += block.n * block.size;
        }
        if (block.xfree) cell.xfree_n += block.n;
    });
    const out = {
        site_node: [], site_cells: [], cell_ctx: [], cell_rows: [], cell_peak_n: [], cell_peak_bytes: [], cell_own_n: [], cell_own_bytes: [],
        cell_xfree_n: [], row_a: [], row_life: [], row_n: [], row_bytes: [],
    };
    for (const node of [...sites.keys()].sort((x, y) => x - y)) {
        const cells = sites.get(node);
        out.site_node.push(node);
        out.site_cells.push(cells.size);
        for (const ctx of [...cells.keys()].sort((x, y) => x - y)) {
            const cell = cells.get(ctx);
            out.cell_ctx.push(ctx);
            out.cell_rows.push(cell.rows.size);
            out.cell_peak_n.push(cell.peak_n);
            out.cell_peak_bytes.push(cell.peak_bytes);
            out.cell_own_n.push(cell.own_n);
            out.cell_own_bytes.push(cell.own_bytes);
            out.cell_xfree_n.push(cell.xfree_n);
            for (const key of [...cell.rows.keys()].sort((x, y) => x - y)) {
                const row = cell.rows.get(key);
                out.row_a.push(Math.floor(key / 65536));
                out.row_life.push(key % 65536);
                out.row_n.push(row.n);
                out.row_bytes.push(row.bytes);
            }
        }
    }
    return out;
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

/** Aggregates blocks; `world` names procs, threads, tasks, groups and ctxs (see presets). */
export function modelFromBlocks(world, blocks, tree) {
    const { edges, procs, ctxs } = world;
    for (const block of blocks) block.proc = ctxs[block.ctx].proc;
    const peak = sweepPeak(blocks, procs);
    const line = timelineOf(blocks, procs, edges, peak);
    const own = procs.map((_, proc) => sweepPeak(blocks, procs, proc));
    const heldOwn = new Set(own.flatMap((each) => [...each.held]));
    const rows = rowsOf(blocks, edges, tree.nodeOfStack, peak.held, heldOwn);
    procs.forEach((proc, i) => Object.assign(proc, { peak_bytes: own[i].bytes, peak_at_ns: own[i].at_ns }));
    const T = edges.length - 1;
    const never = blocks.filter((b) => b.freed_ns === NEVER && procs[b.proc].end_kind !== 3);
    const totals = {
        alloc_n: sum(line.alloc_n), alloc_bytes: sum(line.alloc_bytes), free_n: sum(line.free_n), free_bytes: sum(line.free_bytes),
        realloc_n: world.realloc_n ?? 0, peak_live_bytes: peak.bytes, peak_live_n: sum(rows.cell_peak_n), peak_at_ns: peak.at_ns,
        end_live_bytes: T ? line.live_bytes[T - 1] : 0, end_live_n: T ? line.live_n[T - 1] : 0,
        leak_bytes: sum(never.map((b) => b.size * b.n)), leak_n: sum(never.map((b) => b.n)),
        tmp_n: sum(blocks.filter((b) => b.tmp).map((b) => b.n)),
        max_block_bytes: blocks.reduce((max, b) => Math.max(max, b.size), 0),
    };
    return { totals, line, rows, peak, own };
}

/** The oracle: what a metric counts, from times alone. Returns Map(stack → {n, bytes}). */
export function metricFromBlocks(world, blocks, metric, i0, i1, keepCtx, peak) {
    const { edges, procs } = world;
    const [t0, t1] = [edges[i0], edges[i1]];
    const liveAt = (b, t) => b.born_ns < t && goneAt(b, procs) >= t;
    const total = (t) => blocks.reduce((s, b) => s + (liveAt(b, t) ? b.n * b.size : 0), 0);
    let peakTime = t0;
    if (metric === 'peak') {
        let best = -1;
        for (let e = i0; e <= i1; e++) {
            const bytes = total(edges[e]);
            if (bytes > best) [best, peakTime] = [bytes, edges[e]];
        }
    }
    const whole = i0 === 0 && i1 === edges.length - 1;
    const born = (b) => b.born_ns >= t0 && b.born_ns < t1;
    const sameSlice = (b) => b.freed_ns !== NEVER && sliceOf(edges, b.born_ns) === sliceOf(edges, b.freed_ns);
    const wanted = {
        peak: (b, i) => (whole ? peak.held.has(i) : liveAt(b, peakTime)),
        live: (b) => liveAt(b, t1),
        retained: (b) => born(b) && liveAt(b, t1),
        alloc: born,
        temp: (b) => born(b) && sameSlice(b),
        freed: (b) => b.freed_ns !== NEVER && b.freed_ns >= t0 && b.freed_ns < t1,
        leak: (b) => born(b) && b.freed_ns === NEVER && procs[b.proc].end_kind !== 3,
    }[metric];
    const out = new Map();
    blocks.forEach((b, i) => {
        if (!keepCtx(b.ctx) || !wanted(b, i)) return;
        const entry = out.get(b.stack) ?? { n: 0, bytes: 0 };
        entry.n += b.n;
        entry.bytes += b.n * b.size;
        out.set(b.stack, entry);
    });
    return out;
}
