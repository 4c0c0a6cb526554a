// SPDX-License-Identifier: Apache-2.0
// The call tree that views show: the report's nodes with calls of one function from one parent made one node.
//
// A tree is built once per set of options and knows nothing of windows; totals are summed over it per query. Nodes are numbered so
// that a parent comes before its children, which makes every total one pass from the end. Nothing here recurses: stacks may be
// ten thousand frames deep.
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
}

const HIDDEN_KINDS = new Set([2, 3, 4, 6]);

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
    const { nodeParent, nodeFrame, frameFunc, funcMod, modKind } = names;
    const hidden = Uint8Array.from(funcMod, (mod) => (HIDDEN_KINDS.has(modKind[mod]) ? 1 : 0));
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
    const links = linkChildren(count, parent);
    return {
        count,
        parent: parent.slice(0, count),
        func: func.slice(0, count),
        origin: origin.slice(0, count),
        ...links,
        ofNode,
        ofSite: rows.siteNode.map((node) => ofNode[node]),
    };
}

/** Sums site values into their nodes and all ancestors. */
export function treeTotals(tree: CallTree, siteValues: Float64Array): Float64Array {
    const { parent, ofSite } = tree;
    const total = new Float64Array(tree.count);
    for (let site = 0; site < siteValues.length; site++) total[ofSite[site]] += siteValues[site];
    for (let node = tree.count - 1; node > 0; node--) if (total[node] !== 0) total[parent[node]] += total[node];
    return total;
}

/** What a node holds beyond its children; exact, since all values are whole numbers. */
export function ownOf(tree: CallTree, total: Float64Array, node: number): number {
    let own = total[node];
    for (let child = tree.firstChild[node]; child >= 0; child = tree.nextSibling[child]) own -= total[child];
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
    const inside = new Uint8Array(tree.count);
    inside[node] = 1;
    for (let i = node + 1; i < tree.count; i++) inside[i] = inside[tree.parent[i]] | (i === node ? 1 : 0);
    return Uint8Array.from(tree.ofSite, (at) => inside[at]);
}

/** Nodes from the root's child down to `node`. */
export function pathTo(tree: CallTree, node: number): number[] {
    const path: number[] = [];
    for (let at = node; at > 0; at = tree.parent[at]) path.push(at);
    return path.reverse();
}
