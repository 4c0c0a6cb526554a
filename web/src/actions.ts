// SPDX-License-Identifier: Apache-2.0
// Everything that a reader can do: changes of the page's state, written into the URL so that links and history restore them.
import { batch } from '@preact/signals';
import type { FindingLink, MetricId, View } from './data/manifest';
import { parseFragment, writeFragment, METRIC_IDS, type PageState } from './fragment';
import { sitesUnder } from './query/calltree';
import { windowResized, windowShifted, nearestEdge } from './query/edges';
import type { Window } from './query/metrics';
import * as state from './state';

const REPLACE_DELAY_MS = 250;
const TOAST_MS = 4000;

let replaceTimer = 0;
let toastTimer = 0;

export function showToast(text: string): void {
    state.toast.value = text;
    window.clearTimeout(toastTimer);
    toastTimer = window.setTimeout(() => (state.toast.value = ''), TOAST_MS);
}

export function say(text: string): void {
    state.spoken.value = text;
}

function replaceSoon(): void {
    window.clearTimeout(replaceTimer);
    replaceTimer = window.setTimeout(() => history.replaceState(null, '', writeFragment(state.page.value)), REPLACE_DELAY_MS);
}

/** `push` makes a step in the browser's history, `replace` only keeps the address right, `hold` leaves both (during a drag). */
export type Step = 'push' | 'replace' | 'hold';

export function update(patch: Partial<PageState>, how: Step = 'replace'): void {
    const before = writeFragment(state.page.value);
    state.page.value = { ...state.page.value, ...patch };
    const fragment = writeFragment(state.page.value);
    if (how === 'hold' || (fragment === before && how === 'replace')) return;
    if (how === 'push') {
        window.clearTimeout(replaceTimer);
        if (fragment !== location.hash) history.pushState(null, '', fragment);
    } else {
        replaceSoon();
    }
}

export function readAddress(): void {
    const { state: read, bad } = parseFragment(location.hash);
    batch(() => {
        state.page.value = read;
        state.selection.value = null;
    });
    if (bad.length > 0) showToast(`Not understood in the link, ignored: ${bad.join(', ')}`);
}

export function setView(view: View): void {
    update({ view }, 'push');
}

export function setMetric(metric: MetricId): void {
    update({ metric }, 'push');
    say(`Metric: ${state.scopeText.value}`);
}

export function nextMetric(): void {
    const at = METRIC_IDS.indexOf(state.metric.value);
    setMetric(METRIC_IDS[(at + 1) % METRIC_IDS.length]);
}

export function toggleUnit(): void {
    update({ unit: state.unit.value === 'bytes' ? 'count' : 'bytes' }, 'push');
}

/** Sets the window in edges; a window of the whole run is stored as none. */
export function setWindow(window: Window, how: Step): void {
    const data = state.head.value;
    if (!data) return;
    const whole = window.i0 === 0 && window.i1 === state.slices.value;
    const { edge_ns } = data.timeline;
    update({ window: whole ? null : [edge_ns[window.i0], edge_ns[window.i1]] }, how);
}

export function shiftWindow(by: number): void {
    setWindow(windowShifted(state.window_.value, state.slices.value, by), 'replace');
}

export function resizeWindow(by: number): void {
    setWindow(windowResized(state.window_.value, state.slices.value, by), 'replace');
}

export function wholeRun(): void {
    update({ window: null }, 'push');
}

/** A window of about a fiftieth of the run around the peak. */
export function windowAtPeak(): void {
    const data = state.head.value;
    if (!data) return;
    const at = nearestEdge(data.timeline.edge_ns, data.manifest.totals.peak_at_ns);
    const half = Math.max(1, Math.round(state.slices.value / 100));
    setWindow({ i0: Math.max(0, at - half), i1: Math.min(state.slices.value, at + half) }, 'push');
}

export function focusNode(node: number): void {
    update({ root: state.hashOfNode(node) }, 'push');
    const tree = state.tree.value;
    const data = state.body.value;
    if (node > 0 && tree && data) say(`Narrowed to ${data.labels.short(tree.func[node])}`);
    else say('Showing the whole program');
}

export function focusUp(): void {
    const { root, zoom } = state.page.value;
    const tree = state.tree.value;
    if (state.page.value.graph === 'inverted' && zoom !== '') update({ zoom: '' }, 'push');
    else if (root !== '' && tree) focusNode(tree.parent[state.rootNode.value]);
    else if (state.page.value.graph === 'sandwich') update({ graph: 'icicle', func: '' }, 'push');
    else state.selection.value = null;
}

export function sandwich(func: number): void {
    update({ view: 'flame', graph: 'sandwich', func: state.hashOfFunc(func) }, 'push');
}

/** Changes how the tree is built and keeps the narrowed place by one of its report nodes. */
export function setTreeOptions(patch: Partial<Pick<PageState, 'hideRuntime' | 'collapse' | 'byLine'>>): void {
    const before = state.tree.value;
    const origin = before && state.rootNode.value > 0 ? before.origin[state.rootNode.value] : -1;
    batch(() => {
        state.selection.value = null;
        update({ ...patch, zoom: '' }, 'replace');
    });
    const after = state.tree.value;
    if (origin >= 0 && after) update({ root: state.hashOfNode(after.ofNode[origin]) }, 'push');
    else update({}, 'push');
}

export function setFilter(key: 'procs' | 'threads' | 'groups', ids: number[]): void {
    update({ [key]: ids }, 'push');
}

export function clearNarrowing(): void {
    update({ procs: [], threads: [], groups: [], root: '', zoom: '', search: '' }, 'push');
}

export function selectTreeNode(node: number): void {
    const tree = state.tree.value;
    if (!tree || node <= 0) {
        state.selection.value = null;
        return;
    }
    const mask = sitesUnder(tree, node);
    const sites: number[] = [];
    mask.forEach((inside, site) => inside && sites.push(site));
    state.selection.value = { func: tree.func[node], node: tree.origin[node], treeNode: node, sites: Int32Array.from(sites) };
}

/** Selects a function everywhere: all sites with it on their stack. */
export function selectFunction(func: number): void {
    const data = state.body.value;
    const grouping = state.groupingOf('function');
    if (!data || !grouping) return;
    const { nodeParent } = data.names;
    const under = new Uint8Array(nodeParent.length);
    for (let node = 1; node < under.length; node++) under[node] = grouping.keyOfNode[node] === func ? 1 : under[nodeParent[node]];
    const sites: number[] = [];
    data.rows.siteNode.forEach((node, site) => under[node] === 1 && sites.push(site));
    state.selection.value = { func, node: grouping.sample[func], treeNode: -1, sites: Int32Array.from(sites) };
}

export function selectSite(site: number): void {
    const data = state.body.value;
    if (!data) return;
    const node = data.rows.siteNode[site];
    state.selection.value = { func: data.labels.funcOfNode(node), node, treeNode: state.tree.value?.ofNode[node] ?? -1, sites: Int32Array.of(site) };
}

/** Follows a finding: sets view, metric, window and what to look at. */
export function followLink(link: FindingLink): void {
    const patch: Partial<PageState> = { search: link.search ?? '', root: '', zoom: '', sort: link.sort ?? '' };
    if (link.view) patch.view = link.view;
    if (link.metric) patch.metric = link.metric;
    if (link.unit) patch.unit = link.unit;
    patch.window = link.window_ns ?? null;
    patch.threads = link.thread !== undefined ? [link.thread] : [];
    patch.groups = link.group !== undefined ? [link.group] : [];
    patch.procs = link.proc !== undefined ? [link.proc] : [];
    if (link.view === 'flame') patch.graph = 'icicle';
    update(patch, 'push');
    const data = state.body.value;
    if (!data) return;
    const tree = state.tree.value;
    if (link.site !== undefined && link.site < data.rows.siteNode.length) selectSite(link.site);
    else if (link.node !== undefined && tree && link.node < tree.ofNode.length) selectTreeNode(tree.ofNode[link.node]);
    else if (link.search) {
        const { names, labels } = data;
        const wanted = link.search;
        const func = names.funcName.findIndex((_, at) => labels.short(at) === wanted || labels.func(at) === wanted);
        if (func > 0) selectFunction(func);
    }
}

export function setTheme(theme: 'light' | 'dark'): void {
    try {
        localStorage.setItem('memscope-theme', theme);
    } catch {
        showToast('The browser does not let this file remember the theme.');
    }
    update({ theme }, 'replace');
    document.documentElement.dataset.theme = theme;
}

export function toggleTheme(): void {
    setTheme(state.theme.value === 'dark' ? 'light' : 'dark');
}

export async function copyText(text: string, what: string): Promise<void> {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        const area = document.createElement('textarea');
        area.value = text;
        document.body.append(area);
        area.select();
        document.execCommand('copy');
        area.remove();
    }
    showToast(`${what} copied`);
}

export function copyLink(): void {
    const file = location.pathname.slice(location.pathname.lastIndexOf('/') + 1);
    void copyText(decodeURIComponent(file) + writeFragment(state.page.value), 'Link');
}

export function saveFile(name: string, type: string, text: string): void {
    const url = URL.createObjectURL(new Blob([text], { type }));
    const anchor = document.createElement('a');
    anchor.href = url;
    anchor.download = name;
    anchor.click();
    window.setTimeout(() => URL.revokeObjectURL(url), 1000);
}
