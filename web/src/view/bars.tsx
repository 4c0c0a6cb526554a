// SPDX-License-Identifier: Apache-2.0
// A histogram over classes with lower bounds: bars, a few axis labels, exact figures as tooltips and one sentence for readers.
import type { Unit } from '../data/manifest';
import { formatPercent, formatValue, formatValueExact } from '../format';
import { useWidth } from './measure';

export interface BarsProps {
    bounds: ArrayLike<number>;
    values: ArrayLike<number>;
    format: (bound: number) => string;
    unit: Unit;
    height: number;
}

const NARROWEST_PX = 120;

/** First and last class with a value. */
function used(values: ArrayLike<number>): [number, number] {
    let first = 0;
    let last = values.length - 1;
    while (first < last && !(values[first] > 0)) first++;
    while (last > first && !(values[last] > 0)) last--;
    return [first, last];
}

/** The class below which half of everything lies. */
export function medianClass(values: ArrayLike<number>): number {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i];
    let below = 0;
    for (let i = 0; i < values.length; i++) {
        below += values[i];
        if (below * 2 >= sum) return i;
    }
    return 0;
}

export function Bars(props: BarsProps) {
    const { bounds, values, format } = props;
    const [host, measured] = useWidth();
    const width = Math.max(NARROWEST_PX, measured);
    const [first, last] = used(values);
    let max = 0;
    let sum = 0;
    for (let i = first; i <= last; i++) {
        max = Math.max(max, values[i] ?? 0);
        sum += values[i] ?? 0;
    }
    if (sum <= 0) return <p class="muted" ref={host}>No blocks.</p>;
    const count = last - first + 1;
    const step = width / count;
    const plot = props.height - 18;
    const range = (i: number): string => (i + 1 < bounds.length ? `${format(bounds[i])} – ${format(bounds[i + 1])}` : `${format(bounds[i])} and more`);
    const median = medianClass(values);
    const ticks = [first, Math.round((first + last) / 2), last].filter((v, i, all) => all.indexOf(v) === i);
    const indexes = Array.from({ length: count }, (_, i) => first + i);
    return (
        <div ref={host}>
            <svg class="bars" width={width} height={props.height} viewBox={`0 0 ${width} ${props.height}`} role="img" aria-label={`Histogram, half lies below ${range(median)}`}>
                {indexes.map((i) => {
                    const height = Math.max(values[i] > 0 ? 1.5 : 0, (values[i] / max) * plot);
                    return (
                        <rect key={i} class={i === median ? 'bar bar-median' : 'bar'} x={(i - first) * step + 0.5} width={Math.max(0.6, step - 1)} y={plot - height} height={height}>
                            <title>{`${range(i)}: ${formatValueExact(values[i], props.unit)}, ${formatPercent(values[i], sum)}`}</title>
                        </rect>
                    );
                })}
                <line class="axis-line" x1="0" x2={width} y1={plot + 0.5} y2={plot + 0.5} />
                {ticks.map((i, n) => (
                    <text key={i} class="axis-text" x={n === 0 ? 0 : n === ticks.length - 1 ? width : (i - first + 0.5) * step} y={props.height - 4} text-anchor={n === 0 ? 'start' : n === ticks.length - 1 ? 'end' : 'middle'}>
                        {format(bounds[i])}
                    </text>
                ))}
            </svg>
            <p class="muted">Half of {formatValue(sum, props.unit)}{props.unit === 'count' ? ' blocks' : ''} lies below {range(median).split(' – ').pop()}.</p>
        </div>
    );
}
