// SPDX-License-Identifier: Apache-2.0
// The table view: the same figures by function, line, file, module or site, sortable, filtered by the search, saved as CSV.
import { computed } from '@preact/signals';
import { focusNode, saveFile, sandwich, selectFunction, selectSite, setView, update } from '../actions';
import { csvField, formatBytes, formatCount, formatDuration, formatPercent, formatValue, formatValueExact, visible } from '../format';
import { GROUPS } from '../fragment';
import type { GroupBy } from '../query/grouping';
import { sortRows, tableRows, type TableRow } from '../query/tablerows';
import * as state from '../state';
import { Details } from './details';
import { Grid, type GridColumn } from './grid';
import { Place } from './place';

const GROUP_NAMES: Record<GroupBy, string> = { function: 'function', line: 'file:line', file: 'file', module: 'module', site: 'site (whole stack)' };
const DEFAULT_SORT = 'self.d';

const groupBy = computed(() => state.page.value.groupBy);
const sortState = computed(() => state.page.value.sort || DEFAULT_SORT);

/** Name of a group, by what the table is grouped. */
function nameOf(key: number): string {
    const data = state.body.value;
    const grouping = state.groupingOf(groupBy.value);
    if (!data || !grouping) return '';
    const node = grouping.sample[key];
    if (groupBy.value === 'function') return data.labels.func(key);
    if (groupBy.value === 'module') return data.labels.moduleName(key);
    if (groupBy.value === 'file') return data.labels.file(data.labels.funcOfNode(node)) || data.labels.func(data.labels.funcOfNode(node));
    if (groupBy.value === 'line') return data.labels.place(node);
    return data.labels.func(data.labels.funcOfNode(node));
}

/** The same, as short as it stays recognisable. */
function shortOf(key: number): string {
    const data = state.body.value;
    const grouping = state.groupingOf(groupBy.value);
    if (!data || !grouping) return '';
    if (groupBy.value === 'function') return data.labels.short(key);
    if (groupBy.value === 'site') return data.labels.short(data.labels.funcOfNode(grouping.sample[key]));
    return nameOf(key);
}

function placeOf(key: number): string {
    const data = state.body.value;
    const grouping = state.groupingOf(groupBy.value);
    if (!data || !grouping || grouping.sample[key] < 0) return '';
    const node = grouping.sample[key];
    if (groupBy.value === 'line' || groupBy.value === 'file') return data.labels.short(data.labels.funcOfNode(node));
    if (groupBy.value === 'module') return '';
    if (groupBy.value === 'function') return data.labels.file(key) || data.labels.module(key);
    return data.labels.place(node);
}

const allRows = computed<TableRow[]>(() => {
    const data = state.body.value;
    const grouping = state.groupingOf(groupBy.value);
    const sums = state.values.value;
    const values = state.scopedValues.value;
    const [peak, leak, alloc] = [state.sumsOf('peak'), state.sumsOf('leak'), state.sumsOf('alloc')];
    if (!data || !grouping || !sums || !values || !peak || !leak || !alloc) return [];
    return tableRows({
        grouping, names: data.names, rows: data.rows, values, counts: state.narrowed(sums.n), bytes: state.narrowed(sums.bytes), peak, leak, alloc,
        tmpN: state.stats.value?.siteTmpN ?? [], lifeP50: state.stats.value?.siteLifeP50 ?? [], pick: state.pickUnit, narrow: state.narrowed,
    });
});

const shownRows = computed<TableRow[]>(() => {
    const text = state.search.value;
    let rows = allRows.value.slice();
    if (text !== '') {
        const test = state.matcher(text);
        const hits = state.matches.value;
        rows = rows.filter((row) => (groupBy.value === 'function' && hits ? hits[row.key] === 1 : test(nameOf(row.key)) || test(placeOf(row.key))));
    }
    return sortRows(rows, sortState.value, nameOf);
});

function amount(value: number) {
    return <span title={formatValueExact(value, state.unit.value)} class={value === 0 ? 'muted' : ''}>{value === 0 ? '–' : formatValue(value, state.unit.value)}</span>;
}

function columns(): GridColumn<TableRow>[] {
    const total = state.scopedTotal.value;
    const number = { numeric: true };
    return [
        {
            id: 'name', title: GROUP_NAMES[groupBy.value], width: 'minmax(220px, 1fr)',
            cell: (row) => (
                <span class="named">
                    <span class="name" title={nameOf(row.key).slice(0, 800)}>{shortOf(row.key)}</span>
                    <Place at={placeOf(row.key)} />
                </span>
            ),
        },
        { id: 'self', title: 'Own', help: 'Allocated by it directly, or through allocators and libraries that it calls', width: '84px', ...number, cell: (row) => amount(row.self) },
        {
            id: 'total', title: 'With callees', help: 'Allocated by it and all it calls; recursion counted once', width: '138px', ...number,
            cell: (row) => (
                <span class="with-bar">
                    {amount(row.total)} <span class="percent">{formatPercent(row.total, total)}</span>
                </span>
            ),
        },
        { id: 'count', title: 'Blocks', help: 'Own blocks of the chosen metric', width: '76px', ...number, cell: (row) => (row.count === 0 ? <span class="muted">–</span> : formatCount(row.count)) },
        { id: 'average', title: 'Average', width: '82px', ...number, cell: (row) => (row.count === 0 ? <span class="muted">–</span> : formatBytes(row.average)) },
        { id: 'peak', title: 'At peak', width: '82px', ...number, cell: (row) => amount(row.peak) },
        { id: 'leak', title: 'Never freed', width: '96px', ...number, cell: (row) => amount(row.leak) },
        { id: 'alloc', title: 'Allocated', width: '84px', ...number, cell: (row) => amount(row.alloc) },
        { id: 'temp', title: 'Temporary', help: "Share of own blocks freed before the same thread's next allocation, whole run", width: '84px', ...number, cell: (row) => (row.tempShare === 0 ? <span class="muted">–</span> : formatPercent(row.tempShare, 1)) },
        { id: 'life', title: 'Lifetime', help: 'Median lifetime of freed blocks, whole run', width: '82px', ...number, cell: (row) => (row.lifetime_ns === 0 ? <span class="muted">–</span> : formatDuration(row.lifetime_ns)) },
    ];
}

function saveCsv(): void {
    const unit = state.unit.value;
    const header = [GROUP_NAMES[groupBy.value], 'place', `own_${unit}`, `total_${unit}`, 'blocks', 'average_bytes', `peak_${unit}`, `never_freed_${unit}`, `allocated_${unit}`, 'temporary_share', 'lifetime_ns'];
    const lines = shownRows.value.map((row) =>
        [nameOf(row.key), placeOf(row.key), row.self, row.total, row.count, Math.round(row.average), row.peak, row.leak, row.alloc, Number(row.tempShare.toFixed(4)), Math.round(row.lifetime_ns)].map(csvField).join(','),
    );
    const about = csvField(`${unit} ${state.scopeText.value}`);
    saveFile('memscope-table.csv', 'text/csv', `# ${about}\n${header.map(csvField).join(',')}\n${lines.join('\n')}\n`);
}

function choose(row: TableRow): void {
    const data = state.body.value;
    const grouping = state.groupingOf(groupBy.value);
    if (!data || !grouping) return;
    if (groupBy.value === 'function') selectFunction(row.key);
    else if (groupBy.value === 'site') selectSite(row.key);
    else if (grouping.sample[row.key] >= 0) selectFunction(data.labels.funcOfNode(grouping.sample[row.key]));
}

function open(row: TableRow): void {
    if (groupBy.value === 'function') sandwich(row.key);
    else if (groupBy.value === 'site') {
        const tree = state.tree.value;
        if (tree) focusNode(tree.ofSite[row.key]);
        setView('flame');
    }
}

export function TableView() {
    const rows = shownRows.value;
    return (
        <div class={`split ${state.selection.value ? '' : 'split-alone'}`}>
            <div class="table">
                <div class="bar">
                    <div class="switch" role="group" aria-label="Group by">
                        {GROUPS.map((by) => (
                            <button type="button" key={by} aria-pressed={groupBy.value === by} onClick={() => update({ groupBy: by }, 'push')}>{GROUP_NAMES[by]}</button>
                        ))}
                    </div>
                    <span class="muted" data-testid="table-count">{formatCount(rows.length)} of {formatCount(allRows.value.length)} rows</span>
                    <span class="grow" />
                    <button type="button" onClick={saveCsv}>Save CSV</button>
                </div>
                <Grid
                    label={`Memory by ${GROUP_NAMES[groupBy.value]}, ${visible(state.scopeText.value)}`}
                    columns={columns()}
                    rows={rows}
                    rowKey={(row) => row.key}
                    sort={sortState.value}
                    onSort={(sort) => update({ sort: sort === DEFAULT_SORT ? '' : sort }, 'push')}
                    onChoose={choose}
                    onOpen={open}
                />
                {rows.length === 0 && <p class="nothing">No row {state.search.value ? 'matches the search' : `is ${state.scopeText.value}`}.</p>}
            </div>
            <Details />
        </div>
    );
}
