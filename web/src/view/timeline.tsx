// SPDX-License-Identifier: Apache-2.0
// When memory moved: the largest holders stacked over time, rates, block and task counts, and the marks on the way.
import { computed, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { setFilter, setWindow } from '../actions';
import { CHART, SERIES } from '../colour';
import { groupLabel, groupOfContext, threadLabel } from '../data/labels';
import { formatTime, formatValue, shortened, visible } from '../format';
import { ratePerSecond, sliceAt } from '../query/curves';
import { liveSeriesBy } from '../query/series';
import * as state from '../state';
import { drawChart, type ChartData, type ChartOptions, type Line } from './chart';
import { useWidth } from './measure';
import { axisRange } from './strip';

type StackBy = 'function' | 'module' | 'thread' | 'group';

const TOP = 8;
const stackBy = signal<StackBy>('function');

interface Band {
    id: number;
    label: string;
    series: Float64Array;
    peak: number;
}

/** Key of a cell for the stack, and how keys are named. */
function keysFor(by: StackBy): { count: number; keyOf: (site: number, ctx: number) => number; label: (key: number) => string } | null {
    const data = state.body.value;
    if (!data) return null;
    const { rows, labels, names } = data;
    const extra = state.stats.value;
    if (by === 'thread') return { count: rows.threadProc.length, keyOf: (_, ctx) => rows.ctxThread[ctx], label: (key) => threadLabel(labels, extra, key) };
    if (by === 'group') {
        const count = (extra?.groupName.length ?? 0) + 1;
        return { count, keyOf: (_, ctx) => groupOfContext(rows, ctx) + 1, label: (key) => (key === 0 ? 'outside tasks' : groupLabel(labels, extra, key - 1)) };
    }
    const owner = data.owners.map((node) => labels.funcOfNode(node));
    if (by === 'module') return { count: names.modName.length, keyOf: (site) => names.funcMod[owner[site]], label: (key) => labels.moduleName(key) };
    return { count: names.funcName.length, keyOf: (site) => owner[site], label: (key) => labels.short(key) };
}

/** Ranks keys by what they hold at the peak plus at the end, then follows the largest over time. */
const bands = computed<Band[]>(() => {
    const data = state.body.value;
    const keys = keysFor(stackBy.value);
    if (!data || !keys) return [];
    const { rows } = data;
    const score = new Float64Array(keys.count);
    const bytes = state.unit.value === 'bytes';
    const mask = state.ctxMask.value;
    const sites = state.siteMask.value;
    const passes = (site: number, ctx: number): boolean => (!mask || mask[ctx] === 1) && (!sites || sites[site] === 1);
    for (let site = 0; site < rows.siteNode.length; site++) {
        for (let cell = rows.siteCell[site]; cell < rows.siteCell[site + 1]; cell++) {
            if (!passes(site, rows.cellCtx[cell])) continue;
            const key = keys.keyOf(site, rows.cellCtx[cell]);
            score[key] += bytes ? rows.cellPeakBytes[cell] : rows.cellPeakN[cell];
            for (let row = rows.cellRow[cell]; row < rows.cellRow[cell + 1]; row++) if (rows.rowGone[row] === rows.slices) score[key] += bytes ? rows.rowBytes[row] : rows.rowN[row];
        }
    }
    const order = Array.from(score.keys()).filter((key) => score[key] > 0).sort((x, y) => score[y] - score[x]);
    const top = order.slice(0, TOP);
    const place = new Map(top.map((key, i) => [key, i]));
    const curves = liveSeriesBy(rows, state.unit.value, top.length + 1, (site, ctx) => (passes(site, ctx) ? (place.get(keys.keyOf(site, ctx)) ?? top.length) : -1));
    const out = top.map((key, i) => ({ id: key, label: keys.label(key), series: curves[i], peak: 0 }));
    out.push({ id: -2, label: 'all others', series: curves[top.length], peak: 0 });
    for (const band of out) for (const value of band.series) band.peak = Math.max(band.peak, value);
    return out.filter((band) => band.peak > 0);
});

function Chart(props: { height: number; lines: Line[]; data: ChartData; scale: ChartOptions['scale']; label: string }) {
    const [box, width] = useWidth();
    const canvas = useRef<HTMLCanvasElement>(null);
    const [from, until] = axisRange.value;
    useEffect(() => {
        if (!canvas.current || width < 60) return;
        drawChart(canvas.current, { theme: state.theme.value, width, height: props.height, scale: props.scale, lines: props.lines, xAxis: true, range: [from, until] }, props.data);
    }, [width, props.data, state.theme.value, from, until, props.scale]);
    return (
        <div ref={box} class="chart" role="img" aria-label={props.label} style={{ height: `${props.height}px` }}>
            <canvas ref={canvas} class="plot" aria-hidden="true" style={{ width: `${width}px`, height: `${props.height}px` }} />
        </div>
    );
}

const seconds = computed(() => (state.head.value?.timeline.edge_ns ?? [0, 1]).map((edge) => edge / 1e9));

/** Cumulative curves from the bottom band up, drawn from the highest down so that each covers the ones above it. */
const stacked = computed(() => {
    const list = bands.value;
    const sum = new Float64Array(state.slices.value);
    const layers = list.map((band) => {
        band.series.forEach((value, i) => (sum[i] += value));
        return [0, ...sum];
    });
    return [seconds.value, ...layers.reverse()];
});

function StackCard() {
    const palette = SERIES[state.theme.value];
    const list = bands.value;
    const colours = list.map((band, i) => (band.id === -2 ? palette[TOP] : palette[i % TOP]));
    const lines: Line[] = list.map((band, i) => ({ label: band.label, stroke: colours[i], fill: colours[i], width: 0.5 })).reverse();
    const names: [StackBy, string][] = [['function', 'function'], ['module', 'module'], ['thread', 'thread']];
    if ((state.stats.value?.groupName.length ?? 0) > 0) names.push(['group', 'task group']);
    return (
        <section class="card" aria-label="Largest holders">
            <h2>
                <span>Largest holders over time</span>
                <span class="switch" role="group" aria-label="Stack by">
                    {names.map(([id, name]) => <button type="button" key={id} aria-pressed={stackBy.value === id} onClick={() => (stackBy.value = id)}>{name}</button>)}
                </span>
            </h2>
            <Chart height={230} lines={lines} data={stacked.value} scale={state.unit.value} label={`Live memory by ${stackBy.value}, the largest are ${list.slice(0, 3).map((band) => band.label).join(', ')}`} />
            <ul class="bands">
                {list.map((band, i) => (
                    <li key={band.id}>
                        <i class="key" style={{ background: colours[i] }} />
                        {stackBy.value === 'thread' && band.id >= 0 ? <button type="button" class="link" onClick={() => setFilter('threads', [band.id])}>{band.label}</button> : <span>{shortened(band.label, 40)}</span>}
                        <span class="muted">≤ {formatValue(band.peak, state.unit.value)}</span>
                    </li>
                ))}
            </ul>
        </section>
    );
}

const rates = computed(() => {
    const head = state.head.value;
    if (!head) return [[0, 1], [0, 0], [0, 0]];
    const { timeline } = head;
    const bytes = state.unit.value === 'bytes';
    return [seconds.value, ratePerSecond(timeline, bytes ? timeline.alloc_bytes : timeline.alloc_n), ratePerSecond(timeline, bytes ? timeline.free_bytes : timeline.free_n)];
});

const blocks = computed(() => [seconds.value, [0, ...(state.head.value?.timeline.live_n ?? [])]]);
const alive = computed(() => {
    const tasks = state.head.value?.timeline.tasks_alive;
    return tasks?.some((count) => count > 0) ? [seconds.value, [0, ...tasks]] : null;
});

function Markers() {
    const head = state.head.value;
    if (!head) return null;
    const { timeline } = head;
    const around = (t_ns: number): void => {
        const slice = sliceAt(timeline, t_ns);
        setWindow({ i0: Math.max(0, slice - 2), i1: Math.min(state.slices.value, slice + 3) }, 'push');
    };
    const list = timeline.markers.slice().sort((x, y) => x.t_ns - y.t_ns).slice(0, 200);
    return (
        <section class="card" aria-label="Marks">
            <h2>Marks</h2>
            {list.length === 0 && <p class="muted">None.</p>}
            <ul class="plain">
                {list.map((marker, i) => (
                    <li key={i}>
                        <button type="button" class="link" onClick={() => around(marker.t_ns)}>{formatTime(marker.t_ns)}</button> {visible(marker.label)}
                        {marker.label !== marker.kind && <span class="muted"> {visible(marker.kind)}</span>}
                    </li>
                ))}
            </ul>
        </section>
    );
}

export function TimelineView() {
    const ink = CHART[state.theme.value];
    const tasks = alive.value;
    const rateLines: Line[] = [{ label: 'allocated', stroke: ink.live, stepped: true }, { label: 'freed', stroke: ink.free, dash: [4, 3], stepped: true }];
    return (
        <div class="timeline">
            {state.body.value ? <StackCard /> : <p class="waiting">Reading the recording…</p>}
            <div class="cards cards-half">
                <section class="card" aria-label="Rates">
                    <h2><span>Allocated and freed per second</span><span class="legend"><span><i class="key key-live" />allocated</span><span><i class="key key-free" />freed</span></span></h2>
                    <Chart height={130} lines={rateLines} data={rates.value} scale={state.unit.value === 'bytes' ? 'rate' : 'count'} label="Allocated and freed per second" />
                </section>
                <section class="card" aria-label="Live blocks">
                    <h2>Live blocks</h2>
                    <Chart height={130} lines={[{ label: 'blocks', stroke: ink.live, fill: ink.liveFill }]} data={blocks.value} scale="count" label="Number of live blocks" />
                </section>
                {tasks && (
                    <section class="card" aria-label="Tasks alive">
                        <h2>Tasks alive</h2>
                        <Chart height={130} lines={[{ label: 'tasks', stroke: ink.part }]} data={tasks} scale="count" label="Number of live tasks" />
                    </section>
                )}
                <Markers />
            </div>
        </div>
    );
}
