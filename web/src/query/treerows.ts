// SPDX-License-Identifier: Apache-2.0
// Rows of the tree view: the open part of a call tree or of its inverse, single-child chains merged into one row.
import { ownOf, type CallTree, type TotalOf } from './calltree';
import type { MergedTree } from './merge';

export interface TreeRow {
    /** Stable through changes of values: the last node of the chain. */
    key: number;
    /** Nodes of the chain, outermost first. */
    chain: number[];
    level: number;
    total: number;
    self: number;
    children: number;
    open: boolean;
}

/** What both directions have in common. */
export interface Walkable {
    firstChild: Int32Array;
    nextSibling: Int32Array;
    totalOf: TotalOf;
    self: (node: number) => number;
}

export function walkTopDown(tree: CallTree, totalOf: TotalOf): Walkable {
    return { firstChild: tree.firstChild, nextSibling: tree.nextSibling, totalOf, self: (node) => ownOf(tree, totalOf, node) };
}

export function walkBottomUp(merged: MergedTree): Walkable {
    return { firstChild: merged.firstChild, nextSibling: merged.nextSibling, totalOf: (node) => merged.total[node], self: () => 0 };
}

function childrenOf(tree: Walkable, node: number, floor: number): number[] {
    const list: number[] = [];
    for (let child = tree.firstChild[node]; child >= 0; child = tree.nextSibling[child]) {
        const total = tree.totalOf(child);
        if (total > 0 && total >= floor) list.push(child);
    }
    return list.sort((x, y) => tree.totalOf(y) - tree.totalOf(x));
}

/** Follows a node down while its only child holds everything that it holds. */
function chainFrom(tree: Walkable, node: number, floor: number): { chain: number[]; children: number[] } {
    const chain = [node];
    let children = childrenOf(tree, node, floor);
    while (children.length === 1 && tree.totalOf(children[0]) === tree.totalOf(node)) {
        chain.push(children[0]);
        children = childrenOf(tree, children[0], floor);
    }
    return { chain, children };
}

/** The open rows below `root`, in order; `floor` hides what is smaller. */
export function treeRows(tree: Walkable, root: number, open: ReadonlySet<number>, floor: number, limit: number): TreeRow[] {
    const rows: TreeRow[] = [];
    const todo: { node: number; level: number }[] = [];
    const push = (nodes: number[], level: number): void => {
        for (let i = nodes.length - 1; i >= 0; i--) todo.push({ node: nodes[i], level });
    };
    push(root === 0 ? childrenOf(tree, 0, floor) : [root], 1);
    while (todo.length > 0 && rows.length < limit) {
        const next = todo.pop();
        if (!next) break;
        const { chain, children } = chainFrom(tree, next.node, floor);
        const last = chain[chain.length - 1];
        const isOpen = open.has(last);
        rows.push({ key: last, chain, level: next.level, total: tree.totalOf(next.node), self: tree.self(last), children: children.length, open: isOpen });
        if (isOpen) push(children, next.level + 1);
    }
    return rows;
}

/** Keys to open so that the heaviest path below a row is shown to its end. */
export function heaviestPath(tree: Walkable, from: number, floor: number): number[] {
    const keys: number[] = [];
    let node = from;
    for (;;) {
        const { chain, children } = chainFrom(tree, node, floor);
        if (children.length === 0) return keys;
        keys.push(chain[chain.length - 1]);
        node = children[0];
    }
}
