// SPDX-License-Identifier: Apache-2.0
// What was never freed: sites by bytes with a verdict on their shape, their history, and what the user's suppressions hid.
import { computed, signal } from '@preact/signals';
import { selectSite } from '../actions';
import { formatBytes, formatCount, formatExact, formatPercent, formatRate, formatTime, visible } from '../format';
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
    index: number;
    site: number;
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
    let own = leaf;
    for (let at = leaf; at > 0; at = data.names.nodeParent[at]) {
        const kind = data.labels.moduleKind(data.labels.funcOfNode(at));
        if (kind === 0 || kind === 1 || kind === 5) {
            own = at;
            break;
        }
    }
    return { own: data.labels.func(data.labels.funcOfNode(own)), short: data.labels.short(data.labels.funcOfNode(own)), via: own === leaf ? '' : data.labels.short(data.labels.funcOfNode(leaf)), place: data.labels.place(own) };
}

const all = computed<LeakRow[]>(() => {
    const extra = state.stats.value;
    if (!extra) return [];
    return Array.from({ length: extra.leakSite.length }, (_, index) => ({ index, site: extra.leakSite[index] }));
});

const shown = computed<LeakRow[]>(() => {
    const extra = state.stats.value;
    const data = state.body.value;
    if (!extra || !data) return [];
    const hits = state.matches.value;
    const mask = state.siteMask.value;
    const inStack = (site: number): boolean => {
        for (let at = data.rows.siteNode[site]; hits && at > 0; at = data.names.nodeParent[at]) if (hits[data.labels.funcOfNode(at)] === 1) return true;
        return !hits;
    };
    const rows = all.value.filter((row) => (showSuppressed.value || !(extra.leakSuppr[row.index] > 0)) && (!mask || mask[row.site] === 1) && inStack(row.site));
    const [field, direction] = sort.value.split('.');
    const sign = direction === 'a' ? 1 : -1;
    const columns: Record<string, ArrayLike<number>> = { bytes: extra.leakBytes, blocks: extra.leakN, slope: extra.leakSlope, first: extra.leakFirst, last: extra.leakLast, shape: extra.leakClass };
    const values = columns[field] ?? extra.leakBytes;
    return rows.sort((x, y) => sign * (values[x.index] - values[y.index]) || x.index - y.index);
});

function columns(): GridColumn<LeakRow>[] {
    const extra = state.stats.value;
    const total = state.head.value?.manifest.totals.leak_bytes ?? 0;
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
        { id: 'bytes', title: 'Never freed', width: '112px', numeric: true, cell: (row) => <span title={`${formatExact(extra.leakBytes[row.index])} bytes`}>{formatBytes(extra.leakBytes[row.index])}</span> },
        { id: 'share', title: 'Share', width: '64px', numeric: true, sortable: false, cell: (row) => <span class="percent">{formatPercent(extra.leakBytes[row.index], total)}</span> },
        { id: 'blocks', title: 'Blocks', width: '76px', numeric: true, cell: (row) => formatCount(extra.leakN[row.index]) },
        {
            id: 'shape', title: 'Shape', width: '92px',
            cell: (row) => {
                const verdict = CLASSES[extra.leakClass[row.index]] ?? CLASSES[0];
                return <span class={`tag tag-${verdict.tone}`} title={verdict.help}>{verdict.name}</span>;
            },
        },
        { id: 'curve', title: 'Live over the run', width: '138px', sortable: false, cell: (row) => <Spark series={curveOf(row.site)} width={120} height={20} label="Live memory of this site" /> },
        {
            id: 'slope', title: 'Growth', help: 'Over the last half of the run, with its fit R²', width: '108px', numeric: true,
            cell: (row) => (extra.leakClass[row.index] === 1 ? <span title={`R² ${extra.leakR2[row.index].toFixed(2)}`}>{formatRate(extra.leakSlope[row.index])}</span> : <span class="muted">–</span>),
        },
        { id: 'first', title: 'First', width: '74px', numeric: true, cell: (row) => formatTime(extra.leakFirst[row.index]) },
        { id: 'last', title: 'Last', width: '74px', numeric: true, cell: (row) => formatTime(extra.leakLast[row.index]) },
    ];
}

function Summary() {
    const extra = state.stats.value;
    const head = state.head.value;
    if (!extra || !head) return null;
    const { totals } = head.manifest;
    const sums = CLASSES.map(() => 0);
    all.value.forEach((row) => (sums[extra.leakClass[row.index]] += extra.leakBytes[row.index]));
    return (
        <p class="leak-summary">
            <b>{formatBytes(totals.leak_bytes)}</b> in {formatCount(totals.leak_n)} blocks was never freed, of the whole run and all threads.
            {CLASSES.map((verdict, i) => (sums[i] > 0 ? <span key={verdict.name} class={`tag tag-${verdict.tone}`} title={verdict.help}>{verdict.name} {formatBytes(sums[i])}</span> : null))}
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
                {rows.length === 0 && <p class="nothing">{all.value.length === 0 ? 'Everything was freed.' : 'No site is left after search and suppressions.'}</p>}
            </div>
            <Details />
        </div>
    );
}
