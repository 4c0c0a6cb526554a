// SPDX-License-Identifier: Apache-2.0
// Time charts on uPlot with one look: fixed gutters so that charts above each other and the brush over them share one scale.
import uPlot from 'uplot';
import { CHART, type Theme } from '../colour';
import { formatBytes, formatCount, formatTime } from '../format';

export const GUTTER_LEFT = 68;
export const GUTTER_RIGHT = 20;
const FONT = '11px system-ui, sans-serif';

export type Scale = 'bytes' | 'count' | 'rate';

export interface Line {
    label: string;
    stroke: string;
    fill?: string;
    width?: number;
    dash?: number[];
    stepped?: boolean;
    gaps?: boolean;
}

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
    draw?: (plot: uPlot) => void;
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

export function makeChart(host: HTMLElement, options: ChartOptions, data: uPlot.AlignedData): uPlot {
    const ink = CHART[options.theme];
    const stepped = uPlot.paths.stepped?.({ align: 1 });
    const axis = { stroke: ink.axis, font: FONT, grid: { stroke: ink.grid, width: 1 }, ticks: { show: false } };
    const plot = new uPlot(
        {
            width: options.width,
            height: options.height,
            padding: [8, GUTTER_RIGHT, options.xAxis ? 0 : 6, 0],
            legend: { show: false },
            cursor: { show: false },
            scales: {
                x: { time: false, auto: false, range: () => options.range },
                y: { range: (_, __, max) => [0, Math.max(options.yMax ?? max ?? 1, 1) * 1.06] },
            },
            axes: [
                {
                    ...axis, show: options.xAxis, size: 24, gap: 4,
                    splits: (_, __, from, until) => timeSplits(from, until, Math.max(3, Math.floor(options.width / 120))),
                    values: (_, splits) => splits.map((at) => tickTime(at, splits.length > 1 ? splits[1] - splits[0] : 1)),
                },
                {
                    ...axis, size: GUTTER_LEFT, gap: 6,
                    splits: (_, __, ___, max) => (options.scale === 'count' ? timeSplits(0, max, 3) : binarySplits(max, options.height > 80 ? 4 : 2)),
                    values: (_, splits) => splits.map((value) => tickLabel(options.scale, value)),
                },
            ],
            series: [
                {},
                ...options.lines.map((line) => ({
                    label: line.label, stroke: line.stroke, width: line.width ?? 1.5, points: { show: false }, spanGaps: !line.gaps,
                    ...(line.fill ? { fill: line.fill } : {}), ...(line.dash ? { dash: line.dash } : {}), ...(line.stepped && stepped ? { paths: stepped } : {}),
                })),
            ],
            hooks: options.draw ? { draw: [options.draw] } : {},
        },
        data,
        host,
    );
    plot.root.setAttribute('aria-hidden', 'true');
    return plot;
}
