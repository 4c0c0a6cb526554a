// SPDX-License-Identifier: Apache-2.0
// The call tree that views show: the report's nodes with calls of one function from one parent made one node.
//
// A tree is built once per set of options and knows nothing of windows. Nodes are numbered in preorder and sites are kept in the order
// of their nodes, so the sites under a node are a range: with running sums over the sites, the total of any node is one subtraction,
// and a new window costs time in proportion to sites, not nodes. Nothing here recurses: stacks may be ten thousand frames deep.
import type { Names, Rows } from '../data/report';

export interface TreeOptions {
    /** Leave out frames of the language's library, runtimes, libc and kernel. */
    hideRuntime: boolean;
    /** A function that calls itself becomes one node. */
    collapse: boolean;
    /** Keep calls from different lines apart. */
    byLine: boolean;
}

export interface CallTree {
    count: number;
    parent: Int32Array;
    /** Function of each node; of the root 0. */
    func: Int32Array;
    /** First report node that became this node. */
    origin: Int32Array;
    firstChild: Int32Array;
    nextSibling: Int32Array;
    /** Tree node of each report node. */
    ofNode: Int32Array;
    /** Tree node of each site. */
    ofSite: Int32Array;
    /** 1 where the first report node was inlined into its caller. */
    inlined: Uint8Array;
    /** Sites by their nodes; those under a node are siteOrder[siteFrom[node]] … siteOrder[siteUntil[node] − 1]. */
    siteOrder: Int32Array;
    siteFrom: Int32Array;
    siteUntil: Int32Array;
}

const HIDDEN_KINDS = new Set([2, 3, 4, 6]);

/** 1 for functions that are not the program's own: library, runtime, libc, kernel, and what only passes allocations on. */
export function foreignFunctions(names: Names): Uint8Array {
    const { funcMod, modKind, funcFlags } = names;
    return Uint8Array.from(funcMod, (mod, func) => (HIDDEN_KINDS.has(modKind[mod]) || (funcFlags[func] & 1) === 1 ? 1 : 0));
}

const MOSTLY_OWN = 0.9;

/** True when nearly all that is live at the peak has a frame of the program's own on its stack, below runtimes and libraries of it. */
export function isMostlyOwn(names: Names, rows: Rows): boolean {
    const { nodeParent, nodeFrame, frameFunc } = names;
    const foreign = foreignFunctions(names);
    const own = new Uint8Array(nodeParent.length);
    for (let node = 1; node < own.length; node++) own[node] = own[nodeParent[node]] | (1 - foreign[frameFunc[nodeFrame[node]]]);
    let all = 0;
    let found = 0;
    for (let site = 0; site < rows.siteNode.length; site++) {
        for (let cell = rows.siteCell[site]; cell < rows.siteCell[site + 1]; cell++) {
            all += rows.cellPeakBytes[cell];
            if (own[rows.siteNode[site]] === 1) found += rows.cellPeakBytes[cell];
        }
    }
    return all > 0 && found >= MOSTLY_OWN * all;
}

const NAMELESS_MOST = 4;

/** The node that a site is named after: the nearest call of the program's own that has a name, or the allocating one when there is none. */
export function siteOwners(names: Names, rows: Pick<Rows, 'siteNode'>): Int32Array {
    const foreign = foreignFunctions(names);
    return rows.siteNode.map((leaf) => {
        const { nodeParent, nodeFrame, frameFunc, funcFlags, funcMod } = names;
        let first = 0;
        let nameless = 0;
        for (let at = leaf; at > 0; at = nodeParent[at]) {
            const func = frameFunc[nodeFrame[at]];
            if (first > 0 && (nameless === NAMELESS_MOST || funcMod[func] !== funcMod[frameFunc[nodeFrame[first]]])) return first;
            if (foreign[func] === 1) continue;
            if ((funcFlags[func] & 2) === 0) return at;
            if (first === 0) first = at;
            nameless++;
        }
        return first > 0 ? first : leaf;
    });
}

/** Open addressing over (parent, key) pairs; entries are node numbers + 1. */
class ChildIndex {
    private readonly slots: Int32Array;
    private readonly mask: number;

    constructor(capacity: number) {
        let size = 16;
        while (size < capacity * 2) size *= 2;
        this.slots = new Int32Array(size);
        this.mask = size - 1;
    }

    /** Slot that holds (parent, key), or the free slot where it belongs. */
    find(parent: number, key: number, parents: Int32Array, keys: Int32Array): number {
        let at = (Math.imul(parent, 0x9e3779b1) ^ Math.imul(key, 0x85ebca6b)) >>> 0;
        at = (at ^ (at >>> 15)) & this.mask;
        for (;;) {
            const entry = this.slots[at] - 1;
            if (entry < 0 || (parents[entry] === parent && keys[entry] === key)) return at;
            at = (at + 1) & this.mask;
        }
    }

    get(at: number): number {
        return this.slots[at] - 1;
    }

    set(at: number, node: number): void {
        this.slots[at] = node + 1;
    }
}

function linkChildren(count: number, parent: Int32Array): { firstChild: Int32Array; nextSibling: Int32Array } {
    const firstChild = new Int32Array(count).fill(-1);
    const nextSibling = new Int32Array(count).fill(-1);
    for (let node = count - 1; node > 0; node--) {
        nextSibling[node] = firstChild[parent[node]];
        firstChild[parent[node]] = node;
    }
    return { firstChild, nextSibling };
}

export function buildTree(names: Names, rows: Rows, options: TreeOptions): CallTree {
    const nodes = names.nodeParent.length;
    const { nodeParent, nodeFrame, frameFunc } = names;
    const hidden = foreignFunctions(names);
    const parent = new Int32Array(nodes);
    const key = new Int32Array(nodes);
    const func = new Int32Array(nodes);
    const origin = new Int32Array(nodes);
    const ofNode = new Int32Array(nodes);
    const index = new ChildIndex(nodes);
    let count = 1;
    for (let node = 1; node < nodes; node++) {
        const frame = nodeFrame[node];
        const f = frameFunc[frame];
        const up = ofNode[nodeParent[node]];
        if ((options.hideRuntime && hidden[f] === 1) || (options.collapse && up !== 0 && func[up] === f)) {
            ofNode[node] = up;
            continue;
        }
        const k = options.byLine ? frame : f;
        const slot = index.find(up, k, parent, key);
        let made = index.get(slot);
        if (made < 0) {
            made = count++;
            parent[made] = up;
            key[made] = k;
            func[made] = f;
            origin[made] = node;
            index.set(slot, made);
        }
        ofNode[node] = made;
    }
    const order = preorder(count, parent);
    const place = new Int32Array(count);
    order.forEach((node, at) => (place[node] = at));
    const newParent = order.map((node) => place[parent[node]]);
    const links = linkChildren(count, newParent);
    const newOrigin = order.map((node) => origin[node]);
    const mapped = ofNode.map((node) => place[node]);
    const ofSite = rows.siteNode.map((node) => mapped[node]);
    return {
        count,
        parent: newParent,
        func: order.map((node) => func[node]),
        origin: newOrigin,
        ...links,
        ofNode: mapped,
        ofSite,
        inlined: Uint8Array.from(newOrigin, (node) => names.frameFlags[nodeFrame[node]] & 1),
        ...siteRanges(count, newParent, ofSite),
    };
}

/** Nodes in preorder, children in the order in which they were made. */
function preorder(count: number, parent: Int32Array): Int32Array {
    const { firstChild, nextSibling } = linkChildren(count, parent);
    const order = new Int32Array(count);
    let node = 0;
    for (let at = 0; at < count; at++) {
        order[at] = node;
        if (firstChild[node] >= 0) {
            node = firstChild[node];
            continue;
        }
        while (node > 0 && nextSibling[node] < 0) node = parent[node];
        node = nextSibling[node];
    }
    return order;
}

function siteRanges(count: number, parent: Int32Array, ofSite: Int32Array): { siteOrder: Int32Array; siteFrom: Int32Array; siteUntil: Int32Array } {
    const siteFrom = new Int32Array(count + 1);
    for (const node of ofSite) siteFrom[node + 1]++;
    for (let node = 0; node < count; node++) siteFrom[node + 1] += siteFrom[node];
    const next = siteFrom.slice();
    const siteOrder = new Int32Array(ofSite.length);
    ofSite.forEach((node, site) => (siteOrder[next[node]++] = site));
    const siteUntil = siteFrom.slice(1);
    for (let node = count - 1; node > 0; node--) siteUntil[parent[node]] = Math.max(siteUntil[parent[node]], siteUntil[node]);
    return { siteOrder, siteFrom: siteFrom.slice(0, count), siteUntil };
}

/** The value of a node with all its callees. */
export type TotalOf = (node: number) => number;

export function treeTotals(tree: CallTree, siteValues: Float64Array): TotalOf {
    const { siteOrder, siteFrom, siteUntil } = tree;
    const running = new Float64Array(siteOrder.length + 1);
    for (let i = 0; i < siteOrder.length; i++) running[i + 1] = running[i] + siteValues[siteOrder[i]];
    return (node) => running[siteUntil[node]] - running[siteFrom[node]];
}

/** What a node holds beyond its children; exact, since all values are whole numbers. */
export function ownOf(tree: CallTree, totalOf: TotalOf, node: number): number {
    let own = totalOf(node);
    for (let child = tree.firstChild[node]; child >= 0; child = tree.nextSibling[child]) own -= totalOf(child);
    return own;
}

/** For each node 1 when no ancestor has the same key: totals over such nodes count recursion once. */
export function outermost(parent: Int32Array, keys: Int32Array, keyCount: number): Uint8Array {
    const count = parent.length;
    const firstChild = new Int32Array(count).fill(-1);
    const nextSibling = new Int32Array(count).fill(-1);
    for (let node = count - 1; node > 0; node--) {
        nextSibling[node] = firstChild[parent[node]];
        firstChild[parent[node]] = node;
    }
    const open = new Int32Array(keyCount);
    const out = new Uint8Array(count);
    let node = count > 0 ? firstChild[0] : -1;
    while (node > 0) {
        if (open[keys[node]]++ === 0) out[node] = 1;
        if (firstChild[node] >= 0) {
            node = firstChild[node];
            continue;
        }
        while (node > 0) {
            open[keys[node]]--;
            if (nextSibling[node] >= 0) {
                node = nextSibling[node];
                break;
            }
            node = parent[node];
        }
    }
    return out;
}

/** 1 for sites under `node` (or on it). */
export function sitesUnder(tree: CallTree, node: number): Uint8Array {
    const mask = new Uint8Array(tree.ofSite.length);
    for (let i = tree.siteFrom[node]; i < tree.siteUntil[node]; i++) mask[tree.siteOrder[i]] = 1;
    return mask;
}

/** Nodes from the root's child down to `node`. */
export function pathTo(tree: CallTree, node: number): number[] {
    const path: number[] = [];
    for (let at = node; at > 0; at = tree.parent[at]) path.push(at);
    return path.reverse();
}
