// SPDX-License-Identifier: Apache-2.0
// The page's figures against an oracle that knows only blocks and times: metrics, windows, filters, totals per function and group.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { decoded, load } from './load.mjs';
import { metricFromBlocks } from '../gen/model.mjs';
import { randomModel, seeded } from '../gen/random.mjs';
import { PRESETS } from '../gen/presets.mjs';

const { aggregate, aggregateContexts, METRICS } = await load('query/metrics.ts');
const { WindowSums } = await load('query/windowsums.ts');
const { liveSeries, flowSeries } = await load('query/series.ts');
const { buildTree, ownOf, treeTotals, outermost, siteOwners, sitesUnder } = await load('query/calltree.ts');
const { groupingFor, groupSelf, groupTotals } = await load('query/grouping.ts');
const { invertedTree, callersOf, calleesOf } = await load('query/merge.ts');
const IDS = METRICS.map((metric) => metric.id);
const PLAIN = { hideRuntime: false, collapse: false, byLine: false };

/** Sums of the oracle per site, in the page's site order. */
function expectedSites(model, data, metric, i0, i1, keepCtx) {
    const byStack = metricFromBlocks(model.world, model.blocks, metric, i0, i1, keepCtx, model.built.peak);
    const siteOfNode = new Map(Array.from(data.rows.siteNode, (node, site) => [node, site]));
    const out = { n: new Float64Array(data.rows.siteNode.length), bytes: new Float64Array(data.rows.siteNode.length) };
    for (const [stack, value] of byStack) {
        const site = siteOfNode.get(model.tree.nodeOfStack[stack]);
        out.n[site] += value.n;
        out.bytes[site] += value.bytes;
    }
    return out;
}

function randomWindow(random, slices) {
    if (random.next() < 0.15) return [0, slices];
    const i0 = random.int(0, slices - 1);
    return [i0, random.int(i0 + 1, slices)];
}

test('all seven metrics equal the oracle on random windows and filters', async () => {
    for (let seed = 1; seed <= 25; seed++) {
        const model = randomModel(seed);
        const data = await decoded(model);
        assert.deepEqual(data.breaches, []);
        const random = seeded(seed * 77);
        for (let round = 0; round < 12; round++) {
            const [i0, i1] = randomWindow(random, data.rows.slices);
            const mask = random.next() < 0.5 ? null : Uint8Array.from(data.rows.ctxProc, () => random.int(0, 1));
            for (const metric of IDS) {
                const seen = aggregate(data.rows, data.timeline, { metric, window: { i0, i1 }, ctxMask: mask, siteMask: null, soleProc: false });
                const wanted = expectedSites(model, data, metric, i0, i1, (ctx) => !mask || mask[ctx] === 1);
                assert.deepEqual(seen.n, wanted.n, `${metric} blocks, seed ${seed}, window ${i0}-${i1}`);
                assert.deepEqual(seen.bytes, wanted.bytes, `${metric} bytes, seed ${seed}, window ${i0}-${i1}`);
                const contexts = aggregateContexts(data.rows, data.timeline, { metric, window: { i0, i1 }, ctxMask: mask, siteMask: null, soleProc: false });
                assert.equal(contexts.bytes.reduce((a, b) => a + b, 0), seen.totalBytes, 'contexts and sites add up to the same');
            }
        }
    }
});

test('a window that moves gives what summing afresh gives', async () => {
    for (const model of [...Array.from({ length: 12 }, (_, i) => randomModel(i + 1)), PRESETS.processes(), PRESETS.server()]) {
        const data = await decoded(model);
        const random = seeded(model.manifest.totals.alloc_n);
        const moving = new WindowSums(data.rows, data.timeline);
        const masks = [null, Uint8Array.from(data.rows.ctxProc, () => random.int(0, 1))];
        let [i0, i1] = randomWindow(random, data.rows.slices);
        for (let step = 0; step < 60; step++) {
            const query = { window: { i0, i1 }, ctxMask: masks[step % 20 < 14 ? 0 : 1], siteMask: null, soleProc: false };
            for (const metric of IDS) {
                assert.deepEqual(moving.query({ ...query, metric }), aggregate(data.rows, data.timeline, { ...query, metric }), `${metric}, step ${step}, window ${i0}-${i1}`);
            }
            if (random.next() < 0.15) [i0, i1] = randomWindow(random, data.rows.slices);
            i0 = Math.min(Math.max(0, i0 + random.int(-2, 2)), data.rows.slices - 1);
            i1 = Math.min(Math.max(i0 + 1, i1 + random.int(-2, 2)), data.rows.slices);
        }
    }
});

test('processes that end, are killed or exec: metrics equal the oracle', async () => {
    const model = PRESETS.processes();
    const data = await decoded(model);
    assert.deepEqual(data.breaches, []);
    for (const metric of IDS) {
        for (const [i0, i1] of [[0, data.rows.slices], [10, 60], [150, data.rows.slices]]) {
            const seen = aggregate(data.rows, data.timeline, { metric, window: { i0, i1 }, ctxMask: null, siteMask: null, soleProc: false });
            assert.deepEqual(seen.bytes, expectedSites(model, data, metric, i0, i1, () => true).bytes, `${metric} ${i0}-${i1}`);
        }
    }
});

test('one process alone: its own peak, exact', async () => {
    const model = PRESETS.processes();
    const data = await decoded(model);
    const whole = { i0: 0, i1: data.rows.slices };
    model.world.procs.forEach((proc, p) => {
        const mask = Uint8Array.from(data.rows.ctxProc, (of) => (of === p ? 1 : 0));
        const seen = aggregate(data.rows, data.timeline, { metric: 'peak', window: whole, ctxMask: mask, siteMask: null, soleProc: true });
        assert.equal(seen.totalBytes, model.built.own[p].bytes);
        const shared = aggregate(data.rows, data.timeline, { metric: 'peak', window: whole, ctxMask: mask, siteMask: null, soleProc: false });
        assert.ok(shared.totalBytes <= seen.totalBytes);
    });
});

test('curves over time equal the timeline that was summed from single events', async () => {
    for (const name of ['server', 'processes', 'random', 'deep']) {
        const model = PRESETS[name]();
        const data = await decoded(model);
        assert.deepEqual(Array.from(liveSeries(data.rows, 'bytes', null, null)), data.timeline.live_bytes, `${name} bytes`);
        assert.deepEqual(Array.from(liveSeries(data.rows, 'count', null, null)), data.timeline.live_n, `${name} blocks`);
        const flow = flowSeries(data.rows, 'bytes', null, null);
        assert.deepEqual(Array.from(flow.alloc), data.timeline.alloc_bytes, `${name} allocated`);
        assert.deepEqual(Array.from(flow.kept), data.timeline.kept_bytes, `${name} kept`);
        assert.deepEqual(Array.from(flow.freed.slice(0, -1)), data.timeline.free_bytes, `${name} freed`);
    }
});

/** Frames of a stack as the model built them, by report node. */
function pathOf(names, node) {
    const path = [];
    for (let at = node; at > 0; at = names.nodeParent[at]) path.push(at);
    return path.reverse();
}

test('totals per function, line, file and module count recursion once', async () => {
    for (let seed = 1; seed <= 8; seed++) {
        const data = await decoded(randomModel(seed));
        const { names, rows } = data;
        const values = aggregate(rows, data.timeline, { metric: 'alloc', window: { i0: 0, i1: rows.slices }, ctxMask: null, siteMask: null, soleProc: false }).bytes;
        for (const by of ['function', 'line', 'file', 'module']) {
            const grouping = groupingFor(names, rows, by, siteOwners(names, rows));
            const total = new Float64Array(grouping.count);
            const self = new Float64Array(grouping.count);
            values.forEach((value, site) => {
                const keys = pathOf(names, rows.siteNode[site]).map((node) => grouping.keyOfNode[node]);
                for (const key of new Set(keys)) total[key] += value;
                const own = pathOf(names, rows.siteNode[site]).filter((node) => [0, 1, 5, 7].includes(names.modKind[names.funcMod[names.frameFunc[names.nodeFrame[node]]]]));
                self[own.length > 0 ? grouping.keyOfNode[own[own.length - 1]] : keys[keys.length - 1]] += value;
            });
            const [once, twice] = groupTotals(grouping, names, rows, [values, values.map((value) => 2 * value)]);
            assert.deepEqual(once, total, `${by} totals`);
            assert.deepEqual(twice, total.map((value) => 2 * value), `${by} totals, two at once`);
            assert.deepEqual(groupSelf(grouping, values), self, `${by} own`);
        }
    }
});

test('trees keep every byte whatever is hidden, folded or inverted', async () => {
    for (let seed = 1; seed <= 8; seed++) {
        const data = await decoded(randomModel(seed));
        const { names, rows } = data;
        const values = aggregate(rows, data.timeline, { metric: 'alloc', window: { i0: 0, i1: rows.slices }, ctxMask: null, siteMask: null, soleProc: false }).bytes;
        const sum = values.reduce((a, b) => a + b, 0);
        for (const options of [PLAIN, { ...PLAIN, byLine: true }, { ...PLAIN, hideRuntime: true }, { hideRuntime: true, collapse: true, byLine: false }]) {
            const tree = buildTree(names, rows, options);
            const total = treeTotals(tree, values);
            const self = new Float64Array(tree.count);
            values.forEach((value, site) => (self[tree.ofSite[site]] += value));
            assert.equal(total(0), sum);
            for (let node = 0; node < tree.count; node++) {
                let below = self[node];
                for (let child = tree.firstChild[node]; child >= 0; child = tree.nextSibling[child]) below += total(child);
                assert.equal(below, total(node));
                assert.equal(ownOf(tree, total, node), self[node]);
                if (node > 0) assert.ok(tree.parent[node] < node);
            }
            const { merged } = invertedTree(tree, values, 0);
            assert.equal(merged.total[0], sum);
        }
        const tree = buildTree(names, rows, PLAIN);
        const siblings = new Set();
        for (let node = 1; node < tree.count; node++) siblings.add(`${tree.parent[node]}/${tree.func[node]}`);
        assert.equal(siblings.size, tree.count - 1, 'no function twice under one parent');
    }
});

test('the inverted tree and the sandwich equal sums over whole stacks', async () => {
    for (let seed = 1; seed <= 6; seed++) {
        const data = await decoded(randomModel(seed));
        const { names, rows } = data;
        const values = aggregate(rows, data.timeline, { metric: 'alloc', window: { i0: 0, i1: rows.slices }, ctxMask: null, siteMask: null, soleProc: false }).bytes;
        const tree = buildTree(names, rows, PLAIN);
        const stacks = Array.from(rows.siteNode, (node) => pathOf(names, node).map((at) => names.frameFunc[names.nodeFrame[at]]));
        const { merged } = invertedTree(tree, values, 0);
        for (let node = 1; node < merged.count; node++) {
            const path = [];
            for (let at = node; at > 0; at = merged.parent[at]) path.push(merged.func[at]);
            path.reverse();
            let wanted = 0;
            stacks.forEach((stack, site) => {
                if (path.every((func, depth) => stack[stack.length - 1 - depth] === func)) wanted += values[site];
            });
            assert.equal(merged.total[node], wanted);
        }
        const total = treeTotals(tree, values);
        const outer = outermost(tree.parent, tree.func, names.funcName.length);
        for (const func of new Set(stacks.flat())) {
            const wanted = stacks.reduce((sum, stack, site) => sum + (stack.includes(func) ? values[site] : 0), 0);
            const callers = callersOf(tree, outer, total, func, 0);
            const callees = calleesOf(tree, outer, total, func, 0);
            assert.equal(callers.total[1] ?? 0, wanted);
            assert.equal(callees.total[1], wanted);
            for (let child = callees.firstChild[1]; child >= 0; child = callees.nextSibling[child]) {
                const direct = stacks.reduce((sum, stack, site) => {
                    const at = stack.indexOf(func);
                    return sum + (at >= 0 && stack[at + 1] === callees.func[child] ? values[site] : 0);
                }, 0);
                assert.equal(callees.total[child], direct);
            }
        }
    }
});

test('sites under a node are exactly those whose path goes through it', async () => {
    const data = await decoded(randomModel(3));
    const tree = buildTree(data.names, data.rows, PLAIN);
    for (let node = 1; node < tree.count; node++) {
        const wanted = Uint8Array.from(data.rows.siteNode, (at) => (pathOf(data.names, at).some((step) => tree.ofNode[step] === node) ? 1 : 0));
        assert.deepEqual(sitesUnder(tree, node), wanted);
    }
});

test('a site is named after the nearest call of the program that has a name', () => {
    // Functions: 0 main, 1 load, 2 and 3 without symbols, 4 an allocator; 5 has a name but stands in another module.
    const functions = { funcMod: [0, 0, 0, 0, 0, 1], modKind: [0, 0], funcFlags: [0, 0, 2, 2, 1, 0] };
    const named = (stack) => {
        const names = { ...functions, frameFunc: [0, 1, 2, 3, 4, 5], nodeFrame: [0, ...stack], nodeParent: [0, ...stack.map((_, i) => i)] };
        const owner = siteOwners(names, { siteNode: Int32Array.of(stack.length) })[0];
        return stack[owner - 1];
    };
    assert.equal(named([0, 1, 4]), 1);
    assert.equal(named([0, 1, 2, 3, 4, 4]), 1);
    assert.equal(named([0, 1, 2, 4, 3, 4]), 1, 'allocators between are passed over');
    assert.equal(named([0, 1, 2, 2, 2, 2, 3, 4]), 3, 'too far away');
    assert.equal(named([0, 5, 2, 4]), 2, 'another module');
    assert.equal(named([4]), 4);
});
