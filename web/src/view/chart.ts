// SPDX-License-Identifier: Apache-2.0
// Time charts with one look: fixed gutters so that charts above each other and the brush over them share one scale.
// Curves here are drawn anew whenever anything changes: a thousand points cost less than keeping track of them.
import { CHART, type Theme } from '../colour';
import { formatBytes, formatCount, formatTime } from '../format';

export const GUTTER_LEFT = 68;
export const GUTTER_RIGHT = 20;
const FONT = 'system-ui, sans-serif';

export type Scale = 'bytes' | 'count' | 'rate';

export interface Line {
    label: string;
    stroke: string;
    fill?: string;
    width?: number;
    dash?: number[];
    stepped?: boolean;
}

/** Where a chart lies on its canvas, in device pixels, and where a time or a value lies on it. */
export interface Plot {
    ctx: CanvasRenderingContext2D;
    left: number;
    top: number;
    width: number;
    height: number;
    x: (at_s: number) => number;
    y: (value: number) => number;
}

/** Times in seconds, then the values of each line; null = unknown, passed over. */
export type ChartData = ArrayLike<number | null>[];

export interface ChartOptions {
    theme: Theme;
    width: number;
    height: number;
    scale: Scale;
    lines: Line[];
    xAxis: boolean;
    range: [number, number];
    /** Upper end of the y scale; the data's own when absent. */
    yMax?: number;
    draw?: (plot: Plot) => void;
}

function tickLabel(scale: Scale, value: number): string {
    if (value === 0) return '0';
    const text = scale === 'count' ? formatCount(value) : formatBytes(value).replace('.0', '');
    return scale === 'rate' ? `${text}/s` : text;
}

function binarySplits(max: number, count: number): number[] {
    if (max <= 0) return [0];
    let step = 2 ** Math.ceil(Math.log2(max / count));
    if (max / step > count) step *= 2;
    const splits: number[] = [];
    for (let value = 0; value <= max; value += step) splits.push(value);
    return splits;
}

function countSplits(max: number, count: number): number[] {
    const power = 10 ** Math.floor(Math.log10(Math.max(1, max / count)));
    const step = ([1, 2, 5].find((k) => k * power * count >= max) ?? 10) * power;
    return Array.from({ length: Math.floor(max / step) + 1 }, (_, i) => i * step);
}

export function timeSplits(from_s: number, until_s: number, count: number): number[] {
    const span = until_s - from_s;
    if (!(span > 0)) return [from_s];
    const raw = span / count;
    const nice = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400];
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = raw >= 1 ? (nice.find((s) => s >= raw) ?? Math.ceil(raw / 86400) * 86400) : ([1, 2, 5, 10].find((k) => k * power >= raw) ?? 10) * power;
    const splits: number[] = [];
    for (let at = Math.ceil(from_s / step) * step; at <= until_s + step * 1e-9; at += step) splits.push(at);
    return splits;
}

function tickTime(at_s: number, step_s: number): string {
    if (step_s >= 3600) return `${Math.round(at_s / 360) / 10}\u202fh`;
    if (step_s >= 60) return `${Math.round(at_s / 6) / 10}\u202fmin`;
    if (at_s >= 600) return formatTime(at_s * 1e9);
    const places = step_s >= 1 ? 0 : Math.min(6, Math.ceil(-Math.log10(step_s)));
    return `${at_s.toFixed(places)}\u202fs`;
}

const TOP = 8;
const BOTTOM = 6;
const AXIS_X = 24;

function highest(lines: ChartData): number {
    let max = 0;
    for (const line of lines) for (let i = 0; i < line.length; i++) max = Math.max(max, line[i] ?? 0);
    return max;
}

function plotOf(ctx: CanvasRenderingContext2D, options: ChartOptions, top_value: number): Plot {
    const scale = devicePixelRatio;
    const [from, until] = options.range;
    const left = GUTTER_LEFT * scale;
    const top = TOP * scale;
    const width = Math.max(1, (options.width - GUTTER_LEFT - GUTTER_RIGHT) * scale);
    const height = Math.max(1, (options.height - TOP - (options.xAxis ? AXIS_X : BOTTOM)) * scale);
    return {
        ctx, left, top, width, height,
        x: (at_s) => left + ((at_s - from) / (until - from)) * width,
        y: (value) => top + height - (value / top_value) * height,
    };
}

function drawAxes(plot: Plot, options: ChartOptions, top_value: number): void {
    const { ctx, left, top, width, height } = plot;
    const ink = CHART[options.theme];
    const scale = devicePixelRatio;
    const bottom = top + height;
    const columns = options.xAxis ? timeSplits(options.range[0], options.range[1], Math.max(3, Math.floor(options.width / 120))) : [];
    const values = options.scale === 'count' ? countSplits(top_value, 3) : binarySplits(top_value, options.height > 80 ? 4 : 2);
    ctx.font = `${11 * scale}px ${FONT}`;
    ctx.strokeStyle = ink.grid;
    ctx.fillStyle = ink.axis;
    ctx.lineWidth = scale;
    ctx.beginPath();
    for (const at of columns) {
        ctx.moveTo(Math.round(plot.x(at)) + 0.5, top);
        ctx.lineTo(Math.round(plot.x(at)) + 0.5, bottom);
    }
    for (const value of values) {
        ctx.moveTo(left, Math.round(plot.y(value)) + 0.5);
        ctx.lineTo(left + width, Math.round(plot.y(value)) + 0.5);
    }
    ctx.stroke();
    ctx.textAlign = 'center';
    ctx.textBaseline = 'top';
    for (const at of columns) ctx.fillText(tickTime(at, columns.length > 1 ? columns[1] - columns[0] : 1), plot.x(at), bottom + 4 * scale);
    ctx.textAlign = 'right';
    ctx.textBaseline = 'middle';
    for (const value of values) ctx.fillText(tickLabel(options.scale, value), left - 6 * scale, plot.y(value));
}

/** A stepped line's values hold from their own time to the next. */
function pathOf(plot: Plot, times: ArrayLike<number | null>, values: ArrayLike<number | null>, stepped: boolean): { path: Path2D; first: number; last: number } {
    const path = new Path2D();
    let first = -1;
    let last = -1;
    let level = 0;
    for (let i = 0; i < times.length; i++) {
        const value = values[i];
        if (value === null || value === undefined) continue;
        const x = plot.x(times[i] ?? 0);
        const y = plot.y(value);
        if (first < 0) {
            first = x;
            path.moveTo(x, y);
        } else {
            if (stepped) path.lineTo(x, level);
            path.lineTo(x, y);
        }
        last = x;
        level = y;
    }
    return { path, first, last };
}

function drawLine(plot: Plot, line: Line, times: ArrayLike<number | null>, values: ArrayLike<number | null>): void {
    const { ctx } = plot;
    const scale = devicePixelRatio;
    const { path, first, last } = pathOf(plot, times, values, line.stepped === true);
    if (first < 0) return;
    if (line.fill) {
        const area = new Path2D(path);
        area.lineTo(last, plot.top + plot.height);
        area.lineTo(first, plot.top + plot.height);
        ctx.fillStyle = line.fill;
        ctx.fill(area);
    }
    ctx.strokeStyle = line.stroke;
    ctx.lineWidth = (line.width ?? 1.5) * scale;
    ctx.setLineDash((line.dash ?? []).map((part) => part * scale));
    ctx.stroke(path);
}

export function drawChart(canvas: HTMLCanvasElement, options: ChartOptions, data: ChartData): void {
    const ctx = canvas.getContext('2d');
    if (!ctx) return;
    const scale = devicePixelRatio;
    canvas.width = Math.round(options.width * scale);
    canvas.height = Math.round(options.height * scale);
    const [times, ...lines] = data;
    const top_value = Math.max(options.yMax ?? highest(lines), 1) * 1.06;
    const plot = plotOf(ctx, options, top_value);
    drawAxes(plot, options, top_value);
    ctx.save();
    ctx.beginPath();
    ctx.rect(plot.left, 0, plot.width + scale, plot.top + plot.height);
    ctx.clip();
    options.lines.forEach((line, i) => drawLine(plot, line, times, lines[i]));
    ctx.restore();
    options.draw?.(plot);
}
