// SPDX-License-Identifier: Apache-2.0
// What the page knows and shows: the loaded report, the state that links carry, and everything computed from both.
import { batch, computed, signal } from '@preact/signals';
import type { Manifest, MetricId, Timeline } from './data/manifest';
import { Labels, groupOfContext } from './data/labels';
import type { Names, Rows } from './data/report';
import type { Stats } from './data/stats';
import { initialState, type PageState } from './fragment';
import { visible } from './format';
import { buildTree, isMostlyOwn, sitesUnder, treeTotals, type CallTree } from './query/calltree';
import { windowAround } from './query/edges';
import { groupingFor, type GroupBy, type Grouping } from './query/grouping';
import { highestEdge, isWhole, type Query, type SiteValues, type Window } from './query/metrics';
import { WindowSums } from './query/windowsums';
import { hashFunctions, hashPaths } from './query/pathhash';

export interface Head {
    manifest: Manifest;
    timeline: Timeline;
}

export interface Body {
    names: Names;
    rows: Rows;
    labels: Labels;
    /** Report node that each site is named after. */
    owners: Int32Array;
    breaches: string[];
}

export const head = signal<Head | null>(null);
export const body = signal<Body | null>(null);
export const stats = signal<Stats | null>(null);
export const failure = signal<string | null>(null);
export const page = signal<PageState>(initialState());
export const systemDark = signal(false);

/** Sentence for the polite live region, and short-lived messages. */
export const spoken = signal('');
export const toast = signal('');

export const view = computed(() => page.value.view);
export const metric = computed(() => page.value.metric);
export const unit = computed(() => page.value.unit);
export const search = computed(() => page.value.search);
export const theme = computed<'light' | 'dark'>(() => page.value.theme || (systemDark.value ? 'dark' : 'light'));

export const slices = computed(() => (head.value ? head.value.timeline.edge_ns.length - 1 : 0));

const windowState = computed(() => page.value.window);
export const window_ = computed<Window>(() => {
    const chosen = windowState.value;
    if (!chosen || !head.value || slices.value === 0) return { i0: 0, i1: Math.max(1, slices.value) };
    return windowAround(head.value.timeline.edge_ns, chosen[0], chosen[1]);
});
export const whole = computed(() => isWhole(window_.value, slices.value));

/** Contexts that pass the process, thread and task filters; null = all. */
const filterKey = computed(() => JSON.stringify([page.value.procs, page.value.threads, page.value.groups]));
export const filtered = computed(() => filterKey.value !== '[[],[],[]]');
export const ctxMask = computed<Uint8Array | null>(() => {
    const data = body.value;
    const [procs, threads, groups] = JSON.parse(filterKey.value) as number[][];
    if (!data || !filtered.value) return null;
    const { rows } = data;
    return Uint8Array.from(rows.ctxProc, (proc, ctx) => {
        const passes =
            (procs.length === 0 || procs.includes(proc)) &&
            (threads.length === 0 || threads.includes(rows.ctxThread[ctx])) &&
            (groups.length === 0 || groups.includes(groupOfContext(rows, ctx)));
        return passes ? 1 : 0;
    });
});
const soleProc = computed(() => {
    const [procs, threads, groups] = JSON.parse(filterKey.value) as number[][];
    return procs.length === 1 && threads.length === 0 && groups.length === 0;
});

export function queryFor(id: MetricId): Query {
    return { metric: id, window: window_.value, ctxMask: ctxMask.value, siteMask: null, soleProc: soleProc.value };
}

const windowSums = computed(() => (body.value && head.value ? new WindowSums(body.value.rows, head.value.timeline) : null));

/** Makes the indexes that a drag of the window needs, once the page is at rest. */
export function prepareWindows(): void {
    windowSums.value?.prepare();
}

/** Site sums of the chosen metric, before any narrowing to a root. */
export const values = computed<SiteValues | null>(() => {
    return sumsOf(metric.value);
});

export function pickUnit(sums: SiteValues): Float64Array {
    return unit.value === 'bytes' ? sums.bytes : sums.n;
}

export const siteValues = computed<Float64Array | null>(() => (values.value ? pickUnit(values.value) : null));

/** Whether runtime frames are left out when the reader has not said: where nearly all memory has frames of the program's own. */
const mostlyOwn = signal(false);
export const hidesRuntime = computed(() => page.value.hideRuntime ?? mostlyOwn.value);

const treeKey = computed(() => `${Number(hidesRuntime.value)}${Number(page.value.collapse)}${Number(page.value.byLine)}`);
const trees = new Map<string, CallTree>();
export const tree = computed<CallTree | null>(() => {
    const data = body.value;
    if (!data) return null;
    const key = treeKey.value;
    let built = trees.get(key);
    if (!built) {
        built = buildTree(data.names, data.rows, { hideRuntime: key[0] === '1', collapse: key[1] === '1', byLine: key[2] === '1' });
        trees.set(key, built);
    }
    return built;
});

/** Builds the tree that the page opens with, as a step of its own while the report loads. */
export function prepareTree(names: Names, rows: Rows): void {
    mostlyOwn.value = isMostlyOwn(names, rows);
    const key = treeKey.value;
    trees.set(key, buildTree(names, rows, { hideRuntime: key[0] === '1', collapse: key[1] === '1', byLine: key[2] === '1' }));
}

export const totals = computed(() => (tree.value && siteValues.value ? treeTotals(tree.value, siteValues.value) : null));

export const functionHashes = computed(() => {
    const data = body.value;
    return data ? hashFunctions(Array.from(data.names.funcName, (index) => data.names.str[index])) : null;
});
const pathHashes = computed(() => (tree.value && functionHashes.value ? hashPaths(tree.value, functionHashes.value) : null));

const rootState = computed(() => page.value.root);
/** Node that everything is narrowed to; 0 = the whole program. */
export const rootNode = computed(() => {
    if (rootState.value === '' || !pathHashes.value) return 0;
    return Math.max(0, pathHashes.value.find(rootState.value));
});

export function hashOfNode(node: number): string {
    return node === 0 || !pathHashes.value ? '' : pathHashes.value.text(node);
}

const funcState = computed(() => page.value.func);
/** Function in the middle of the sandwich; −1 = none. */
export const focusFunc = computed(() => (funcState.value === '' || !functionHashes.value ? -1 : functionHashes.value.find(funcState.value)));

export function hashOfFunc(func: number): string {
    return functionHashes.value ? functionHashes.value.text(func) : '';
}

export const siteMask = computed<Uint8Array | null>(() => (tree.value && rootNode.value > 0 ? sitesUnder(tree.value, rootNode.value) : null));

/** Zeroes sites outside the root that everything is narrowed to. */
export function narrowed(sums: Float64Array): Float64Array {
    const mask = siteMask.value;
    return mask ? sums.map((value, site) => (mask[site] === 1 ? value : 0)) : sums;
}

/** The chosen metric and unit per site, after every filter. */
export const scopedValues = computed<Float64Array | null>(() => (siteValues.value ? narrowed(siteValues.value) : null));
export const scopedTotal = computed(() => {
    const sums = scopedValues.value;
    let sum = 0;
    for (let site = 0; sums && site < sums.length; site++) sum += sums[site];
    return sum;
});

/** Sums of several metrics at once, for views that show them side by side. */
export function sumsOf(id: MetricId): SiteValues | null {
    return windowSums.value?.query(queryFor(id)) ?? null;
}

const groupings = new Map<GroupBy, Grouping>();
export function groupingOf(by: GroupBy): Grouping | null {
    const data = body.value;
    if (!data) return null;
    let grouping = groupings.get(by);
    if (!grouping) {
        grouping = groupingFor(data.names, data.rows, by, data.owners);
        groupings.set(by, grouping);
    }
    return grouping;
}

/** What the table needs when it is first opened, in steps. */
export const TABLE_STEPS: (() => unknown)[] = [() => groupingOf('function'), () => sumsOf('leak'), () => sumsOf('alloc')];

/** Functions whose name, file or module holds the search text (or matches it as /expression/). */
export const matches = computed<Uint8Array | null>(() => {
    const data = body.value;
    const text = search.value;
    if (!data || text === '') return null;
    const test = matcher(text);
    const { names } = data;
    const hitText = new Int8Array(names.str.length).fill(-1);
    const hit = (index: number): boolean => {
        if (hitText[index] < 0) hitText[index] = test(visible(names.str[index])) ? 1 : 0;
        return hitText[index] === 1;
    };
    return Uint8Array.from(names.funcName, (name, func) =>
        hit(name) || hit(names.funcShort[func]) || hit(names.funcFile[func]) || hit(names.modName[names.funcMod[func]]) ? 1 : 0,
    );
});

export function matcher(text: string): (subject: string) => boolean {
    const expression = /^\/(.+)\/$/.exec(text);
    if (expression) {
        try {
            const pattern = new RegExp(expression[1], 'i');
            return (subject) => pattern.test(subject);
        } catch {
            return () => false;
        }
    }
    const wanted = text.toLowerCase();
    return (subject) => subject.toLowerCase().includes(wanted);
}

/** What the figures are of, in words. */
export const scopeText = computed(() => {
    const data = head.value;
    if (!data) return '';
    if (metric.value === 'peak' && whole.value && soleProc.value && body.value?.rows.cellOwnBytes) return "live at the process's own peak";
    return describeMetric(metric.value, data.timeline, window_.value, slices.value);
});

export function describeMetric(id: MetricId, timeline: Timeline, window: Window, count: number): string {
    const edge = (i: number): string => `${(timeline.edge_ns[i] / 1e9).toFixed(2)} s`;
    const span = isWhole(window, count) ? 'in the whole run' : `in ${edge(window.i0)} – ${edge(window.i1)}`;
    switch (id) {
        case 'peak':
            return isWhole(window, count) ? 'live at the peak' : `live at the window's highest slice edge, ${edge(highestEdge(timeline, window))}`;
        case 'live':
            return `live at ${edge(window.i1)}`;
        case 'retained':
            return `allocated ${span}, still live at ${edge(window.i1)}`;
        case 'alloc':
            return `allocated ${span}`;
        case 'temp':
            return `born and freed within one slice ${span}`;
        case 'freed':
            return `freed ${span}`;
        case 'leak':
            return `allocated ${span}, never freed`;
    }
}

export interface Selection {
    func: number;
    /** A report node that names it. */
    node: number;
    /** Call-tree node when one place is meant, else −1. */
    treeNode: number;
    sites: Int32Array;
}

export const selection = signal<Selection | null>(null);

export function resetAll(): void {
    batch(() => {
        trees.clear();
        groupings.clear();
        selection.value = null;
    });
}
