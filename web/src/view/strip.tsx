// SPDX-License-Identifier: Apache-2.0
// The timeline that stays above every view: live memory, resident memory, two-tone allocation rate, and the window over both.
import { computed, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { copyLink, windowAtPeak, wholeRun } from '../actions';
import { CHART } from '../colour';
import { visible, formatBytes, formatCount, formatTime, formatValue } from '../format';
import { liveCurves, partCurve, ratePerSecond, sliceAt } from '../query/curves';
import { flowSeries, liveSeries } from '../query/series';
import { body, ctxMask, head, siteMask, slices, theme, unit, whole, window_ } from '../state';
import { Brush } from './brush';
import { drawChart, type Plot } from './chart';
import { useWidth } from './measure';

/** Times that the charts show, in seconds; null = the whole run. */
export const axis = signal<[number, number] | null>(null);
const hover = signal<number | null>(null);

const LIVE_HEIGHT = 128;
const RATE_HEIGHT = 66;
const OFF_SCALE = 3;
/** Rates this many times over those of nineteen in twenty busy slices run off the scale: one short slice would flatten all others. */
const RATE_OFF_SCALE = 4;

export const axisRange = computed<[number, number]>(() => {
    if (axis.value) return axis.value;
    const data = head.value;
    const end = data ? data.timeline.edge_ns[data.timeline.edge_ns.length - 1] / 1e9 : 1;
    return [0, end > 0 ? end : 1];
});

/** Live memory of what is left after filters and narrowing; null when nothing is filtered. */
const part = computed<Float64Array | null>(() => {
    const data = body.value;
    const mask = siteMask.value;
    if (!data || (!ctxMask.value && !mask)) return null;
    const sites = mask ? Array.from(mask.keys()).filter((site) => mask[site] === 1) : null;
    return liveSeries(data.rows, unit.value, sites, ctxMask.value);
});

/** Resident memory so far above the live heap that both on one scale would flatten the heap: then it is only named. */
const rssOffScale = computed<number | null>(() => {
    const data = head.value;
    if (!data || unit.value !== 'bytes') return null;
    const peak = data.timeline.rss_bytes.reduce<number>((max, rss) => Math.max(max, rss ?? 0), 0);
    return peak > OFF_SCALE * data.manifest.totals.peak_live_bytes ? peak : null;
});

const rates = computed(() => {
    const data = head.value;
    if (!data) return null;
    const rows = body.value?.rows;
    const { timeline } = data;
    const own = rows && (part.value || unit.value === 'count') ? flowSeries(rows, unit.value, siteMask.value, ctxMask.value) : null;
    const alloc = own ? own.alloc : unit.value === 'bytes' ? timeline.alloc_bytes : timeline.alloc_n;
    const kept = own ? own.kept : timeline.kept_bytes;
    const perSecond = ratePerSecond(timeline, alloc);
    return { x: timeline.edge_ns.map((edge) => edge / 1e9), alloc: perSecond, kept: ratePerSecond(timeline, kept), most: rateScale(perSecond) };
});

function rateScale(rates: ArrayLike<number | null>): number | undefined {
    const busy = Float64Array.from(rates, (rate) => rate ?? 0).filter((rate) => rate > 0).sort();
    if (busy.length === 0) return undefined;
    return Math.min(busy[busy.length - 1], RATE_OFF_SCALE * busy[Math.floor(busy.length * 0.95)]);
}

function markPeak(plot: Plot, at_s: number, height: number, colour: string): void {
    const x = plot.x(at_s);
    const y = plot.y(height);
    const { ctx, left, width } = plot;
    if (x < left || x > left + width) return;
    ctx.save();
    ctx.fillStyle = colour;
    const size = 4 * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x, y - size);
    ctx.lineTo(x + size, y);
    ctx.lineTo(x, y + size);
    ctx.lineTo(x - size, y);
    ctx.fill();
    ctx.restore();
}

function drawMarkers(plot: Plot): void {
    const data = head.value;
    if (!data) return;
    const { ctx, left, top, width, height } = plot;
    ctx.save();
    ctx.strokeStyle = CHART[theme.value].axis;
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const marker of data.timeline.markers) {
        if (marker.kind === 'peak') continue;
        const x = Math.round(plot.x(marker.t_ns / 1e9)) + 0.5;
        if (x < left || x > left + width) continue;
        ctx.beginPath();
        ctx.moveTo(x, top);
        ctx.lineTo(x, top + height);
        ctx.stroke();
    }
    ctx.fillStyle = CHART[theme.value].grid;
    for (const [from, until] of data.timeline.gaps) {
        const x = plot.x(from / 1e9);
        ctx.fillRect(x, top, plot.x(until / 1e9) - x, height);
    }
    const { totals } = data.manifest;
    if (totals.peak_live_bytes > 0) markPeak(plot, totals.peak_at_ns / 1e9, unit.value === 'bytes' ? totals.peak_live_bytes : totals.peak_live_n, CHART[theme.value].mark);
    ctx.restore();
}

function LiveChart(props: { width: number }) {
    const canvas = useRef<HTMLCanvasElement>(null);
    const data = head.value;
    const ink = CHART[theme.value];
    const [from, until] = axisRange.value;
    useEffect(() => {
        if (!canvas.current || !data || props.width < 50) return;
        const curves = liveCurves(data.timeline, data.manifest.totals, unit.value);
        const lines = [{ label: 'live', stroke: ink.live, fill: ink.liveFill }, { label: 'RSS', stroke: ink.rss, dash: [4, 3], width: 1.2 }];
        const series: (number | null)[][] = [curves.live, curves.rss];
        if (part.value) {
            lines.push({ label: 'shown part', stroke: ink.part, dash: [], width: 1.6 });
            series.push(partCurve(curves, data.timeline, part.value));
        }
        drawChart(
            canvas.current,
            { theme: theme.value, width: props.width, height: LIVE_HEIGHT, scale: unit.value, lines, xAxis: false, range: [from, until], draw: drawMarkers, yMax: rssOffScale.value === null ? undefined : curves.live.reduce((max, value) => Math.max(max, value), 0) },
            [curves.x, ...series],
        );
    }, [data, props.width, theme.value, unit.value, from, until, part.value]);
    return <canvas ref={canvas} class="plot" aria-hidden="true" style={{ width: `${props.width}px`, height: `${LIVE_HEIGHT}px` }} />;
}

function RateChart(props: { width: number }) {
    const canvas = useRef<HTMLCanvasElement>(null);
    const ink = CHART[theme.value];
    const [from, until] = axisRange.value;
    const data = rates.value;
    useEffect(() => {
        if (!canvas.current || !data || props.width < 50) return;
        const lines = [
            { label: 'freed since', stroke: ink.gone, fill: ink.gone, width: 0.5, stepped: true },
            { label: 'still live at end', stroke: ink.kept, fill: ink.kept, width: 0.5, stepped: true },
        ];
        drawChart(
            canvas.current,
            { theme: theme.value, width: props.width, height: RATE_HEIGHT, scale: unit.value === 'bytes' ? 'rate' : 'count', lines, xAxis: true, range: [from, until], yMax: data.most },
            [data.x, data.alloc, data.kept],
        );
    }, [data, props.width, theme.value, from, until]);
    return <canvas ref={canvas} class="plot" aria-hidden="true" style={{ width: `${props.width}px`, height: `${RATE_HEIGHT}px` }} />;
}

function Readout() {
    const data = head.value;
    if (!data) return null;
    const at = hover.value;
    const { timeline } = data;
    if (at === null || slices.value === 0) {
        const { i0, i1 } = window_.value;
        const text = whole.value ? 'whole run' : `${formatTime(timeline.edge_ns[i0])} – ${formatTime(timeline.edge_ns[i1])}`;
        return (
            <span class="readout" data-testid="window-text">
                window <b>{text}</b>
                {!whole.value && <span class="muted"> · {i1 - i0} of {slices.value} slices</span>}
            </span>
        );
    }
    const slice = sliceAt(timeline, at);
    const live = unit.value === 'bytes' ? timeline.live_bytes[slice] : timeline.live_n[slice];
    const rss = timeline.rss_bytes[slice];
    const marker = timeline.markers.find((m) => Math.abs(m.t_ns - at) < (axisRange.value[1] - axisRange.value[0]) * 4e6);
    return (
        <span class="readout">
            <b>{formatTime(at)}</b> live <b>{formatValue(live, unit.value)}</b>
            {part.value && <span class="ink-part"> shown part {formatValue(part.value[slice], unit.value)}</span>}
            {rss !== null && rss !== undefined && <span class="muted"> RSS {formatBytes(rss)}</span>}
            <span class="muted"> · {formatCount(timeline.alloc_n[slice])} allocated, {formatCount(timeline.free_n[slice])} freed in this slice</span>
            {marker && <span> · {visible(marker.label)}</span>}
        </span>
    );
}

function zoomToWindow(): void {
    const data = head.value;
    if (!data) return;
    const { i0, i1 } = window_.value;
    const from = data.timeline.edge_ns[i0] / 1e9;
    const until = data.timeline.edge_ns[i1] / 1e9;
    const margin = (until - from) * 0.05;
    const end = data.timeline.edge_ns[slices.value] / 1e9;
    axis.value = whole.value ? null : [Math.max(0, from - margin), Math.min(end, until + margin)];
}

function Legend() {
    return (
        <span class="legend" aria-hidden="true">
            <span><i class="key key-live" />live</span>
            {head.value?.timeline.rss_bytes.some((rss) => rss !== null) && unit.value === 'bytes' && (
                <span><i class="key key-rss" />{rssOffScale.value === null ? 'RSS' : `RSS up to ${formatBytes(rssOffScale.value)}, off scale`}</span>
            )}
            {part.value && <span><i class="key key-part" />shown part</span>}
            <span><i class="key key-kept" />allocated, still live at end</span>
            <span><i class="key key-gone" />freed since</span>
        </span>
    );
}

export function Strip() {
    const [host, width] = useWidth();
    const data = head.value;
    if (!data) return null;
    const at = hover.value;
    const [from, until] = axisRange.value;
    const crosshair = at === null ? -1 : ((at / 1e9 - from) / (until - from)) * 100;
    const summary = `Live memory over time: peak ${formatBytes(data.manifest.totals.peak_live_bytes)} at ${formatTime(data.manifest.totals.peak_at_ns)}, ${formatBytes(data.manifest.totals.end_live_bytes)} at the end`;
    return (
        <section class="strip" aria-label="Timeline and window">
            <div class="strip-bar">
                <Readout />
                <Legend />
                <span class="buttons">
                    {!whole.value && <button type="button" onClick={wholeRun} title="Key 0">Whole run</button>}
                    <button type="button" onClick={windowAtPeak} title="Key p">Around peak</button>
                    {axis.value ? (
                        <button type="button" onClick={() => (axis.value = null)}>Zoom out</button>
                    ) : (
                        !whole.value && <button type="button" onClick={zoomToWindow}>Zoom in</button>
                    )}
                    <button type="button" onClick={copyLink} title="Key y">Copy link</button>
                </span>
            </div>
            <div class="strip-charts" ref={host} role="group" aria-label={summary}>
                <LiveChart width={width} />
                <RateChart width={width} />
                {slices.value > 0 && <Brush range={axisRange.value} onHover={(t) => (hover.value = t)} />}
                {at !== null && crosshair >= 0 && crosshair <= 100 && (
                    <div class="crosshair-area"><div class="crosshair" style={{ left: `${crosshair}%` }} /></div>
                )}
            </div>
        </section>
    );
}

