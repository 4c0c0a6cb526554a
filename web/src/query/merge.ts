// SPDX-License-Identifier: Apache-2.0
// Trees made per query by merging callers: the inverted graph (who asked for it) and a function's callers.
//
// Items start at some tree nodes with a weight. Each level groups the items of a merged node by the function they stand on, then moves
// them one frame up. Items of one merged node stay neighbours in `items`, so a node's items are the range lo … hi. Groups below `floor`
// are not opened but counted, which keeps the work in proportion to what can be seen.
import type { CallTree, TotalOf } from './calltree';

export interface MergedTree {
    count: number;
    parent: Int32Array;
    func: Int32Array;
    total: Float64Array;
    firstChild: Int32Array;
    nextSibling: Int32Array;
    /** Folded children of each node: how many, and how much they hold. */
    foldedN: Int32Array;
    foldedTotal: Float64Array;
    items: Int32Array;
    lo: Int32Array;
    hi: Int32Array;
    /** Node of the call tree for a merged node: one example. */
    sample: Int32Array;
}

class Growing {
    ints: Int32Array = new Int32Array(1024);
    length = 0;

    push(value: number): void {
        if (this.length === this.ints.length) {
            const grown = new Int32Array(this.length * 2);
            grown.set(this.ints);
            this.ints = grown;
        }
        this.ints[this.length++] = value;
    }

    take(): Int32Array {
        return this.ints.slice(0, this.length);
    }
}

interface Group {
    func: number;
    total: number;
    count: number;
    at: number;
}

/** Groups the items lo … hi by the function under their cursor; items that are at the root are left out. */
function groupItems(tree: CallTree, items: Int32Array, cursor: Int32Array, weight: Float64Array, lo: number, hi: number): Group[] {
    const groups = new Map<number, Group>();
    for (let i = lo; i < hi; i++) {
        const item = items[i];
        if (cursor[item] === 0) continue;
        const func = tree.func[cursor[item]];
        const group = groups.get(func);
        if (group) {
            group.total += weight[item];
            group.count++;
        } else {
            groups.set(func, { func, total: weight[item], count: 1, at: 0 });
        }
    }
    return [...groups.values()].sort((x, y) => y.total - x.total || x.func - y.func);
}

/** Orders items lo … hi by group: opened groups first, the rest and finished items after. */
function partition(tree: CallTree, items: Int32Array, cursor: Int32Array, groups: Group[], open: number, lo: number, hi: number): void {
    const place = new Map<number, Group>();
    let at = lo;
    for (let g = 0; g < open; g++) {
        groups[g].at = at;
        at += groups[g].count;
        place.set(groups[g].func, groups[g]);
    }
    const old = items.slice(lo, hi);
    for (let i = 0; i < old.length; i++) {
        const group = cursor[old[i]] === 0 ? undefined : place.get(tree.func[cursor[old[i]]]);
        if (group) items[group.at++] = old[i];
        else items[at++] = old[i];
    }
}

/** Merges upwards from `starts`; `floor` is the smallest total that is still opened. */
export function mergeCallers(tree: CallTree, starts: Int32Array, weight: Float64Array, floor: number): MergedTree {
    const items = new Int32Array(starts.length).map((_, i) => i);
    const cursor = starts.slice();
    const parent = new Growing();
    const func = new Growing();
    const lo = new Growing();
    const hi = new Growing();
    const sample = new Growing();
    const total: number[] = [0];
    const foldedN: number[] = [0];
    const foldedTotal: number[] = [0];
    for (let i = 0; i < weight.length; i++) total[0] += weight[i];
    for (const [list, value] of [[parent, 0], [func, 0], [lo, 0], [hi, starts.length], [sample, 0]] as [Growing, number][]) list.push(value);
    for (let node = 0; node < parent.length; node++) {
        const from = lo.ints[node];
        const until = hi.ints[node];
        const groups = groupItems(tree, items, cursor, weight, from, until);
        let open = 0;
        while (open < groups.length && groups[open].total > 0 && groups[open].total >= floor) open++;
        partition(tree, items, cursor, groups, open, from, until);
        let at = from;
        for (let g = 0; g < open; g++) {
            parent.push(node);
            func.push(groups[g].func);
            lo.push(at);
            hi.push(at + groups[g].count);
            sample.push(cursor[items[at]]);
            total.push(groups[g].total);
            foldedN.push(0);
            foldedTotal.push(0);
            for (const end = at + groups[g].count; at < end; at++) cursor[items[at]] = tree.parent[cursor[items[at]]];
        }
        for (let g = open; g < groups.length; g++) {
            if (groups[g].total <= 0) continue;
            foldedN[node]++;
            foldedTotal[node] += groups[g].total;
        }
    }
    return finish(parent, func, lo, hi, sample, total, foldedN, foldedTotal, items);
}

function finish(
    parent: Growing,
    func: Growing,
    lo: Growing,
    hi: Growing,
    sample: Growing,
    total: number[],
    foldedN: number[],
    foldedTotal: number[],
    items: Int32Array,
): MergedTree {
    const count = parent.length;
    const parents = parent.take();
    const firstChild = new Int32Array(count).fill(-1);
    const nextSibling = new Int32Array(count).fill(-1);
    for (let node = count - 1; node > 0; node--) {
        nextSibling[node] = firstChild[parents[node]];
        firstChild[parents[node]] = node;
    }
    return {
        count,
        parent: parents,
        func: func.take(),
        total: Float64Array.from(total),
        firstChild,
        nextSibling,
        foldedN: Int32Array.from(foldedN),
        foldedTotal: Float64Array.from(foldedTotal),
        items,
        lo: lo.take(),
        hi: hi.take(),
        sample: sample.take(),
    };
}

/** The inverted tree: sites with a value, merged from the allocating function outwards. */
export function invertedTree(tree: CallTree, siteValues: Float64Array, floor: number): { merged: MergedTree; sites: Int32Array } {
    const live: number[] = [];
    for (let site = 0; site < siteValues.length; site++) if (siteValues[site] > 0) live.push(site);
    const sites = Int32Array.from(live);
    const starts = sites.map((site) => tree.ofSite[site]);
    const weight = Float64Array.from(sites, (site) => siteValues[site]);
    return { merged: mergeCallers(tree, starts, weight, floor), sites };
}

/** Callers of one function: its outermost calls, merged upwards; node 1 is the function itself. */
export function callersOf(tree: CallTree, outer: Uint8Array, totalOf: TotalOf, func: number, floor: number): MergedTree {
    const calls: number[] = [];
    for (let node = 1; node < tree.count; node++) if (tree.func[node] === func && outer[node] === 1 && totalOf(node) > 0) calls.push(node);
    const starts = Int32Array.from(calls);
    return mergeCallers(tree, starts, Float64Array.from(starts, totalOf), floor);
}

/** What one function calls: the subtrees of its outermost calls merged; node 1 is the function itself. */
export function calleesOf(tree: CallTree, outer: Uint8Array, totalOf: TotalOf, func: number, floor: number): MergedTree {
    const members: number[][] = [[], []];
    const parent = new Growing();
    const funcs = new Growing();
    const sample = new Growing();
    const total = [0, 0];
    const foldedN = [0, 0];
    const foldedTotal = [0, 0];
    for (let node = 1; node < tree.count; node++) {
        if (tree.func[node] !== func || outer[node] === 0 || totalOf(node) <= 0) continue;
        members[1].push(node);
        total[1] += totalOf(node);
    }
    total[0] = total[1];
    for (const [list, a, b] of [[parent, 0, 0], [funcs, 0, func], [sample, 0, members[1][0] ?? 0]] as [Growing, number, number][]) {
        list.push(a);
        list.push(b);
    }
    for (let node = 1; node < parent.length; node++) {
        const groups = new Map<number, { total: number; nodes: number[] }>();
        for (const member of members[node]) {
            for (let child = tree.firstChild[member]; child >= 0; child = tree.nextSibling[child]) {
                const value = totalOf(child);
                if (value <= 0) continue;
                const group = groups.get(tree.func[child]) ?? { total: 0, nodes: [] };
                group.total += value;
                group.nodes.push(child);
                groups.set(tree.func[child], group);
            }
        }
        members[node] = [];
        for (const [f, group] of [...groups].sort((x, y) => y[1].total - x[1].total || x[0] - y[0])) {
            if (group.total < floor) {
                foldedN[node]++;
                foldedTotal[node] += group.total;
                continue;
            }
            parent.push(node);
            funcs.push(f);
            sample.push(group.nodes[0]);
            members.push(group.nodes);
            total.push(group.total);
            foldedN.push(0);
            foldedTotal.push(0);
        }
    }
    const empty = new Growing();
    return finish(parent, funcs, empty, empty, sample, total, foldedN, foldedTotal, new Int32Array(0));
}
