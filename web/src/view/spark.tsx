// SPDX-License-Identifier: Apache-2.0
// A small curve over the run, and a bar for a share: both drawn as SVG without text.
import { head, slices, whole, window_ } from '../state';

const POINTS = 96;

/** Samples a per-slice curve at equal times; slices are of unequal width. */
function sampled(series: ArrayLike<number>): number[] {
    const data = head.value;
    if (!data || series.length === 0) return [];
    const { edge_ns } = data.timeline;
    const end = edge_ns[edge_ns.length - 1];
    const out: number[] = [];
    let slice = 0;
    for (let i = 0; i < POINTS; i++) {
        const at = ((i + 1) / POINTS) * end;
        let high = 0;
        while (slice < series.length && edge_ns[slice + 1] <= at) high = Math.max(high, series[slice++]);
        if (slice < series.length && high === 0) high = series[slice > 0 ? slice - 1 : 0];
        out.push(high);
    }
    return out;
}

export function Spark(props: { series: ArrayLike<number>; width?: number; height?: number; label: string; window?: boolean }) {
    const width = props.width ?? 120;
    const height = props.height ?? 20;
    const points = sampled(props.series);
    let max = 0;
    for (const value of points) max = Math.max(max, value);
    const y = (value: number): string => (height - 1 - (max > 0 ? (value / max) * (height - 2) : 0)).toFixed(1);
    const step = width / Math.max(1, points.length - 1);
    const line = points.map((value, i) => `${i === 0 ? 'M' : 'L'}${(i * step).toFixed(1)} ${y(value)}`).join('');
    const data = head.value;
    const end = data ? data.timeline.edge_ns[slices.value] : 1;
    const { i0, i1 } = window_.value;
    return (
        <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={props.label} preserveAspectRatio="none">
            {props.window && data && !whole.value && (
                <rect class="spark-window" x={(data.timeline.edge_ns[i0] / end) * width} width={Math.max(1, ((data.timeline.edge_ns[i1] - data.timeline.edge_ns[i0]) / end) * width)} y="0" height={height} />
            )}
            {max > 0 && <path class="spark-area" d={`${line}L${width} ${height}L0 ${height}Z`} />}
            {max > 0 && <path class="spark-line" d={line} />}
        </svg>
    );
}

export function ShareBar(props: { part: number; whole: number }) {
    const share = props.whole > 0 ? Math.min(1, props.part / props.whole) : 0;
    return (
        <span class="share" aria-hidden="true">
            <span style={{ width: `${(share * 100).toFixed(2)}%` }} />
        </span>
    );
}
