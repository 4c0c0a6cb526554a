// SPDX-License-Identifier: Apache-2.0
// Rows of the table view: values per function, source line, module or site, with recursion counted once.
import type { Names, Rows } from '../data/report';
import { outermost } from './calltree';

export type GroupBy = 'function' | 'line' | 'file' | 'module' | 'site';

/** Which group each report node belongs to, and where a group counts towards totals. */
export interface Grouping {
    by: GroupBy;
    count: number;
    keyOfNode: Int32Array;
    /** One report node per group, to name it. */
    sample: Int32Array;
    outer: Uint8Array;
    /** Group that a site's own value counts for: that of the call it is named after. */
    keyOfSite: Int32Array;
}

function keysByNode(names: Names, by: GroupBy): { keys: Int32Array; count: number } {
    const { nodeFrame, frameFunc, frameLine, funcMod, funcFile } = names;
    if (by === 'function') return { keys: nodeFrame.map((frame) => frameFunc[frame]), count: names.funcName.length };
    if (by === 'module') return { keys: nodeFrame.map((frame) => funcMod[frameFunc[frame]]), count: names.modName.length };
    const ids = new Map<string, number>();
    const idOf = (key: string): number => {
        const known = ids.get(key);
        if (known !== undefined) return known;
        ids.set(key, ids.size);
        return ids.size - 1;
    };
    const ofFrame = Int32Array.from(frameFunc, (func, frame) => {
        const file = funcFile[func];
        if (file === 0 || names.str[file] === '') return idOf(`f${func}`);
        return by === 'file' ? idOf(`${file}`) : idOf(`${file}:${frameLine[frame]}`);
    });
    return { keys: nodeFrame.map((frame) => ofFrame[frame]), count: ids.size };
}

/** `owners`: the node that each site is named after. */
export function groupingFor(names: Names, rows: Rows, by: GroupBy, owners: Int32Array): Grouping {
    const nodes = names.nodeParent.length;
    if (by === 'site') {
        const keyOfNode = new Int32Array(nodes).fill(-1);
        rows.siteNode.forEach((node, site) => (keyOfNode[node] = site));
        const outer = new Uint8Array(nodes);
        return { by, count: rows.siteNode.length, keyOfNode, sample: rows.siteNode, outer, keyOfSite: rows.siteNode.map((_, site) => site) };
    }
    const { keys, count } = keysByNode(names, by);
    const sample = new Int32Array(count).fill(-1);
    for (let node = nodes - 1; node > 0; node--) sample[keys[node]] = node;
    return { by, count, keyOfNode: keys, sample, outer: outermost(names.nodeParent, keys, count), keyOfSite: owners.map((node) => keys[node]) };
}

/** Sums of sites that are named after the group. */
export function groupSelf(grouping: Grouping, siteValues: Float64Array): Float64Array {
    const out = new Float64Array(grouping.count);
    for (let site = 0; site < siteValues.length; site++) out[grouping.keyOfSite[site]] += siteValues[site];
    return out;
}

/** Sums of sites with the group anywhere on their stack, each site once; of several values in one walk over the tree. */
export function groupTotals(grouping: Grouping, names: Names, rows: Rows, list: Float64Array[]): Float64Array[] {
    if (grouping.by === 'site') return list.map((siteValues) => groupSelf(grouping, siteValues));
    const { nodeParent } = names;
    const { outer, keyOfNode } = grouping;
    const width = list.length;
    const total = new Float64Array(nodeParent.length * width);
    const out = list.map(() => new Float64Array(grouping.count));
    list.forEach((siteValues, at) => {
        for (let site = 0; site < siteValues.length; site++) total[rows.siteNode[site] * width + at] += siteValues[site];
    });
    for (let node = nodeParent.length - 1; node > 0; node--) {
        const own = node * width;
        const parent = nodeParent[node] * width;
        const group = outer[node] === 1 ? keyOfNode[node] : -1;
        for (let at = 0; at < width; at++) {
            const sum = total[own + at];
            if (sum === 0) continue;
            total[parent + at] += sum;
            if (group >= 0) out[at][group] += sum;
        }
    }
    return out;
}
