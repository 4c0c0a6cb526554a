// SPDX-License-Identifier: Apache-2.0
// What was never freed: sites by bytes with a verdict on their shape, their history, and what the user's suppressions hid.
import { computed, signal } from '@preact/signals';
import { selectSite } from '../actions';
import type { Stats } from '../data/stats';
import { formatBytes, formatCount, formatPercent, formatRate, formatTime, formatValue, formatValueExact, visible } from '../format';
import { liveSeries } from '../query/series';
import * as state from '../state';
import { Details } from './details';
import { Grid, type GridColumn } from './grid';
import { Spark } from './spark';

const CLASSES = [
    { name: 'unclear', tone: 'low', help: 'No clear shape.' },
    { name: 'growing', tone: 'high', help: 'Bytes rise on a straight line until the end: a leak, or a cache without a bound.' },
    { name: 'plateau', tone: 'good', help: 'Grew, then stopped: a cache that is full.' },
    { name: 'one-off', tone: 'good', help: 'Allocated once and kept.' },
    { name: 'start-up', tone: 'good', help: 'Allocated while the program started.' },
    { name: 'burst', tone: 'medium', help: 'Left behind by one short moment.' },
];

interface LeakRow {
    site: number;
    /** Row of the report's leak table, −1 when it has none for this site. */
    index: number;
    value: number;
    blocks: number;
    bytes: number;
}

const sort = signal('bytes.d');
const showSuppressed = signal(false);
const curves = new Map<number, Float64Array>();

function curveOf(site: number): Float64Array {
    const data = state.body.value;
    let curve = curves.get(site);
    if (!curve && data) {
        curve = liveSeries(data.rows, 'bytes', [site], null);
        curves.set(site, curve);
    }
    return curve ?? new Float64Array(0);
}

/** The nearest frame of the program's own code, and the allocating one. */
function namesOf(site: number): { own: string; short: string; via: string; place: string } {
    const data = state.body.value;
    if (!data) return { own: '', short: '', via: '', place: '' };
    const leaf = data.rows.siteNode[site];
    const own = data.owners[site];
    return { own: data.labels.func(data.labels.funcOfNode(own)), short: data.labels.short(data.labels.funcOfNode(own)), via: own === leaf ? '' : data.labels.short(data.labels.funcOfNode(leaf)), place: data.labels.place(own) };
}

/** Sites with never-freed blocks in the window, after filters. */
const all = computed<LeakRow[]>(() => {
    const extra = state.stats.value;
    const sums = state.sumsOf('leak');
    if (!extra || !sums) return [];
    const indexOf = new Map(Array.from(extra.leakSite, (site, index) => [site, index]));
    const values = state.narrowed(state.pickUnit(sums));
    const rows: LeakRow[] = [];
    values.forEach((value, site) => {
        if (value > 0) rows.push({ site, index: indexOf.get(site) ?? -1, value, blocks: sums.n[site], bytes: sums.bytes[site] });
    });
    return rows;
});

function classOf(row: LeakRow): (typeof CLASSES)[number] {
    return CLASSES[state.stats.value?.leakClass[row.index] ?? 0] ?? CLASSES[0];
}

const SORTS: Record<string, (row: LeakRow, extra: Stats) => number> = {
    bytes: (row) => row.value, blocks: (row) => row.blocks, shape: (row, extra) => extra.leakClass[row.index] ?? 0, slope: (row, extra) => extra.leakSlope[row.index] ?? 0,
    first: (row, extra) => extra.leakFirst[row.index] ?? 0, last: (row, extra) => extra.leakLast[row.index] ?? 0,
};

const shown = computed<LeakRow[]>(() => {
    const extra = state.stats.value;
    const data = state.body.value;
    if (!extra || !data) return [];
    const hits = state.matches.value;
    const inStack = (site: number): boolean => {
        for (let at = data.rows.siteNode[site]; hits && at > 0; at = data.names.nodeParent[at]) if (hits[data.labels.funcOfNode(at)] === 1) return true;
        return !hits;
    };
    const rows = all.value.filter((row) => (showSuppressed.value || !(extra.leakSuppr[row.index] > 0)) && inStack(row.site));
    const [field, direction] = sort.value.split('.');
    const sign = direction === 'a' ? 1 : -1;
    const valueOf = SORTS[field] ?? SORTS.bytes;
    return rows.sort((x, y) => sign * (valueOf(x, extra) - valueOf(y, extra)) || y.value - x.value || x.site - y.site);
});

function columns(): GridColumn<LeakRow>[] {
    const extra = state.stats.value;
    const total = all.value.reduce((sum, row) => sum + row.value, 0);
    const unit = state.unit.value;
    if (!extra) return [];
    return [
        {
            id: 'name', title: 'Site', width: 'minmax(240px, 1fr)', sortable: false,
            cell: (row) => {
                const names = namesOf(row.site);
                return (
                    <span class="named">
                        <span class="name" title={names.own.slice(0, 800)}>{names.short}</span>
                        <span class="muted place">{names.place}{names.via && ` · via ${names.via}`}</span>
                    </span>
                );
            },
        },
        { id: 'bytes', title: 'Never freed', width: '112px', numeric: true, cell: (row) => <span title={formatValueExact(row.value, unit)}>{formatValue(row.value, unit)}</span> },
        { id: 'share', title: 'Share', width: '64px', numeric: true, sortable: false, cell: (row) => <span class="percent">{formatPercent(row.value, total)}</span> },
        { id: 'blocks', title: 'Blocks', width: '76px', numeric: true, cell: (row) => formatCount(row.blocks) },
        {
            id: 'shape', title: 'Shape', width: '92px',
            cell: (row) => {
                const verdict = classOf(row);
                return <span class={`tag tag-${verdict.tone}`} title={verdict.help}>{verdict.name}</span>;
            },
        },
        { id: 'curve', title: 'Live over the run', width: '138px', sortable: false, cell: (row) => <Spark series={curveOf(row.site)} width={120} height={20} label="Live memory of this site" /> },
        {
            id: 'slope', title: 'Growth', help: 'Over the last half of the run, with its fit R²', width: '108px', numeric: true,
            cell: (row) => (extra.leakClass[row.index] === 1 ? <span title={`R² ${(extra.leakR2[row.index] ?? 0).toFixed(2)}`}>{formatRate(extra.leakSlope[row.index] ?? 0)}</span> : <span class="muted">–</span>),
        },
        { id: 'first', title: 'First', width: '74px', numeric: true, cell: (row) => (row.index < 0 ? '–' : formatTime(extra.leakFirst[row.index])) },
        { id: 'last', title: 'Last', width: '74px', numeric: true, cell: (row) => (row.index < 0 ? '–' : formatTime(extra.leakLast[row.index])) },
    ];
}

function Summary() {
    const head = state.head.value;
    if (!head) return null;
    const sums = new Map(CLASSES.map((verdict) => [verdict, 0]));
    let [bytes, blocks] = [0, 0];
    for (const row of all.value) {
        sums.set(classOf(row), (sums.get(classOf(row)) ?? 0) + row.bytes);
        bytes += row.bytes;
        blocks += row.blocks;
    }
    const scope = state.describeMetric('leak', head.timeline, state.window_.value, state.slices.value);
    return (
        <p class="leak-summary" data-testid="leak-summary" data-value={bytes}>
            <b>{formatBytes(bytes)}</b> in {formatCount(blocks)} blocks, {scope}.
            {CLASSES.map((verdict) => ((sums.get(verdict) ?? 0) > 0 ? <span key={verdict.name} class={`tag tag-${verdict.tone}`} title={`${verdict.help} Judged over the whole run.`}>{verdict.name} {formatBytes(sums.get(verdict) ?? 0)}</span> : null))}
        </p>
    );
}

function Suppressions() {
    const list = state.head.value?.manifest.suppressions ?? [];
    if (list.length === 0) return null;
    return (
        <details class="suppressions">
            <summary>{list.length} {list.length === 1 ? 'suppression' : 'suppressions'}</summary>
            <ul>
                {list.map((entry, i) => (
                    <li key={i}><code>{visible(entry.pattern)}</code> hid {formatBytes(entry.bytes)} in {formatCount(entry.n)} blocks {entry.reason && <span class="muted">({visible(entry.reason)})</span>}</li>
                ))}
            </ul>
            <label class="tick"><input type="checkbox" checked={showSuppressed.value} onChange={() => (showSuppressed.value = !showSuppressed.value)} /> list them too</label>
        </details>
    );
}

export function LeaksView() {
    const rows = shown.value;
    if (state.stats.value === null) return <p class="waiting">Reading…</p>;
    return (
        <div class={`split ${state.selection.value ? '' : 'split-alone'}`}>
            <div class="table">
                <div class="toolbar"><Summary /><span class="grow" /><Suppressions /></div>
                <Grid
                    label="Sites with blocks that were never freed"
                    columns={columns()}
                    rows={rows}
                    rowKey={(row) => row.site}
                    sort={sort.value}
                    onSort={(next) => (sort.value = next)}
                    chosen={state.selection.value?.sites.length === 1 ? state.selection.value.sites[0] : null}
                    onChoose={(row) => selectSite(row.site)}
                />
                {rows.length === 0 && <p class="nothing">{all.value.length === 0 ? 'Nothing here: all of it was freed.' : 'No site is left after search and suppressions.'}</p>}
            </div>
            <Details />
        </div>
    );
}
