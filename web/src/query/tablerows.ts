// SPDX-License-Identifier: Apache-2.0
// Rows of the table view with all their columns, sorted; pure, so that it can be tested without a page.
import type { Names, Rows } from '../data/report';
import { groupSelf, groupTotals, type Grouping } from './grouping';
import type { SiteValues } from './metrics';

export interface TableRow {
    key: number;
    self: number;
    total: number;
    count: number;
    average: number;
    peak: number;
    leak: number;
    alloc: number;
    tempShare: number;
    lifetime_ns: number;
}

export interface TableInput {
    grouping: Grouping;
    names: Names;
    rows: Rows;
    /** Chosen metric in the chosen unit, and in both, after every filter. */
    values: Float64Array;
    counts: Float64Array;
    bytes: Float64Array;
    peak: SiteValues;
    leak: SiteValues;
    alloc: SiteValues;
    tmpN: ArrayLike<number>;
    lifeP50: ArrayLike<number>;
    pick: (sums: SiteValues) => Float64Array;
    narrow: (values: Float64Array) => Float64Array;
}

/** Block-weighted mean of the sites' median lifetimes. */
function lifetimes(input: TableInput, allocSelf: Float64Array): Float64Array {
    const weighted = input.alloc.n.map((n, site) => n * (input.lifeP50[site] ?? 0));
    return groupSelf(input.grouping, input.narrow(weighted)).map((sum, key) => (allocSelf[key] > 0 ? sum / allocSelf[key] : 0));
}

export function tableRows(input: TableInput): TableRow[] {
    const { grouping, names, rows } = input;
    const self = groupSelf(grouping, input.values);
    const count = groupSelf(grouping, input.counts);
    const bytes = groupSelf(grouping, input.bytes);
    const lists = [input.values, ...[input.peak, input.leak, input.alloc].map((sums) => input.narrow(input.pick(sums)))];
    const different = [...new Set(lists)];
    const sums = groupTotals(grouping, names, rows, different);
    const [total, peak, leak, alloc] = lists.map((list) => sums[different.indexOf(list)]);
    const allocN = groupSelf(grouping, input.narrow(input.alloc.n));
    const tmp = groupSelf(grouping, input.narrow(input.alloc.n.map((n, site) => (n > 0 ? (input.tmpN[site] ?? 0) : 0))));
    const life = lifetimes(input, allocN);
    const out: TableRow[] = [];
    for (let key = 0; key < grouping.count; key++) {
        if (total[key] <= 0 && alloc[key] <= 0 && peak[key] <= 0) continue;
        out.push({
            key, self: self[key], total: total[key], count: count[key], average: count[key] > 0 ? bytes[key] / count[key] : 0, peak: peak[key], leak: leak[key],
            alloc: alloc[key], tempShare: allocN[key] > 0 ? Math.min(1, tmp[key] / allocN[key]) : 0, lifetime_ns: life[key],
        });
    }
    return out;
}

const FIELDS: Record<string, keyof TableRow> = {
    self: 'self', total: 'total', count: 'count', average: 'average', peak: 'peak', leak: 'leak', alloc: 'alloc', temp: 'tempShare', life: 'lifetime_ns',
};

export function sortRows(rows: TableRow[], sort: string, name: (key: number) => string): TableRow[] {
    const [field, direction] = sort.split('.');
    const sign = direction === 'a' ? 1 : -1;
    if (field === 'name') {
        const texts = new Map(rows.map((row) => [row.key, name(row.key)]));
        return rows.sort((x, y) => sign * ((texts.get(x.key) ?? '') < (texts.get(y.key) ?? '') ? -1 : 1));
    }
    const key = FIELDS[field] ?? 'self';
    const values = new Float64Array(rows.length);
    const order = new Uint32Array(rows.length);
    rows.forEach((row, at) => {
        values[at] = sign * row[key];
        order[at] = at;
    });
    order.sort((x, y) => values[x] - values[y] || rows[y].total - rows[x].total || rows[x].key - rows[y].key);
    return Array.from(order, (at) => rows[at]);
}
