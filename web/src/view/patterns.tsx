// SPDX-License-Identifier: Apache-2.0
// How the program allocates: sizes, lifetimes, both against time and each other, and blocks that grow by realloc. Whole run.
import { computed, signal } from '@preact/signals';
import { selectSite, setView, setWindow } from '../actions';
import { formatBytes, formatCount, formatDuration, formatPercent, formatShare, formatTime } from '../format';
import { heatOf } from '../query/heat';
import * as state from '../state';
import { Bars } from './bars';
import { Grid, ROW_PX, type GridColumn } from './grid';
import { HeatMap } from './heatmap';
import { Place } from './place';

const heats = computed(() => {
    const extra = state.stats.value;
    if (!extra) return null;
    const [sizes, lives, times] = [extra.sizeClass.length, extra.lifeClass.length, extra.heatSlice.length];
    return { sizeTime: heatOf(extra.sizeTimeN, sizes, times), lifeTime: heatOf(extra.lifeTimeN, lives, times), sizeLife: heatOf(extra.sizeLifeN, sizes, lives) };
});

/** Times of the heat maps' columns, ns, one more than columns. */
const columnTimes = computed(() => {
    const extra = state.stats.value;
    const head = state.head.value;
    if (!extra || !head) return [0, 1];
    const { edge_ns } = head.timeline;
    return [...Array.from(extra.heatSlice, (slice) => edge_ns[slice] ?? 0), edge_ns[edge_ns.length - 1]];
});

function pickTime(column: number): void {
    const extra = state.stats.value;
    if (!extra) return;
    const until = column + 1 < extra.heatSlice.length ? extra.heatSlice[column + 1] : state.slices.value;
    setWindow({ i0: extra.heatSlice[column], i1: until }, 'push');
}

const sort = signal('count.d');

interface ReallocRow {
    site: number;
    count: number;
    moved: number;
    blocks: number;
}

const reallocs = computed<ReallocRow[]>(() => {
    const extra = state.stats.value;
    const data = state.body.value;
    if (!extra || !data) return [];
    const rows: ReallocRow[] = [];
    for (let site = 0; site < extra.siteReallocN.length; site++) {
        const count = extra.siteReallocN[site];
        if (count > 0) rows.push({ site, count, moved: extra.siteMovedBytes[site] ?? 0, blocks: extra.siteSamplesN[site] ?? 0 });
    }
    const [field, direction] = sort.value.split('.');
    const sign = direction === 'a' ? 1 : -1;
    const key = field === 'moved' ? 'moved' : 'count';
    return rows.sort((x, y) => sign * (x[key] - y[key]));
});

function reallocColumns(): GridColumn<ReallocRow>[] {
    const data = state.body.value;
    if (!data) return [];
    const nodeOf = (row: ReallocRow): number => data.owners[row.site];
    return [
        { id: 'name', title: 'Site', width: 'minmax(240px, 1fr)', sortable: false, cell: (row) => <span class="named"><span class="name">{data.labels.short(data.labels.funcOfNode(nodeOf(row)))}</span><Place at={data.labels.place(nodeOf(row))} /></span> },
        { id: 'count', title: 'Reallocs', width: '96px', numeric: true, cell: (row) => formatCount(row.count) },
        { id: 'share', title: 'Of its blocks', width: '104px', numeric: true, sortable: false, cell: (row) => formatShare(row.count, row.blocks) },
        { id: 'moved', title: 'Bytes copied', width: '104px', numeric: true, cell: (row) => (row.moved > 0 ? formatBytes(row.moved) : <span class="muted">–</span>) },
    ];
}

export function PatternsView() {
    const extra = state.stats.value;
    const head = state.head.value;
    const maps = heats.value;
    if (!extra || !head || !maps) return <p class="waiting">Reading…</p>;
    const unit = state.unit.value;
    const size = (row: number): string => formatBytes(extra.sizeClass[row] ?? 0);
    const life = (row: number): string => formatDuration(extra.lifeClass[row] ?? 0);
    const time = (column: number): string => formatTime(columnTimes.value[column] ?? 0);
    const { totals } = head.manifest;
    return (
        <div class="patterns">
            <p class="lead">
                {formatCount(totals.alloc_n)} blocks of {formatBytes(totals.alloc_n > 0 ? totals.alloc_bytes / totals.alloc_n : 0)} on average, the largest {formatBytes(totals.max_block_bytes)};
                {' '}{formatPercent(totals.tmp_n, totals.alloc_n)} temporary; {formatCount(totals.realloc_n)} reallocs. <span class="muted">Figures here are of the whole run and all threads.</span>
            </p>
            <div class="cards">
                <section class="card" aria-label="Block sizes"><h2>Block sizes</h2><Bars bounds={extra.sizeClass} values={unit === 'bytes' ? extra.sizeHistBytes : extra.sizeHistN} format={formatBytes} unit={unit} height={130} /></section>
                <section class="card" aria-label="Lifetimes"><h2>Lifetimes of freed blocks</h2><Bars bounds={extra.lifeClass} values={unit === 'bytes' ? extra.lifeHistBytes : extra.lifeHistN} format={formatDuration} unit={unit} height={130} /></section>
                <HeatMap title="Size over time" heat={maps.sizeTime} rowLabel={size} columnLabel={time} columnEdges={columnTimes.value} onPick={(_, column) => pickTime(column)} pickHint="click sets the window to that time" />
                <HeatMap title="Lifetime over time of the free" heat={maps.lifeTime} rowLabel={life} columnLabel={time} columnEdges={columnTimes.value} onPick={(_, column) => pickTime(column)} pickHint="click sets the window to that time" />
                <HeatMap title="Size by lifetime" heat={maps.sizeLife} rowLabel={size} columnLabel={life} />
                <section class="card" aria-label="Growth by realloc">
                    <h2>Growth by realloc <span class="card-total">{formatCount(totals.realloc_n)}</span></h2>
                    {reallocs.value.length === 0 ? (
                        <p class="muted">No block was reallocated.</p>
                    ) : (
                        <div class="owner-grid" style={{ height: `${(Math.min(8, reallocs.value.length) + 1) * ROW_PX + 4}px` }}>
                            <Grid
                                label="Sites by reallocs" columns={reallocColumns()} rows={reallocs.value} rowKey={(row) => row.site} sort={sort.value} onSort={(next) => (sort.value = next)}
                                onOpen={(row) => {
                                    setView('flame');
                                    selectSite(row.site);
                                }}
                            />
                        </div>
                    )}
                </section>
            </div>
        </div>
    );
}
