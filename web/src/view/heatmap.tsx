// SPDX-License-Identifier: Apache-2.0
// A heat map on canvas with axes, a readout under the pointer or the keyboard, and a legend with numbers.
import { useEffect, useRef, useState } from 'preact/hooks';
import { heatColour, heatColours } from '../colour';
import { formatCount, formatPercent } from '../format';
import { heatShare, usedColumns, type Heat } from '../query/heat';
import { theme } from '../state';
import { useWidth } from './measure';

export interface HeatMapProps {
    title: string;
    heat: Heat;
    rowLabel: (row: number) => string;
    columnLabel: (column: number) => string;
    /** Columns may be of unequal width: their edges, in any unit. */
    columnEdges?: number[];
    onPick?: (row: number, column: number) => void;
    pickHint?: string;
}

const HEIGHT = 210;
const LEFT = 72;
const BOTTOM = 20;
const LABEL_EVERY_PX = 110;

export function HeatMap(props: HeatMapProps) {
    const [host, width] = useWidth();
    const canvas = useRef<HTMLCanvasElement>(null);
    const [at, setAt] = useState<[number, number] | null>(null);
    const { heat } = props;
    const [first, last] = props.columnEdges ? [0, heat.columns - 1] : usedColumns(heat);
    const plotWidth = Math.max(10, width - LEFT - 8);
    const plotHeight = HEIGHT - BOTTOM;
    const edges = props.columnEdges ?? Array.from({ length: heat.columns + 1 }, (_, i) => i);
    const span = edges[last + 1] - edges[first];
    const x = (column: number): number => LEFT + ((edges[column] - edges[first]) / span) * plotWidth;
    const rowHeight = plotHeight / Math.max(1, heat.rows);

    useEffect(() => {
        const element = canvas.current;
        if (!element || width < 50) return;
        const ratio = window.devicePixelRatio || 1;
        element.width = width * ratio;
        element.height = HEIGHT * ratio;
        const ctx = element.getContext('2d');
        if (!ctx) return;
        const style = getComputedStyle(element);
        ctx.scale(ratio, ratio);
        ctx.clearRect(0, 0, width, HEIGHT);
        ctx.fillStyle = style.getPropertyValue('--raised');
        ctx.fillRect(LEFT, 0, plotWidth, plotHeight);
        for (let row = 0; row < heat.rows; row++) {
            for (let column = first; column <= last; column++) {
                const value = heat.cells[row * heat.columns + column];
                if (value <= 0) continue;
                ctx.fillStyle = heatColour(heatShare(value, heat.max), theme.value);
                ctx.fillRect(x(column), plotHeight - (row + 1) * rowHeight, Math.max(1, x(column + 1) - x(column) - 0.5), Math.max(1, rowHeight - 0.5));
            }
        }
        ctx.fillStyle = style.getPropertyValue('--muted');
        ctx.font = '11px system-ui, sans-serif';
        ctx.textAlign = 'right';
        const rowStep = Math.max(1, Math.ceil(heat.rows / 7));
        for (let row = 0; row < heat.rows; row += rowStep) ctx.fillText(props.rowLabel(row + heat.firstRow), LEFT - 6, plotHeight - (row + 0.5) * rowHeight + 4);
        ctx.textAlign = 'left';
        let free = LEFT;
        for (let column = first; column <= last; column++) {
            if (x(column) < free || x(column) > LEFT + plotWidth - 60) continue;
            ctx.fillText(props.columnLabel(column), x(column), HEIGHT - 5);
            free = x(column) + LABEL_EVERY_PX;
        }
        if (at) {
            ctx.strokeStyle = style.getPropertyValue('--text');
            ctx.lineWidth = 1.5;
            ctx.strokeRect(x(at[1]), plotHeight - (at[0] + 1) * rowHeight, Math.max(2, x(at[1] + 1) - x(at[1])), Math.max(2, rowHeight));
        }
    }, [heat, width, at, theme.value]);

    const cellAt = (event: MouseEvent): [number, number] | null => {
        const box = canvas.current?.getBoundingClientRect();
        if (!box) return null;
        const px = event.clientX - box.left;
        const row = Math.floor((plotHeight - (event.clientY - box.top)) / rowHeight);
        if (row < 0 || row >= heat.rows || px < LEFT) return null;
        for (let column = first; column <= last; column++) if (px >= x(column) && px < x(column + 1)) return [row, column];
        return null;
    };
    const describe = (cell: [number, number]): string => {
        const value = heat.cells[cell[0] * heat.columns + cell[1]];
        return `${props.rowLabel(cell[0] + heat.firstRow)}, ${props.columnLabel(cell[1])}: ${formatCount(value)} blocks, ${formatPercent(value, heat.total)}`;
    };
    const onKey = (event: KeyboardEvent): void => {
        const step = ({ ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] } as Record<string, [number, number]>)[event.key];
        if (step) {
            const from = at ?? [0, first];
            setAt([Math.min(heat.rows - 1, Math.max(0, from[0] + step[0])), Math.min(last, Math.max(first, from[1] + step[1]))]);
        } else if (event.key === 'Enter' && at) {
            props.onPick?.(at[0] + heat.firstRow, at[1]);
        } else {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
    };
    return (
        <section class="card card-heat" aria-label={props.title}>
            <h2>{props.title}</h2>
            {heat.rows === 0 ? (
                <p class="muted">No blocks.</p>
            ) : (
                <>
                    <div
                        ref={host}
                        tabIndex={0}
                        role="application"
                        aria-roledescription="heat map"
                        aria-label={`${props.title}: ${formatCount(heat.total)} blocks; arrow keys read the cells`}
                        onKeyDown={onKey}
                        onMouseMove={(event) => setAt(cellAt(event))}
                        onMouseLeave={() => setAt(null)}
                        onClick={(event) => {
                            const cell = cellAt(event);
                            if (cell) props.onPick?.(cell[0] + heat.firstRow, cell[1]);
                        }}
                    >
                        <canvas ref={canvas} class="heat" style={{ width: '100%', height: `${HEIGHT}px` }} />
                    </div>
                    <p class="heat-foot">
                        <span class="heat-legend" aria-hidden="true">
                            1 {heatColours(theme.value).map((colour) => <i key={colour} style={{ background: colour }} />)} {formatCount(heat.max)} blocks
                        </span>
                        <span class="muted" aria-live="polite">{at ? describe(at) : (props.pickHint ?? '')}</span>
                    </p>
                </>
            )}
        </section>
    );
}
