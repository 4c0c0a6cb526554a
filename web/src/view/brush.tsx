// SPDX-License-Identifier: Apache-2.0
// The window over the time charts: drawn by mouse or touch, moved by its two labelled slider handles or the keyboard.
import { useRef } from 'preact/hooks';
import { resizeWindow, say, setWindow, shiftWindow, wholeRun } from '../actions';
import { formatTime } from '../format';
import { nearestEdge, windowAround } from '../query/edges';
import { head, slices, whole, window_ } from '../state';
import { GUTTER_LEFT, GUTTER_RIGHT } from './chart';

const GRAB_PX = 8;

export interface BrushProps {
    /** Seconds shown by the charts below. */
    range: [number, number];
    onHover: (at_ns: number | null) => void;
}

interface Drag {
    kind: 'new' | 'move' | 'start' | 'end';
    anchor_ns: number;
    i0: number;
    i1: number;
    frame: number;
    moved: boolean;
}

function handleKey(event: KeyboardEvent, end: 'i0' | 'i1'): void {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
    const last = slices.value;
    const { i0, i1 } = window_.value;
    let edge = end === 'i0' ? i0 : i1;
    if (by !== undefined) edge += by * (event.shiftKey ? 10 : 1);
    else if (event.key === 'Home') edge = end === 'i0' ? 0 : i0 + 1;
    else if (event.key === 'End') edge = end === 'i1' ? last : i1 - 1;
    else return;
    event.preventDefault();
    event.stopPropagation();
    if (end === 'i0') setWindow({ i0: Math.min(Math.max(0, edge), i1 - 1), i1 }, 'replace');
    else setWindow({ i0, i1: Math.max(Math.min(last, edge), i0 + 1) }, 'replace');
}

function Handle(props: { end: 'i0' | 'i1'; left: number; shown: boolean }) {
    const data = head.value;
    if (!data) return null;
    const edge = window_.value[props.end];
    const name = props.end === 'i0' ? "window's start" : "window's end";
    return (
        <div
            class={`brush-handle ${props.shown ? '' : 'brush-handle-out'}`}
            style={{ left: `${props.left}%` }}
            role="slider"
            tabIndex={0}
            aria-label={name}
            aria-orientation="horizontal"
            aria-valuemin={0}
            aria-valuemax={slices.value}
            aria-valuenow={edge}
            aria-valuetext={formatTime(data.timeline.edge_ns[edge])}
            data-end={props.end}
            onKeyDown={(event) => handleKey(event, props.end)}
        />
    );
}

export function Brush(props: BrushProps) {
    const area = useRef<HTMLDivElement>(null);
    const drag = useRef<Drag | null>(null);
    const data = head.value;
    if (!data) return null;
    const { edge_ns } = data.timeline;
    const [from, until] = props.range;
    const share = (at_ns: number): number => Math.min(100, Math.max(0, ((at_ns / 1e9 - from) / (until - from)) * 100));
    const inView = (at_ns: number): boolean => at_ns / 1e9 >= from && at_ns / 1e9 <= until;
    const timeAt = (event: PointerEvent): number => {
        const box = area.current?.getBoundingClientRect();
        if (!box || box.width === 0) return 0;
        const x = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
        return (from + x * (until - from)) * 1e9;
    };

    const apply = (at_ns: number): void => {
        const now = drag.current;
        if (!now) return;
        if (now.kind === 'new') setWindow(windowAround(edge_ns, now.anchor_ns, at_ns), 'hold');
        else if (now.kind === 'start') setWindow({ i0: Math.min(nearestEdge(edge_ns, at_ns), now.i1 - 1), i1: now.i1 }, 'hold');
        else if (now.kind === 'end') setWindow({ i0: now.i0, i1: Math.max(nearestEdge(edge_ns, at_ns), now.i0 + 1) }, 'hold');
        else {
            const moved = at_ns - now.anchor_ns;
            const first = edge_ns[now.i0] + moved;
            const length = edge_ns[now.i1] - edge_ns[now.i0];
            const start = Math.min(Math.max(0, first), edge_ns[slices.value] - length);
            setWindow(windowAround(edge_ns, start, start + length), 'hold');
        }
    };

    const onDown = (event: PointerEvent): void => {
        if (event.button !== 0 || !area.current) return;
        const box = area.current.getBoundingClientRect();
        const at_ns = timeAt(event);
        const x = event.clientX - box.left;
        const { i0, i1 } = window_.value;
        const near = (edge: number): boolean => Math.abs((share(edge_ns[edge]) / 100) * box.width - x) <= GRAB_PX;
        let kind: Drag['kind'] = 'new';
        if (!whole.value) {
            if (near(i0)) kind = 'start';
            else if (near(i1)) kind = 'end';
            else if (at_ns > edge_ns[i0] && at_ns < edge_ns[i1] && !event.altKey) kind = 'move';
        }
        drag.current = { kind, anchor_ns: at_ns, i0, i1, frame: 0, moved: false };
        area.current.setPointerCapture(event.pointerId);
        if (kind === 'start' || kind === 'end') area.current.querySelector<HTMLElement>(`[data-end=${kind === 'start' ? 'i0' : 'i1'}]`)?.focus();
    };

    const onMove = (event: PointerEvent): void => {
        const at_ns = timeAt(event);
        props.onHover(at_ns);
        const now = drag.current;
        if (!now || (!now.moved && Math.abs(share(at_ns) - share(now.anchor_ns)) < 0.15)) return;
        now.moved = true;
        cancelAnimationFrame(now.frame);
        now.frame = requestAnimationFrame(() => apply(at_ns));
    };

    const onUp = (event: PointerEvent): void => {
        const now = drag.current;
        if (!now) return;
        cancelAnimationFrame(now.frame);
        if (now.moved) {
            apply(timeAt(event));
            setWindow(window_.value, 'push');
            const { i0, i1 } = window_.value;
            say(`Window ${formatTime(edge_ns[i0])} to ${formatTime(edge_ns[i1])}`);
        }
        drag.current = null;
    };

    const { i0, i1 } = window_.value;
    const left = share(edge_ns[i0]);
    const right = share(edge_ns[i1]);
    return (
        <div
            class="brush"
            ref={area}
            style={{ left: `${GUTTER_LEFT}px`, right: `${GUTTER_RIGHT}px` }}
            onMouseDown={(event) => event.preventDefault()}
            onPointerDown={onDown}
            onPointerMove={onMove}
            onPointerUp={onUp}
            onPointerCancel={() => (drag.current = null)}
            onPointerLeave={() => props.onHover(null)}
            onDblClick={wholeRun}
            onWheel={(event) => {
                if (!event.shiftKey) return;
                event.preventDefault();
                if (event.altKey) resizeWindow(event.deltaY > 0 ? 1 : -1);
                else shiftWindow(event.deltaY > 0 ? 1 : -1);
            }}
        >
            <div class="brush-veil" style={{ left: 0, width: `${left}%` }} />
            <div class="brush-veil" style={{ left: `${right}%`, right: 0 }} />
            {!whole.value && <div class="brush-window" style={{ left: `${left}%`, width: `${right - left}%` }} />}
            <Handle end="i0" left={left} shown={inView(edge_ns[i0])} />
            <Handle end="i1" left={right} shown={inView(edge_ns[i1])} />
        </div>
    );
}
