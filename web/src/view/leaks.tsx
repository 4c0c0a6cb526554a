// SPDX-License-Identifier: Apache-2.0
// What was never freed: functions by bytes with a verdict on their shape, their history, and what the user's suppressions hid.
import { computed, signal } from '@preact/signals';
import { sandwich } from '../actions';
import type { Stats } from '../data/stats';
import { formatBytes, formatCount, formatRate, formatShare, formatTime, formatValue, formatValueExact, visible } from '../format';
import { liveSeries } from '../query/series';
import * as state from '../state';
import { Details } from './details';
import { Grid, type GridColumn } from './grid';
import { Spark } from './spark';
import { Place } from './place';

const CLASSES = [
    { name: 'unclear', tone: 'low', help: 'No clear shape.' },
    { name: 'growing', tone: 'high', help: 'Bytes rise on a straight line until the end: a leak, or a cache without a bound.' },
    { name: 'plateau', tone: 'good', help: 'Grew, then stopped: a cache that is full.' },
    { name: 'one-off', tone: 'good', help: 'Allocated once and kept.' },
    { name: 'start-up', tone: 'good', help: 'Allocated while the program started.' },
    { name: 'burst', tone: 'medium', help: 'Left behind by one short moment.' },
];

/** The sites that are named after one function, together. */
interface LeakRow {
    func: number;
    sites: number[];
    /** Of its heaviest site. */
    heaviest: number;
    verdict: number;
    suppressed: boolean;
    value: number;
    heaviestValue: number;
    blocks: number;
    bytes: number;
    /** Of the sites that the leak table lists, and their bytes. */
    slope: number;
    listedBytes: number;
    r2: number;
    first_ns: number;
    last_ns: number;
}

const sort = signal('shape.d');
const showSuppressed = signal(false);
const curves = new Map<number, { sites: number; live: Float64Array }>();

const GROWING = 1;
/** Verdicts from the one to look at first. */
const SHAPE_ORDER = [GROWING, 5, 0, 2, 3, 4];

function curveOf(row: LeakRow): Float64Array {
    const data = state.body.value;
    let curve = curves.get(row.func);
    if ((!curve || curve.sites !== row.sites.length) && data) {
        curve = { sites: row.sites.length, live: liveSeries(data.rows, 'bytes', row.sites, null) };
        curves.set(row.func, curve);
    }
    return curve?.live ?? new Float64Array(0);
}

function emptyRow(func: number, site: number): LeakRow {
    return {
        func, sites: [], heaviest: site, verdict: 0, suppressed: false, value: 0, heaviestValue: -1, blocks: 0, bytes: 0, slope: 0, listedBytes: 0, r2: 0, first_ns: Infinity, last_ns: 0,
    };
}

/** Adds what the report's leak table says of a site to the row of its function. */
function addVerdict(row: LeakRow, extra: Stats, index: number): void {
    row.slope += extra.leakSlope[index] ?? 0;
    row.listedBytes += extra.leakBytes[index] ?? 0;
    row.r2 = Math.max(row.r2, extra.leakR2[index] ?? 0);
    row.first_ns = Math.min(row.first_ns, extra.leakFirst[index]);
    row.last_ns = Math.max(row.last_ns, extra.leakLast[index]);
}

/** Functions with never-freed blocks in the window, after filters. */
const all = computed<LeakRow[]>(() => {
    const extra = state.stats.value;
    const data = state.body.value;
    const sums = state.sumsOf('leak');
    if (!extra || !data || !sums) return [];
    const indexOf = new Map(Array.from(extra.leakSite, (site, index) => [site, index]));
    const rows = new Map<number, LeakRow>();
    state.narrowed(state.pickUnit(sums)).forEach((value, site) => {
        const index = indexOf.get(site);
        const suppressed = index !== undefined && extra.leakSuppr[index] > 0;
        if (value <= 0 || (suppressed && !showSuppressed.value)) return;
        const func = data.labels.funcOfNode(data.owners[site]);
        const row = rows.get(func) ?? emptyRow(func, site);
        rows.set(func, row);
        row.sites.push(site);
        row.value += value;
        row.blocks += sums.n[site];
        row.bytes += sums.bytes[site];
        if (index !== undefined) addVerdict(row, extra, index);
        if (value > row.heaviestValue) {
            row.heaviestValue = value;
            row.heaviest = site;
            row.verdict = index === undefined ? 0 : extra.leakClass[index];
        }
    });
    return [...rows.values()];
});

/** Growth of the whole function: the table may leave out small sites, whose share goes by bytes. */
function growthOf(row: LeakRow): number {
    if (row.verdict !== GROWING || row.listedBytes <= 0) return 0;
    return row.slope * Math.max(1, row.bytes / row.listedBytes);
}

function classOf(row: LeakRow): (typeof CLASSES)[number] {
    return CLASSES[row.verdict] ?? CLASSES[0];
}

const SORTS: Record<string, (row: LeakRow) => number> = {
    bytes: (row) => row.value, blocks: (row) => row.blocks, shape: (row) => -SHAPE_ORDER.indexOf(row.verdict), slope: growthOf,
    first: (row) => row.first_ns, last: (row) => row.last_ns,
};

const shown = computed<LeakRow[]>(() => {
    const data = state.body.value;
    if (!data) return [];
    const hits = state.matches.value;
    const inStack = (site: number): boolean => {
        for (let at = data.rows.siteNode[site]; hits && at > 0; at = data.names.nodeParent[at]) if (hits[data.labels.funcOfNode(at)] === 1) return true;
        return false;
    };
    const rows = all.value.filter((row) => !hits || row.sites.some(inStack));
    const [field, direction] = sort.value.split('.');
    const sign = direction === 'a' ? 1 : -1;
    const valueOf = SORTS[field] ?? SORTS.bytes;
    return rows.sort((x, y) => sign * (valueOf(x) - valueOf(y)) || y.value - x.value || x.func - y.func);
});

function columns(): GridColumn<LeakRow>[] {
    const data = state.body.value;
    const total = all.value.reduce((sum, row) => sum + row.value, 0);
    const unit = state.unit.value;
    if (!data) return [];
    const { labels } = data;
    return [
        {
            id: 'name', title: 'Function', width: 'minmax(240px, 1fr)', sortable: false,
            cell: (row) => (
                <span class="named">
                    <span class="name" title={labels.func(row.func).slice(0, 800)}>{labels.short(row.func)}</span>
                    <Place at={labels.place(data.owners[row.heaviest])}>{row.sites.length > 1 && ` · ${formatCount(row.sites.length)} stacks`}</Place>
                </span>
            ),
        },
        { id: 'bytes', title: 'Never freed', width: '112px', numeric: true, cell: (row) => <span title={formatValueExact(row.value, unit)}>{formatValue(row.value, unit)}</span> },
        { id: 'share', title: 'Share', width: '64px', numeric: true, sortable: false, cell: (row) => <span class="percent">{formatShare(row.value, total)}</span> },
        { id: 'blocks', title: 'Blocks', width: '76px', numeric: true, cell: (row) => formatCount(row.blocks) },
        {
            id: 'shape', title: 'Shape', width: '92px',
            cell: (row) => {
                const verdict = classOf(row);
                return <span class={`tag tag-${verdict.tone}`} title={verdict.help}>{verdict.name}</span>;
            },
        },
        { id: 'curve', title: 'Live over the run', width: '138px', sortable: false, cell: (row) => <Spark series={curveOf(row)} width={120} height={20} label="Live memory of this function" /> },
        {
            id: 'slope', title: 'Growth', help: 'Over the last half of the run, with its fit R²', width: '108px', numeric: true,
            cell: (row) => (row.verdict === GROWING ? <span title={`R² ${row.r2.toFixed(2)}`}>{formatRate(growthOf(row))}</span> : <span class="muted">–</span>),
        },
        { id: 'first', title: 'First', width: '74px', numeric: true, cell: (row) => (row.last_ns > 0 ? formatTime(row.first_ns) : '–') },
        { id: 'last', title: 'Last', width: '74px', numeric: true, cell: (row) => (row.last_ns > 0 ? formatTime(row.last_ns) : '–') },
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

function choose(row: LeakRow): void {
    const data = state.body.value;
    if (!data) return;
    const node = row.sites.length === 1 ? data.rows.siteNode[row.heaviest] : data.owners[row.heaviest];
    state.selection.value = { func: row.func, node, treeNode: -1, sites: Int32Array.from(row.sites) };
}

export function LeaksView() {
    const rows = shown.value;
    if (state.stats.value === null) return <p class="waiting">Reading…</p>;
    return (
        <div class={`split ${state.selection.value ? '' : 'split-alone'}`}>
            <div class="table">
                <div class="toolbar"><Summary /><span class="grow" /><Suppressions /></div>
                <Grid
                    label="Functions with blocks that were never freed"
                    columns={columns()}
                    rows={rows}
                    rowKey={(row) => row.func}
                    sort={sort.value}
                    onSort={(next) => (sort.value = next)}
                    chosen={state.selection.value?.func ?? null}
                    onChoose={choose}
                    onOpen={(row) => sandwich(row.func)}
                />
                {rows.length === 0 && <p class="nothing">{all.value.length === 0 ? 'Nothing here: all of it was freed.' : 'Nothing is left after the search.'}</p>}
            </div>
            <Details />
        </div>
    );
}
