// SPDX-License-Identifier: Apache-2.0
// Logic of the page without a browser: codecs, layout, fragments, formats, window arithmetic, odd recordings.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { decoded, load } from './load.mjs';
import { encodeSections, jsonForHtml, textForHtml } from '../gen/encode.mjs';
import { HOSTILE, PRESETS } from '../gen/presets.mjs';
import { seeded } from '../gen/random.mjs';

const codec = await load('data/codec.ts');
const { layoutTree, layoutHit, layoutFind, layoutRow } = await load('query/layout.ts');
const { flameModel, boxAt, lineOf, neighbour } = await load('query/flamemodel.ts');
const { buildTree, treeTotals, outermost } = await load('query/calltree.ts');
const { invertedTree } = await load('query/merge.ts');
const { treeRows, walkTopDown } = await load('query/treerows.ts');
const edges = await load('query/edges.ts');
const hashes = await load('query/pathhash.ts');
const format = await load('format.ts');
const fragment = await load('fragment.ts');
const colour = await load('colour.ts');
const { intervalLine, performanceLine } = await load('query/runfacts.ts');
const { manifestProblem } = await load('data/manifest.ts');
const PLAIN = { hideRuntime: false, collapse: false, byLine: false };

async function roundTrip(columns) {
    const { entries, html } = encodeSections([['ms-x', columns]]);
    const bytes = await codec.gunzip(codec.bytesFromBase64(/">([^<]*)</.exec(html)[1]));
    return { bytes, entry: entries[0] };
}

test('columns survive: zero, 2^53-1, falling deltas, line feeds and backslashes, floats', async () => {
    const big = [0, 1, 127, 128, 16383, 16384, 2 ** 31, 2 ** 32, 2 ** 53 - 1];
    const steps = [5, 3, 3, 2 ** 40, 0, 70000, 1];
    const strings = ['', 'a\nb', '\\n', '\\\\', 'ü\u202e', ...HOSTILE];
    const { bytes, entry } = await roundTrip([['big', 'u', big], ['steps', 'd', steps], ['text', 's', strings], ['real', 'f', [0.5, -1e300, Infinity]], ['none', 'u', []]]);
    const columns = codec.sectionColumns(bytes, entry);
    assert.deepEqual(Array.from(columns.get('big')), big);
    assert.deepEqual(Array.from(columns.get('steps')), steps);
    assert.deepEqual(columns.get('text'), strings);
    assert.deepEqual(Array.from(columns.get('real')), [0.5, -1e300, Infinity]);
    assert.equal(columns.get('none').length, 0);
});

test('a damaged section is refused with a sentence, an unknown codec is skipped', async () => {
    const { bytes, entry } = await roundTrip([['a', 'u', [1, 2, 3]], ['b', 'u', [4]]]);
    assert.throws(() => codec.sectionColumns(bytes.slice(0, 2), entry), /cut short/);
    assert.throws(() => codec.sectionColumns(bytes, { ...entry, cols: [{ ...entry.cols[0], n: 2 }] }), /bytes read/);
    const later = { ...entry, cols: [{ ...entry.cols[0], codec: 'z' }, entry.cols[1]] };
    assert.deepEqual([...codec.sectionColumns(bytes, later).keys()], ['b']);
});

test('a report of a later major version is named, not shown', () => {
    assert.match(manifestProblem({ schema: 'memscope-report', version: { major: 2, minor: 0 } }), /format 2/);
    assert.match(manifestProblem({ schema: 'x', version: { major: 1, minor: 0 } }), /not a memscope report/);
    assert.equal(manifestProblem({ schema: 'memscope-report', version: { major: 1, minor: 9 } }), null);
});

test('odd recordings decode without a breach: empty, hostile, deep, one slice', async () => {
    for (const name of ['empty', 'hostile', 'deep']) assert.deepEqual((await decoded(PRESETS[name]())).breaches, [], name);
});

test('every column of every model arrives as it was written', async () => {
    for (const name of ['server', 'processes', 'hostile', 'deep', 'random']) {
        const model = PRESETS[name]();
        const { columns } = await decoded(model);
        for (const [, written] of model.layout) {
            for (const [column, , values] of written) {
                if (column === 'node_parent') continue;
                assert.deepEqual(Array.from(columns.get(column)), Array.from(values), `${name} ${column}`);
            }
        }
    }
});

test('broken trees and rows are refused', async () => {
    const model = PRESETS.random();
    const breakColumn = (section, name, change) => ({
        ...model,
        layout: model.layout.map(([el, cols]) => [el, cols.map(([n, c, v]) => [n, c, el === section && n === name ? change(v.slice()) : v])]),
    });
    await assert.rejects(decoded(breakColumn('ms-s1', 'node_parent', (v) => { v[3] = 9; return v; })), /no parent/);
    await assert.rejects(decoded(breakColumn('ms-s2', 'row_life', (v) => { v[0] = 60000; return v; })), /after the last slice/);
    await assert.rejects(decoded(breakColumn('ms-s2', 'cell_rows', (v) => { v[0]++; return v; })), /do not fit/);
    await assert.rejects(decoded(breakColumn('ms-s2', 'site_node', (v) => { v[v.length - 1] = 1e6; return v; })), /out of range/);
    const wrong = await decoded(breakColumn('ms-s2', 'row_n', (v) => { v[0]++; return v; }));
    assert.match(wrong.breaches.join(), /blocks in all rows/);
    // Sampled totals were counted, rows are estimates: they need not be the same.
    const { reportBreaches } = await load('data/report.ts');
    const sampled = { ...wrong.manifest, sampling: { rate: 0.1 } };
    assert.deepEqual(reportBreaches(sampled, wrong.timeline, wrong.rows), []);
});

function layoutOf(tree, totals, widthPx, root = 0) {
    return layoutTree({ tree: { firstChild: tree.firstChild, nextSibling: tree.nextSibling, totalOf: totals, func: tree.func }, root, widthPx, minPx: 0.5, order: 'value' });
}

test('layout: children lie inside their parent, do not overlap, nothing is under half a pixel, folded is counted', async () => {
    const data = await decoded(PRESETS.wide());
    const tree = buildTree(data.names, data.rows, PLAIN);
    const values = data.rows.cellPeakBytes;
    const sites = new Float64Array(data.rows.siteNode.length);
    for (let site = 0; site < sites.length; site++) for (let c = data.rows.siteCell[site]; c < data.rows.siteCell[site + 1]; c++) sites[site] += values[c];
    const total = treeTotals(tree, sites);
    const layout = layoutOf(tree, total, 1200);
    assert.equal(layout.width[0], 1200);
    for (let row = 0; row < layout.rows; row++) {
        let end = -1;
        for (let i = layout.rowStart[row]; i < layout.rowStart[row + 1]; i++) {
            assert.ok(layout.width[i] >= 0.4999);
            assert.ok(layout.x[i] >= end - 0.05, 'boxes of one row do not overlap');
            end = layout.x[i] + layout.width[i];
            assert.equal(layoutRow(layout, i), row);
            if (layout.width[i] > 1) assert.equal(layoutHit(layout, row, layout.x[i] + layout.width[i] / 2), i);
        }
        assert.ok(end <= 1200.5);
    }
    const shown = new Map();
    for (let i = 0; i < layout.count; i++) if (layout.stub[i] === 0) shown.set(layout.node[i], i);
    let checked = 0;
    for (let i = 0; i < layout.count; i++) {
        if (layout.stub[i] === 0) continue;
        let [n, sum] = [0, 0];
        for (let child = tree.firstChild[layout.node[i]]; child >= 0; child = tree.nextSibling[child]) {
            if (total(child) > 0 && !shown.has(child)) {
                n++;
                sum += total(child);
            }
        }
        assert.equal(layout.stub[i], n);
        assert.equal(layout.stubTotal[i], sum);
        checked++;
    }
    assert.ok(checked > 10, 'the model has stubs');
    assert.equal(sites.reduce((a, b) => a + b, 0), total(0));
});

test('a stack 10 000 frames deep is laid out, inverted and walked without recursion', async () => {
    const data = await decoded(PRESETS.deep());
    const tree = buildTree(data.names, data.rows, PLAIN);
    const values = Float64Array.from(data.rows.siteNode, () => 1);
    const total = treeTotals(tree, values);
    assert.equal(layoutOf(tree, total, 1000).rows, 10001);
    assert.ok(invertedTree(tree, values, 0).merged.count >= 10001);
    const outer = outermost(tree.parent, tree.func, data.names.funcName.length);
    assert.equal(outer.reduce((a, b) => a + b, 0), 4, 'three functions of the cycle and one other');
    const rows = treeRows(walkTopDown(tree, treeTotals(tree, values)), 0, new Set(), 0, 1000);
    assert.equal(Math.max(...rows.map((row) => row.chain.length)), 10000, 'one chain, one row');
    const folded = buildTree(data.names, data.rows, { ...PLAIN, collapse: true });
    assert.ok(folded.count <= tree.count);
});

test('flame model: every box is found at its own place, arrows move to neighbours and back', async () => {
    const data = await decoded(PRESETS.server());
    const tree = buildTree(data.names, data.rows, PLAIN);
    const values = Float64Array.from(data.rows.siteNode, (_, site) => site + 1);
    const total = treeTotals(tree, values);
    const layoutable = { firstChild: tree.firstChild, nextSibling: tree.nextSibling, totalOf: total, func: tree.func };
    for (const flipped of [false, true]) {
        const model = flameModel([{ tree: layoutable, root: 0, flipped, widthPx: 900, order: 'value' }], [], 0.5);
        const part = model.parts[0];
        for (let rect = 0; rect < part.layout.count; rect++) {
            if (part.layout.width[rect] < 1) continue;
            const line = lineOf(part, layoutRow(part.layout, rect));
            assert.deepEqual(boxAt(model, line, part.layout.x[rect] + part.layout.width[rect] / 2), { part: 0, rect });
        }
        const into = flipped ? 'up' : 'down';
        const out = flipped ? 'down' : 'up';
        const child = neighbour(model, { part: 0, rect: 0 }, into);
        assert.notEqual(child.rect, 0);
        assert.equal(neighbour(model, child, out).rect, 0);
    }
    assert.equal(layoutFind(layoutOf(tree, total, 900), 0), 0);
});

test('windows snap to the nearest edge and keep at least one slice', () => {
    const at = [0, 10, 20, 40, 80, 100];
    assert.equal(edges.nearestEdge(at, 14), 1);
    assert.equal(edges.nearestEdge(at, 16), 2);
    assert.equal(edges.nearestEdge(at, 1e9), 5);
    assert.deepEqual(edges.windowAround(at, 79, 12), { i0: 1, i1: 4 });
    assert.deepEqual(edges.windowAround(at, 11, 12), { i0: 1, i1: 2 });
    assert.deepEqual(edges.windowAround(at, 100, 100), { i0: 4, i1: 5 });
    assert.deepEqual(edges.windowShifted({ i0: 1, i1: 3 }, 5, 9), { i0: 3, i1: 5 });
    assert.deepEqual(edges.windowShifted({ i0: 1, i1: 3 }, 5, -9), { i0: 0, i1: 2 });
    const random = seeded(5);
    for (let i = 0; i < 300; i++) {
        const got = edges.windowResized({ i0: random.int(0, 3), i1: random.int(4, 5) }, 5, random.int(-4, 4));
        assert.ok(got.i0 >= 0 && got.i1 <= 5 && got.i1 > got.i0);
    }
});

test('fragments: every state survives, unknown keys are kept, bad values fall back and are named', () => {
    const random = seeded(9);
    for (let i = 0; i < 200; i++) {
        const state = fragment.initialState();
        state.view = random.of(fragment.VIEWS);
        state.metric = random.of(fragment.METRIC_IDS);
        state.unit = random.of(['bytes', 'count']);
        state.window = random.next() < 0.5 ? null : [random.int(0, 1e9), random.int(2e9, 2 ** 50)];
        state.threads = random.next() < 0.5 ? [] : [random.int(0, 99), 3];
        state.groups = random.next() < 0.5 ? [] : [-1];
        state.search = random.of(['', 'a&b=c#d', '</script>', 'ü ü', '/x+/', '%zz']);
        state.root = random.of(['', '0123456789abcdef']);
        state.graph = random.of(fragment.GRAPHS);
        state.groupBy = random.of(fragment.GROUPS);
        state.sort = random.of(['', 'self.d']);
        state.byLine = random.next() < 0.5;
        state.theme = random.of(['', 'dark']);
        const { state: read, bad } = fragment.parseFragment(fragment.writeFragment(state));
        assert.deepEqual(bad, []);
        assert.deepEqual(read, state);
    }
    const { state, bad } = fragment.parseFragment('#v=9&view=nosuch&m=peak&w=5-2&th=1,x&later=1&root=zz&__proto__=1&constructor=2');
    assert.deepEqual(bad, ['view', 'w', 'th', 'root']);
    assert.equal(state.view, 'overview');
    assert.match(fragment.writeFragment(state), /later=1/);
});

test('path hashes: FNV-1a of known texts, equal paths in any order, no clash among 20 000 functions', () => {
    const known = hashes.hashFunctions(['', 'a', 'foobar']);
    assert.deepEqual([known.text(0), known.text(1), known.text(2)], ['cbf29ce484222325', 'af63dc4c8601ec8c', '85944171f73967e8']);
    const many = hashes.hashFunctions(Array.from({ length: 20000 }, (_, i) => `f${i}`));
    assert.equal(new Set(Array.from({ length: 20000 }, (_, i) => many.text(i))).size, 20000);
    const functions = hashes.hashFunctions(['', 'x', 'y']);
    const one = hashes.hashPaths({ count: 4, parent: Int32Array.of(0, 0, 1, 0), func: Int32Array.of(0, 1, 2, 2) }, functions);
    const other = hashes.hashPaths({ count: 4, parent: Int32Array.of(0, 0, 0, 2), func: Int32Array.of(0, 2, 1, 2) }, functions);
    assert.equal(one.text(2), other.text(3));
    assert.equal(one.text(3), other.text(1));
    assert.notEqual(one.text(2), one.text(3));
    assert.equal(one.find(one.text(2)), 2);
});

test('sizes, counts, times and shares as text', () => {
    const plain = (text) => text.replace(/[\u2009\u202f]/g, ' ');
    const cases = [
        [format.formatBytes(0), '0 B'], [format.formatBytes(1023), '1023 B'], [format.formatBytes(1024), '1.0 KiB'], [format.formatBytes(1048575), '1.0 MiB'],
        [format.formatBytes(432642457), '413 MiB'], [format.formatBytes(2 ** 53 - 1), '8.0 PiB'], [format.formatCount(99999), '99 999'], [format.formatCount(18412770), '18.4 M'],
        [format.formatExact(1234567), '1 234 567'], [format.formatPercent(1, 3), '33.3 %'], [format.formatPercent(1, 1e9), '<0.1 %'], [format.formatPercent(1, 0), '–'], [format.formatPercent(3, 2), '150.0 %'], [format.formatShare(3, 2), '100.0 %'],
        [format.formatTime(12.4e9), '12.40 s'], [format.formatTime(4000e9), '1 h 06 min'], [format.formatDuration(410), '410 ns'], [format.formatDuration(1.5e6), '1.5 ms'],
        [format.formatRate(204 * 1024), '+204 KiB/s'], [format.formatUncertainty(0), '±?'], [format.formatUncertainty(100), '±19 %'],
    ];
    for (const [seen, wanted] of cases) assert.equal(plain(seen), wanted);
});

test('names from the program cannot hide: control and direction characters are written out', () => {
    assert.equal(format.visible('a\u202eb\u0000c\n\u001b[31m'), 'a\\u202eb\\u0000c\\n\\u001b[31m');
    assert.equal(format.visible('日本語 ü'), '日本語 ü');
    for (const text of HOSTILE) assert.doesNotMatch(format.visible(text), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]/);
    assert.equal(format.shortened('abcdefghij', 5).length, 5);
    assert.equal(format.csvField('=1+1'), '"\'=1+1"');
    assert.equal(format.csvField('a"b'), '"a""b"');
    assert.doesNotMatch(jsonForHtml(HOSTILE), /[<>&\u2028\u2029]/);
    assert.doesNotMatch(textForHtml(HOSTILE.join('')), /[<>"']/);
});

test('label ink has at least 4.5:1 on every module colour of both themes, and modules keep their colour', () => {
    const parse = (fill) => fill.match(/\d+/g).map(Number);
    const ink = { '#101418': [16, 20, 24], '#ffffff': [255, 255, 255] };
    for (const theme of ['light', 'dark']) {
        for (let i = 0; i < 300; i++) {
            const paint = colour.modulePaint(`module ${i}`, `file ${i % 11}`, i % 5 === 0, i, theme);
            const [a, b] = [colour.luminance(parse(paint.fill)), colour.luminance(ink[paint.ink])];
            assert.ok((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) >= 4.5, `${paint.fill} with ${paint.ink}`);
        }
        assert.equal(colour.modulePaint('serde', 'de.rs', false, 1, theme).fill, colour.modulePaint('serde', 'de.rs', false, 4, theme).fill);
    }
});

test('the name of a measured figure tells its unit; an interval without width is one figure', () => {
    assert.deepEqual(performanceLine('hook_ns_p99', 1500), ['hook p99', format.formatDuration(1500)]);
    assert.deepEqual(performanceLine('hooks_cpu_s', 2), ['hooks cpu', format.formatDuration(2e9)]);
    assert.deepEqual(performanceLine('events_per_s', 12), ['events per s', '12']);
    assert.deepEqual(performanceLine('program_rss_peak_bytes', 2048), ['program rss peak', format.formatBytes(2048)]);
    assert.deepEqual(performanceLine('stalls', 3), ['stalls', '3']);
    assert.deepEqual(intervalLine('leaked_bytes', [1024, 4096]), ['leaked bytes', `${format.formatBytes(1024)} to ${format.formatBytes(4096)}`]);
    assert.deepEqual(intervalLine('peak_blocks', [7, 7]), ['peak blocks', '7']);
});
