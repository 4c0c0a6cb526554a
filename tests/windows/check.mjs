// SPDX-License-Identifier: Apache-2.0
// Holds a page and a JSON export against the log of every event of the same run: node check.mjs PAGE.html REPORT.json EVENTS.txt [WINDOWS].
// All seven metrics over random windows, in blocks and bytes, in all and for each thread, by a model that knows only blocks and times.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { load } from '../../web/test/load.mjs';
import { seeded } from '../../web/gen/random.mjs';

const { bytesFromBase64, gunzip, sectionColumns } = await load('data/codec.ts');
const { namesFrom, reportBreaches, rowsFrom } = await load('data/report.ts');
const { aggregate, aggregateContexts, METRICS } = await load('query/metrics.ts');
const KIND = { alloc: 1, free: 2, begin: 3, end: 4, cancel: 5, process: 6, thread: 8 };
const NEVER = Infinity;

async function readPage(path) {
    const html = readFileSync(path, 'utf8');
    const part = (id) => new RegExp(`id="?${id}"?[^>]*>([^<]*)<`).exec(html)[1];
    const manifest = JSON.parse(part('ms-manifest'));
    const timeline = JSON.parse(part('ms-timeline'));
    const columns = new Map();
    for (const entry of manifest.sections) {
        const bytes = await gunzip(bytesFromBase64(part(entry.el)));
        for (const [name, column] of sectionColumns(bytes, entry)) columns.set(name, column);
    }
    const names = namesFrom(columns);
    const rows = rowsFrom(columns, timeline.edge_ns.length - 1, names.nodeParent.length);
    assert.deepEqual(reportBreaches(manifest, timeline, rows), []);
    return { manifest, timeline, rows };
}

/** Every block with its times, and the peak: the blocks that were live when live bytes were highest for the first time. */
function readBlocks(path) {
    const blocks = [];
    const live = new Map();
    const pending = new Map();
    const peak = { bytes: 0, upTo: -1, at: 0 };
    let bytes = 0;
    let step = 0;
    let clock = 0; // slices never go back; processes and threads are announced before what others did earlier
    const born = (key, process, thread, at, size, weight) => {
        assert.ok(!live.has(key), 'two blocks at one address');
        live.set(key, blocks.length);
        blocks.push({ process, thread, born: at, bornStep: step, freed: NEVER, freedStep: NEVER, bytes: size * weight, n: weight });
        bytes += size * weight;
    };
    const freed = (index, at) => {
        blocks[index].freed = at;
        blocks[index].freedStep = step;
        bytes -= blocks[index].bytes;
    };
    for (const line of readFileSync(path, 'utf8').split('\n')) {
        if (line === '') continue;
        const [kind, stamp, process, thread, old, address, size, weight] = line.split(' ').map(Number);
        if (kind !== KIND.process && kind !== KIND.thread) clock = Math.max(clock, stamp);
        const at = clock;
        const key = `${process} ${address}`;
        const lane = `${process} ${thread} ${kind === KIND.begin ? address : old}`;
        step++;
        if (kind === KIND.alloc) {
            born(key, process, thread, at, size, weight);
        } else if (kind === KIND.free && live.has(key)) {
            freed(live.get(key), at);
            live.delete(key);
        } else if (kind === KIND.begin && live.has(key)) {
            pending.set(lane, live.get(key));
            live.delete(key);
        } else if (kind === KIND.end) {
            if (pending.has(lane)) freed(pending.get(lane), at);
            pending.delete(lane);
            born(key, process, thread, at, size, weight);
        } else if (kind === KIND.cancel && pending.has(lane)) {
            live.set(`${process} ${old}`, pending.get(lane));
            pending.delete(lane);
        }
        if (bytes > peak.bytes) Object.assign(peak, { bytes, upTo: step, at });
    }
    return { blocks, peak };
}

function sliceOf(edges, at) {
    let lo = 0;
    let hi = edges.length - 2;
    while (lo < hi) {
        const mid = (lo + hi + 1) >> 1;
        if (edges[mid] <= at) lo = mid;
        else hi = mid - 1;
    }
    return lo;
}

/** Sums a metric over slices i0 … i1−1: in all, and by thread. */
function expected(blocks, peak, slices, metric, i0, i1) {
    const liveAt = (b, edge) => b.a < edge && b.f >= edge;
    let edge = i0;
    if (metric === 'peak') {
        const live = new Float64Array(slices + 1);
        for (const b of blocks) for (let e = Math.max(i0, b.a + 1); e <= Math.min(i1, b.f); e++) live[e] += b.bytes;
        for (let e = i0; e <= i1; e++) if (live[e] > live[edge]) edge = e;
    }
    const whole = i0 === 0 && i1 === slices;
    const born = (b) => b.a >= i0 && b.a < i1;
    const holds = {
        peak: (b) => (whole ? b.bornStep <= peak.upTo && b.freedStep > peak.upTo : liveAt(b, edge)),
        live: (b) => liveAt(b, i1),
        retained: (b) => born(b) && liveAt(b, i1),
        alloc: born,
        temp: (b) => born(b) && b.f === b.a,
        freed: (b) => b.f >= i0 && b.f < i1,
        leak: (b) => born(b) && b.f === slices,
    }[metric];
    const sum = { n: 0, bytes: 0, byThread: new Map() };
    for (const b of blocks) {
        if (!holds(b)) continue;
        sum.n += b.n;
        sum.bytes += b.bytes;
        sum.byThread.set(b.thread, (sum.byThread.get(b.thread) ?? 0) + b.bytes);
    }
    return sum;
}

function checkJson(report, blocks, peak) {
    const total = (of) => blocks.reduce((sum, b) => sum + of(b), 0);
    const { totals } = report;
    assert.equal(totals.allocations, total((b) => b.n));
    assert.equal(totals.allocated_bytes, total((b) => b.bytes));
    assert.equal(totals.freed_bytes, total((b) => (b.freed < NEVER ? b.bytes : 0)));
    assert.equal(totals.leaked_bytes, total((b) => (b.freed < NEVER ? 0 : b.bytes)));
    assert.equal(totals.peak_bytes, peak.bytes);
    assert.equal(totals.peak_blocks, total((b) => (b.bornStep <= peak.upTo && b.freedStep > peak.upTo ? b.n : 0)));
    const starts = report.timeline.start_ns;
    const wanted = { allocated_bytes: starts.map(() => 0), freed_bytes: starts.map(() => 0) };
    for (const b of blocks) {
        wanted.allocated_bytes[sliceOf([...starts, Infinity], b.born)] += b.bytes;
        if (b.freed < NEVER) wanted.freed_bytes[sliceOf([...starts, Infinity], b.freed)] += b.bytes;
    }
    for (const key of ['allocated_bytes', 'freed_bytes']) assert.deepEqual(report.timeline[key], wanted[key], `timeline.${key}`);
}

const [pagePath, jsonPath, eventsPath, windows = '40'] = process.argv.slice(2);
const { timeline, rows } = await readPage(pagePath);
const { blocks, peak } = readBlocks(eventsPath);
checkJson(JSON.parse(readFileSync(jsonPath, 'utf8')), blocks, peak);
for (const b of blocks) {
    b.a = sliceOf(timeline.edge_ns, b.born);
    b.f = b.freed < NEVER ? sliceOf(timeline.edge_ns, b.freed) : rows.slices;
}
const random = seeded(blocks.length);
const sorted = (list) => [...list].filter((value) => value > 0).sort((x, y) => x - y);
for (let round = 0; round < Number(windows); round++) {
    const i0 = round === 0 ? 0 : random.int(0, rows.slices - 1);
    const i1 = round === 0 ? rows.slices : random.int(i0 + 1, rows.slices);
    for (const { id: metric } of METRICS) {
        const query = { metric, window: { i0, i1 }, ctxMask: null, siteMask: null, soleProc: false };
        const seen = aggregate(rows, timeline, query);
        const wanted = expected(blocks, peak, rows.slices, metric, i0, i1);
        assert.deepEqual([seen.totalN, seen.totalBytes], [wanted.n, wanted.bytes], `${metric}, slices ${i0}-${i1}`);
        const threads = new Map();
        aggregateContexts(rows, timeline, query).bytes.forEach((value, ctx) => threads.set(rows.ctxThread[ctx], (threads.get(rows.ctxThread[ctx]) ?? 0) + value));
        assert.deepEqual(sorted(threads.values()), sorted(wanted.byThread.values()), `${metric} by thread, slices ${i0}-${i1}`);
    }
}
process.stdout.write(`${blocks.length} blocks, ${rows.slices} slices, ${windows} windows: equal\n`);
