// SPDX-License-Identifier: Apache-2.0
// The flame view: icicle, flame, inverted and sandwich on one canvas, with mouse, keyboard and spoken focus.
import { computed, signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { focusNode, sandwich, saveFile, say, selectFunction, selectTreeNode, update } from '../actions';
import { formatShare, formatValue, formatValueExact, plural } from '../format';
import { outermost, ownOf, pathTo, treeTotals, type CallTree } from '../query/calltree';
import { boxAt, childCount, flameModel, lineOf, neighbour, type Box, type FlameModel, type FlamePart } from '../query/flamemodel';
import { layoutFind, layoutRow, type LayoutTree } from '../query/layout';
import { calleesOf, callersOf, invertedTree, type MergedTree } from '../query/merge';
import { hashPaths } from '../query/pathhash';
import { viewKeys } from '../keys';
import * as state from '../state';
import { Details } from './details';
import { drawFlame, LINE_PX, type FlameScene } from './flamedraw';
import { useSize } from './measure';

const MIN_PX = 0.5;

const widthPx = signal(0);
const hover = signal<Box | null>(null);
const focus = signal<Box | null>(null);
const pointer = signal<[number, number]>([0, 0]);

function zoomedInverse(tree: CallTree, values: Float64Array, total: number, width: number, zoom: string): { merged: MergedTree; root: number } {
    const first = invertedTree(tree, values, (total / width) * MIN_PX);
    const hashes = state.functionHashes.value;
    if (zoom === '' || !hashes) return { merged: first.merged, root: 0 };
    const root = Math.max(0, hashPaths(first.merged, hashes).find(zoom));
    if (root === 0) return { merged: first.merged, root };
    const kept = new Float64Array(values.length);
    for (let i = first.merged.lo[root]; i < first.merged.hi[root]; i++) {
        const site = first.sites[first.merged.items[i]];
        kept[site] = values[site];
    }
    const { merged } = invertedTree(tree, kept, (first.merged.total[root] / width) * MIN_PX);
    return { merged, root: Math.max(0, hashPaths(merged, hashes).find(zoom)) };
}

const outerOfTree = computed(() => {
    const tree = state.tree.value;
    const data = state.body.value;
    return tree && data ? outermost(tree.parent, tree.func, data.names.funcName.length) : null;
});

/** Function of the sandwich: the chosen one, else the one with the largest own value. */
const middleFunc = computed(() => {
    const tree = state.tree.value;
    const values = state.scopedValues.value;
    if (state.focusFunc.value >= 0 || !tree || !values) return state.focusFunc.value;
    let best = -1;
    values.forEach((value, site) => {
        if (value > 0 && (best < 0 || value > values[best])) best = site;
    });
    return best < 0 ? -1 : tree.func[tree.ofSite[best]];
});

const inverse = computed(() => {
    const tree = state.tree.value;
    const values = state.scopedValues.value;
    const { graph, zoom } = state.page.value;
    if (graph !== 'inverted' || !tree || !values || widthPx.value < 20) return null;
    return zoomedInverse(tree, values, state.scopedTotal.value, widthPx.value, zoom);
});

function layoutOf(merged: MergedTree): LayoutTree {
    const { firstChild, nextSibling, func, foldedN, foldedTotal, total } = merged;
    return { firstChild, nextSibling, func, foldedN, foldedTotal, totalOf: (node) => total[node] };
}

const model = computed<FlameModel | null>(() => {
    const tree = state.tree.value;
    const sums = state.totals.value;
    const values = state.scopedValues.value;
    const width = widthPx.value;
    if (!tree || !sums || !values || width < 20) return null;
    const { graph } = state.page.value;
    if (graph === 'inverted') {
        if (!inverse.value) return null;
        const { merged, root } = inverse.value;
        return flameModel([{ tree: layoutOf(merged), root, flipped: false, widthPx: width, order: 'value' }], [], MIN_PX);
    }
    if (graph === 'sandwich') {
        const func = middleFunc.value;
        const outer = outerOfTree.value;
        if (func < 0 || !outer) return flameModel([], [], MIN_PX);
        const total = state.scopedTotal.value;
        const scoped = state.siteMask.value ? treeTotals(tree, values) : sums;
        const callers = callersOf(tree, outer, scoped, func, (total / width) * MIN_PX * 0.1);
        const callees = calleesOf(tree, outer, scoped, func, (total / width) * MIN_PX * 0.1);
        if (callees.total[1] <= 0) return flameModel([], [], MIN_PX);
        return flameModel(
            [
                { tree: layoutOf(callers), root: callers.count > 1 ? 1 : 0, flipped: true, widthPx: width, order: 'value' },
                { tree: layoutOf(callees), root: 1, flipped: false, widthPx: width, order: 'value' },
            ],
            [],
            MIN_PX,
        );
    }
    const root = state.rootNode.value;
    const above = root > 0 ? [0, ...pathTo(tree, tree.parent[root])] : [];
    const layoutable = { firstChild: tree.firstChild, nextSibling: tree.nextSibling, totalOf: sums, func: tree.func };
    return flameModel([{ tree: layoutable, root, flipped: graph === 'flame', widthPx: width, order: 'value' }], above, MIN_PX);
});

/** Share of the shown value that has a search hit on its stack. */
const matched = computed(() => {
    const tree = state.tree.value;
    const hits = state.matches.value;
    const values = state.scopedValues.value;
    if (!tree || !hits || !values) return null;
    const under = new Uint8Array(tree.count);
    for (let node = 1; node < tree.count; node++) under[node] = hits[tree.func[node]] | under[tree.parent[node]];
    let sum = 0;
    values.forEach((value, site) => (sum += under[tree.ofSite[site]] === 1 ? value : 0));
    return sum;
});

function isCallTree(): boolean {
    return state.page.value.graph === 'icicle' || state.page.value.graph === 'flame';
}

function boxNode(box: Box): { part: FlamePart; node: number; stub: number } | null {
    const part = model.value?.parts[box.part];
    if (!part || box.rect >= part.layout.count) return null;
    return { part, node: part.layout.node[box.rect], stub: part.layout.stub[box.rect] };
}

function select(box: Box | null): void {
    focus.value = box;
    const target = box && boxNode(box);
    if (!target || target.stub > 0 || target.node === 0) state.selection.value = null;
    else if (isCallTree()) selectTreeNode(target.node);
    else selectFunction(target.part.tree.func[target.node]);
}

function narrow(box: Box): void {
    const target = boxNode(box);
    if (!target) return;
    if (isCallTree()) focusNode(target.node);
    else if (state.page.value.graph === 'sandwich') sandwich(target.part.tree.func[target.node]);
    else {
        const hashes = state.functionHashes.value;
        const merged = inverse.value;
        if (hashes && merged) update({ zoom: target.node === 0 ? '' : hashPaths(merged.merged, hashes).text(target.node) }, 'push');
    }
    focus.value = null;
}

function describe(box: Box): string {
    const target = boxNode(box);
    const data = state.body.value;
    const shown = model.value;
    if (!target || !data || !shown) return '';
    const value = target.stub > 0 ? target.part.layout.stubTotal[box.rect] : target.part.tree.totalOf(target.node);
    const share = formatShare(value, state.scopedTotal.value);
    if (target.stub > 0) return `${target.stub} smaller calls together, ${formatValue(value, state.unit.value)}, ${share}`;
    const name = target.node === 0 ? 'everything' : data.labels.func(target.part.tree.func[target.node]);
    const row = layoutRow(target.part.layout, box.rect) + shown.above.length;
    return `${name}, ${formatValue(value, state.unit.value)}, ${share}, depth ${row}, ${plural(childCount(target.part.tree, target.node), 'child', 'children')}`;
}

function firstBox(): Box | null {
    const shown = model.value;
    if (!shown || shown.parts.length === 0) return null;
    const last = shown.parts.length - 1;
    return shown.parts[last].layout.count > 0 ? { part: last, rect: 0 } : null;
}

function nextHit(step: number): Box | null {
    const shown = model.value;
    const hits = state.matches.value;
    if (!shown || !hits) return null;
    const all: Box[] = [];
    shown.parts.forEach((part, p) => {
        for (let rect = 0; rect < part.layout.count; rect++) {
            if (part.layout.stub[rect] === 0 && part.layout.node[rect] !== 0 && hits[part.tree.func[part.layout.node[rect]]] === 1) all.push({ part: p, rect });
        }
    });
    if (all.length === 0) return null;
    const at = all.findIndex((box) => box.part === focus.value?.part && box.rect === focus.value.rect);
    return all[(at + step + all.length) % all.length];
}

const ARROWS: Record<string, 'left' | 'right' | 'up' | 'down'> = { ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down' };

function onFlameKey(event: KeyboardEvent): boolean {
    const shown = model.value;
    if (!shown) return false;
    const inside = event.target === document.body || (event.target instanceof HTMLElement && event.target.closest('.flame-scroll') !== null);
    if (event.key === 'n' || event.key === 'N') {
        const hit = nextHit(event.key === 'n' ? 1 : -1);
        if (hit) moveTo(hit);
        return hit !== null;
    }
    if (event.key === 's' && state.selection.value) {
        sandwich(state.selection.value.func);
        return true;
    }
    if (!inside) return false;
    const direction = ARROWS[event.key];
    if (direction) {
        const from = focus.value ?? null;
        const next = from ? neighbour(shown, from, direction) : firstBox();
        if (next) moveTo(next);
        return next !== null;
    }
    if (event.key === 'Enter' && focus.value) {
        narrow(focus.value);
        return true;
    }
    return false;
}

function moveTo(box: Box): void {
    select(box);
    say(describe(box));
    const part = model.value?.parts[box.part];
    const scroller = document.querySelector('.flame-scroll');
    if (!part || !scroller) return;
    const y = lineOf(part, layoutRow(part.layout, box.rect)) * LINE_PX;
    if (y < scroller.scrollTop) scroller.scrollTop = y;
    else if (y + LINE_PX > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = y + LINE_PX - scroller.clientHeight;
}

function Tooltip() {
    const box = hover.value;
    const target = box && boxNode(box);
    const data = state.body.value;
    if (!box || !target || !data) return null;
    const { labels, names } = data;
    const tree = state.tree.value;
    const unit = state.unit.value;
    const value = target.stub > 0 ? target.part.layout.stubTotal[box.rect] : target.part.tree.totalOf(target.node);
    const func = target.part.tree.func[target.node];
    const [x, y] = pointer.value;
    const style = { left: `${Math.min(x + 14, Math.max(0, widthPx.value - 430))}px`, top: `${y + 18}px` };
    const share = formatShare(value, state.scopedTotal.value);
    const origin = isCallTree() && tree ? tree.origin[target.node] : -1;
    const own = isCallTree() && tree && target.stub === 0 && state.totals.value ? ownOf(tree, state.totals.value, target.node) : -1;
    return (
        <div class="tooltip" style={style} aria-hidden="true">
            <b>{target.stub > 0 ? `${target.stub} smaller calls` : target.node === 0 ? 'everything' : labels.func(func)}</b>
            <div>{formatValue(value, unit)} · {share} <span class="muted">({formatValueExact(value, unit)})</span></div>
            {own > 0 && <div>{formatValue(own, unit)} allocated by itself</div>}
            {target.stub === 0 && target.node !== 0 && (
                <div class="muted">{origin >= 0 ? labels.place(origin) : labels.file(func)} · {labels.moduleName(names.funcMod[func])}</div>
            )}
        </div>
    );
}

/** Stacks with their values as text, root first, the form that other flame graph tools read. */
function saveFolded(): void {
    const data = state.body.value;
    const values = state.scopedValues.value;
    if (!data || !values) return;
    const lines: string[] = [];
    values.forEach((value, site) => {
        if (value <= 0) return;
        const frames: string[] = [];
        for (let node = data.rows.siteNode[site]; node > 0; node = data.names.nodeParent[node]) frames.push(data.labels.func(data.labels.funcOfNode(node)).replace(/;/g, ':'));
        lines.push(`${frames.reverse().join(';')} ${value}`);
    });
    saveFile('memscope-stacks.folded', 'text/plain', `${lines.join('\n')}\n`);
}

function scene(shown: FlameModel): FlameScene | null {
    const tree = state.tree.value;
    const data = state.body.value;
    if (!tree || !data) return null;
    const direct = isCallTree();
    return {
        model: shown, tree, labels: data.labels, matches: state.matches.value, unit: state.unit.value, theme: state.theme.value, hover: hover.value, focus: focus.value,
        inlined: (part, node) => direct && !part.flipped && tree.inlined[node] === 1,
        rootLabel: state.rootNode.value === 0 ? `everything ${state.scopeText.value}` : '',
    };
}

function Canvas() {
    const [host, [width, height]] = useSize();
    const canvas = useRef<HTMLCanvasElement>(null);
    const shown = model.value;
    const lines = shown ? shown.lines : 0;
    useEffect(() => {
        widthPx.value = width;
    }, [width]);
    const redraw = (): void => {
        const now = model.value && scene(model.value);
        if (now && canvas.current && host.current) drawFlame(canvas.current, now, host.current.scrollTop, width, height);
    };
    useLayoutEffect(redraw, [shown, width, height, hover.value, focus.value, state.matches.value, state.theme.value]);
    const { graph } = state.page.value;
    useEffect(() => {
        const scroller = host.current;
        const now = model.value;
        if (!scroller || !now || now.parts.length === 0 || height < LINE_PX) return;
        if (graph === 'sandwich') scroller.scrollTop = (now.parts[now.parts.length - 1].top - height / LINE_PX + 5) * LINE_PX;
        else scroller.scrollTop = graph === 'flame' ? now.lines * LINE_PX : 0;
        redraw();
    }, [graph, graph === 'sandwich' ? middleFunc.value : -1, state.rootNode.value, height > 0 && lines > 0]);
    useEffect(() => {
        const selected = state.selection.value;
        if (!shown || !isCallTree()) {
            if (shown && focus.value && !boxNode(focus.value)) focus.value = null;
            return;
        }
        const rect = selected && selected.treeNode > 0 && shown.parts[0] ? layoutFind(shown.parts[0].layout, selected.treeNode) : -1;
        focus.value = rect >= 0 ? { part: 0, rect } : null;
    }, [shown, state.selection.value]);
    const boxOf = (event: MouseEvent): Box | null => {
        if (!host.current || !shown) return null;
        const area = host.current.getBoundingClientRect();
        const x = event.clientX - area.left;
        const y = event.clientY - area.top + host.current.scrollTop;
        pointer.value = [x, event.clientY - area.top];
        return boxAt(shown, Math.floor(y / LINE_PX), x);
    };
    const aboveAt = (event: MouseEvent): number => {
        if (!host.current || !shown || shown.above.length === 0) return -1;
        const line = Math.floor((event.clientY - host.current.getBoundingClientRect().top + host.current.scrollTop) / LINE_PX);
        const upwards = shown.parts[0]?.flipped;
        const at = upwards ? shown.lines - 1 - line : line;
        return at >= 0 && at < shown.above.length ? shown.above[at] : -1;
    };
    return (
        <div
            class="flame-scroll"
            ref={host}
            tabIndex={0}
            role="application"
            aria-roledescription="flame graph"
            aria-label={`${graph} of ${state.scopeText.value}: arrow keys move, Enter narrows, Backspace goes out. The Tree and Table views hold the same figures as text.`}
            onScroll={redraw}
            onMouseMove={(event) => (hover.value = boxOf(event))}
            onMouseLeave={() => (hover.value = null)}
            onClick={(event) => {
                const above = aboveAt(event);
                if (above >= 0) focusNode(above);
                else select(boxOf(event));
            }}
            onDblClick={(event) => {
                const box = boxOf(event);
                if (box) narrow(box);
            }}
        >
            <canvas class="flame-canvas" ref={canvas} role="img" aria-label={`Shares of ${formatValue(state.scopedTotal.value, state.unit.value)} by call`} />
            <div style={{ height: `${Math.max(0, lines * LINE_PX - height)}px` }} />
        </div>
    );
}

export function FlameView() {
    useEffect(() => {
        viewKeys.handler = onFlameKey;
        return () => (viewKeys.handler = null);
    }, []);
    const total = state.scopedTotal.value;
    return (
        <div class="split">
            <div class="flame">
                {total <= 0 && <p class="nothing">Nothing is {state.scopeText.value}.</p>}
                <Canvas />
                <Tooltip />
                <p class="foot">
                    <span data-testid="flame-total" data-value={total}>
                        <b>{formatValue(total, state.unit.value)}</b> {state.scopeText.value}
                    </span>
                    {matched.value !== null && <span data-testid="matched"> · {formatShare(matched.value, total)} with a hit on the stack</span>}
                    <span class="muted"> · click selects, double-click narrows, ? lists the keys</span>
                    <button type="button" class="quiet foot-button" title="One line per stack, for other viewers" onClick={saveFolded}>save folded stacks</button>
                </p>
            </div>
            <Details />
        </div>
    );
}
