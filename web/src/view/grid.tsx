// SPDX-License-Identifier: Apache-2.0
// A table of fixed rows of which only those in view exist in the document; sortable heads, keyboard, one focused row.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useSize } from './measure';

export const ROW_PX = 26;
const SPARE = 6;
/** Whatever a layout makes of the height: never more rows than this exist at once. */
const MOST_ROWS = 150;

export interface GridColumn<R> {
    id: string;
    title: string;
    help?: string;
    /** CSS width, such as "96px" or "minmax(200px, 1fr)". */
    width: string;
    numeric?: boolean;
    sortable?: boolean;
    cell: (row: R) => ComponentChildren;
}

export interface GridProps<R> {
    label: string;
    columns: GridColumn<R>[];
    rows: R[];
    rowKey: (row: R) => string | number;
    sort?: string;
    onSort?: (sort: string) => void;
    chosen?: string | number | null;
    onChoose?: (row: R) => void;
    onOpen?: (row: R) => void;
    /** Keys beyond up, down and Enter; returns true when used, or the row to go to. */
    onKey?: (row: R, event: KeyboardEvent, index: number) => boolean | number;
    /** Set for a treegrid: nesting depth from 1, and whether the row is open. */
    level?: (row: R) => number;
    expanded?: (row: R) => boolean | undefined;
    dim?: (row: R) => boolean;
}

function nextSort(current: string | undefined, id: string, numeric: boolean): string {
    const [field, direction] = (current ?? '').split('.');
    if (field !== id) return `${id}.${numeric ? 'd' : 'a'}`;
    return `${id}.${direction === 'd' ? 'a' : 'd'}`;
}

function Heads<R>(props: { columns: GridColumn<R>[]; sort?: string; onSort?: (sort: string) => void; template: string }) {
    const [field, direction] = (props.sort ?? '').split('.');
    return (
        <div class="grid-row grid-head" role="row" aria-rowindex={1} style={{ gridTemplateColumns: props.template }}>
            {props.columns.map((column) => {
                const sorted = column.id === field ? (direction === 'a' ? 'ascending' : 'descending') : undefined;
                const sortable = props.onSort && column.sortable !== false;
                return (
                    <div key={column.id} role="columnheader" class={column.numeric ? 'number' : ''} title={column.help} aria-sort={sortable ? (sorted ?? 'none') : undefined}>
                        {sortable ? (
                            <button type="button" tabIndex={-1} onClick={() => props.onSort?.(nextSort(props.sort, column.id, column.numeric === true))}>
                                {column.title}
                                <span class="sort-mark" aria-hidden="true">{sorted ? (sorted === 'ascending' ? '▲' : '▼') : ''}</span>
                            </button>
                        ) : (
                            column.title
                        )}
                    </div>
                );
            })}
        </div>
    );
}

export function Grid<R>(props: GridProps<R>) {
    const [host, [, height]] = useSize();
    const [top, setTop] = useState(0);
    const [active, setActive] = useState(0);
    const wantsFocus = useRef(false);
    const widest = props.columns.reduce((sum, column) => sum + Number(/\d+/.exec(column.width)?.[0] ?? 0), 0);
    const template = props.columns.map((column) => column.width).join(' ');
    const first = Math.max(0, Math.floor(top / ROW_PX) - SPARE);
    const last = Math.min(props.rows.length, Math.ceil((top + height) / ROW_PX) + SPARE, first + MOST_ROWS);
    const at = Math.min(active, Math.max(0, props.rows.length - 1));

    useEffect(() => {
        if (!wantsFocus.current) return;
        wantsFocus.current = false;
        host.current?.querySelector<HTMLElement>(`[data-row="${at}"]`)?.focus({ preventScroll: true });
    });

    const move = (to: number): void => {
        const next = Math.min(Math.max(0, to), props.rows.length - 1);
        const scroller = host.current;
        setActive(next);
        wantsFocus.current = true;
        if (scroller) {
            const y = next * ROW_PX;
            if (y < scroller.scrollTop) scroller.scrollTop = y;
            else if (y + 2 * ROW_PX > scroller.scrollTop + height) scroller.scrollTop = y + 2 * ROW_PX - height;
            setTop(scroller.scrollTop);
        }
        if (props.rows[next] !== undefined) props.onChoose?.(props.rows[next]);
    };

    const onKey = (event: KeyboardEvent): void => {
        const page = Math.max(1, Math.floor(height / ROW_PX) - 2);
        const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: props.rows.length - 1 };
        const row = props.rows[at];
        if (event.key in steps) move(steps[event.key]);
        else {
            const used = row !== undefined && (props.onKey?.(row, event, at) ?? false);
            if (typeof used === 'number') move(used);
            else if (used) wantsFocus.current = true;
            else if (event.key === 'Enter' && row !== undefined && props.onOpen) props.onOpen(row);
            else return;
        }
        event.preventDefault();
        event.stopPropagation();
    };

    const tree = props.level !== undefined;
    return (
        <div class="grid" ref={host} onScroll={(event) => setTop(event.currentTarget.scrollTop)} onKeyDown={onKey} tabIndex={props.rows.length === 0 ? 0 : -1}>
            <div role={tree ? 'treegrid' : 'grid'} style={{ minWidth: `${widest}px` }} aria-label={props.label} aria-rowcount={props.rows.length + 1} aria-colcount={props.columns.length}>
                <div role="rowgroup" class="grid-heads">
                    <Heads columns={props.columns} sort={props.sort} onSort={props.onSort} template={template} />
                </div>
                <div role="rowgroup" style={{ height: `${props.rows.length * ROW_PX}px`, position: 'relative' }}>
                    {props.rows.slice(first, last).map((row, i) => {
                        const index = first + i;
                        const key = props.rowKey(row);
                        return (
                            <div
                                key={key}
                                class={`grid-row ${props.dim?.(row) ? 'grid-dim' : ''}`}
                                role="row"
                                aria-rowindex={index + 2}
                                aria-selected={props.chosen === key}
                                aria-level={props.level?.(row)}
                                aria-expanded={props.expanded?.(row)}
                                data-row={index}
                                tabIndex={index === at ? 0 : -1}
                                style={{ gridTemplateColumns: template, transform: `translateY(${index * ROW_PX}px)` }}
                                onClick={() => {
                                    setActive(index);
                                    props.onChoose?.(row);
                                }}
                                onDblClick={() => props.onOpen?.(row)}
                            >
                                {props.columns.map((column) => (
                                    <div key={column.id} role="gridcell" class={column.numeric ? 'number' : ''}>{column.cell(row)}</div>
                                ))}
                            </div>
                        );
                    })}
                </div>
            </div>
        </div>
    );
}
