// SPDX-License-Identifier: Apache-2.0
// The figures of section s3 for a model made of blocks: per-site stats, classes, histograms, heat maps, leaks.
import { NEVER, sliceOf } from './model.mjs';

const SIZE_CLASS = [];
for (let power = 0; power <= 40; power++) {
    for (let quarter = 0; quarter < 4; quarter++) {
        const bound = Math.floor(2 ** power * (1 + quarter / 4));
        if (SIZE_CLASS[SIZE_CLASS.length - 1] !== bound) SIZE_CLASS.push(bound);
    }
}
const LIFE_CLASS = [0];
for (let decade = 3; decade < 13; decade++) {
    for (const step of [1, 1.78, 3.16, 5.62]) LIFE_CLASS.push(Math.round(10 ** decade * step));
}

function classOf(bounds, value) {
    let at = 0;
    while (at + 1 < bounds.length && bounds[at + 1] <= value) at++;
    return at;
}

function quantile(sorted, q) {
    return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] : 0;
}

function histograms(blocks, edges) {
    const T = edges.length - 1;
    const columns = Math.max(1, Math.min(48, T));
    const heat_slice = Array.from({ length: columns }, (_, i) => Math.floor((i * T) / columns));
    const zero = (n) => new Array(n).fill(0);
    const [S, L] = [SIZE_CLASS.length, LIFE_CLASS.length];
    const out = {
        size_class: SIZE_CLASS, life_class: LIFE_CLASS, size_hist_n: zero(S), size_hist_bytes: zero(S), life_hist_n: zero(L),
        life_hist_bytes: zero(L), heat_slice, size_time_n: zero(S * columns), life_time_n: zero(L * columns), size_life_n: zero(S * L),
    };
    for (const block of blocks) {
        const size = classOf(SIZE_CLASS, block.size);
        const time = classOf(heat_slice, sliceOf(edges, block.born_ns));
        out.size_hist_n[size] += block.n;
        out.size_hist_bytes[size] += block.n * block.size;
        out.size_time_n[size * columns + time] += block.n;
        if (block.freed_ns === NEVER) continue;
        const life = classOf(LIFE_CLASS, block.freed_ns - block.born_ns);
        out.life_hist_n[life] += block.n;
        out.life_hist_bytes[life] += block.n * block.size;
        out.life_time_n[life * columns + classOf(heat_slice, sliceOf(edges, block.freed_ns))] += block.n;
        out.size_life_n[size * L + life] += block.n;
    }
    return out;
}

function siteStats(list) {
    const lives = list.filter((b) => b.freed_ns !== NEVER).map((b) => b.freed_ns - b.born_ns).sort((x, y) => x - y);
    const count = (key) => list.reduce((total, b) => total + (b[key] ? b.n : 0), 0);
    return {
        site_min: list.reduce((min, b) => Math.min(min, b.size), NEVER), site_max: list.reduce((max, b) => Math.max(max, b.size), 0),
        site_tmp_n: count('tmp'), site_realloc_n: count('realloc'),
        site_moved_bytes: list.reduce((total, b) => total + (b.realloc ? (b.n * b.size) / 2 : 0), 0) | 0,
        site_samples_n: list.reduce((total, b) => total + b.n, 0),
        site_life_p50_ns: quantile(lives, 0.5), site_life_p99_ns: quantile(lives, 0.99),
    };
}

/** Least-squares line through cumulative never-freed bytes over the last half of the run. */
function growth(never, duration_ns) {
    const points = [];
    let held = 0;
    let next = 0;
    const sorted = [...never].sort((x, y) => x.born_ns - y.born_ns);
    for (let i = 0; i <= 40; i++) {
        const at = duration_ns * (0.5 + i / 80);
        while (next < sorted.length && sorted[next].born_ns <= at) held += sorted[next].n * sorted[next++].size;
        points.push([at / 1e9, held]);
    }
    const mean = (k) => points.reduce((total, p) => total + p[k], 0) / points.length;
    const [mx, my] = [mean(0), mean(1)];
    const sxy = points.reduce((t, p) => t + (p[0] - mx) * (p[1] - my), 0);
    const sxx = points.reduce((t, p) => t + (p[0] - mx) ** 2, 0);
    const syy = points.reduce((t, p) => t + (p[1] - my) ** 2, 0);
    return { slope: sxy / sxx, r2: syy === 0 ? 0 : sxy ** 2 / (sxx * syy) };
}

function leakClass(never, duration_ns, trend) {
    const first = never[0].born_ns;
    const last = never[never.length - 1].born_ns;
    if (trend.slope > 0 && trend.r2 > 0.8) return 1;
    if (last < duration_ns * 0.1) return 4;
    if (never.length === 1) return 3;
    return last - first < duration_ns * 0.05 ? 5 : 2;
}

function leaksOf(perSite, duration_ns) {
    const leaks = [];
    perSite.forEach((list, site) => {
        const never = list.filter((b) => b.freed_ns === NEVER).sort((x, y) => x.born_ns - y.born_ns);
        if (never.length === 0) return;
        const trend = growth(never, duration_ns);
        leaks.push({
            leak_site: site, leak_n: never.reduce((t, b) => t + b.n, 0), leak_bytes: never.reduce((t, b) => t + b.n * b.size, 0),
            leak_class: leakClass(never, duration_ns, trend), leak_first_ns: never[0].born_ns,
            leak_last_ns: never[never.length - 1].born_ns, leak_suppr: 0, leak_slope: trend.slope, leak_r2: trend.r2,
        });
    });
    return leaks.sort((x, y) => y.leak_bytes - x.leak_bytes);
}

function columnsOf(items, keys) {
    return Object.fromEntries(keys.map((key) => [key, items.map((item) => item[key])]));
}

/** Returns {stats, floats}: the columns of s3 that come from blocks. */
export function statsFromBlocks(world, blocks, tree, rows) {
    const siteOfNode = new Map(rows.site_node.map((node, i) => [node, i]));
    const perSite = rows.site_node.map(() => []);
    for (const block of blocks) perSite[siteOfNode.get(tree.nodeOfStack[block.stack])].push(block);
    const sites = perSite.map(siteStats);
    const duration_ns = world.edges[world.edges.length - 1];
    const leaks = leaksOf(perSite, duration_ns);
    const stats = {
        ...columnsOf(sites, ['site_min', 'site_max', 'site_tmp_n', 'site_realloc_n', 'site_moved_bytes', 'site_samples_n', 'site_life_p50_ns', 'site_life_p99_ns']),
        cell_xfree_n: rows.cell_xfree_n,
        ...histograms(blocks, world.edges),
        ...columnsOf(leaks, ['leak_site', 'leak_n', 'leak_bytes', 'leak_class', 'leak_first_ns', 'leak_last_ns', 'leak_suppr']),
    };
    return { stats, floats: columnsOf(leaks, ['leak_slope', 'leak_r2']) };
}
