// SPDX-License-Identifier: Apache-2.0
// The tree view: calls from the root down or from the allocation up, as a treegrid with figures; chains of single calls in one row.
import { computed, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { focusNode, sandwich, selectFunction, selectTreeNode } from '../actions';
import { formatCount, formatPercent, formatValue, formatValueExact } from '../format';
import { viewKeys } from '../keys';
import { invertedTree } from '../query/merge';
import { heaviestPath, treeRows, walkBottomUp, walkTopDown, type TreeRow, type Walkable } from '../query/treerows';
import * as state from '../state';
import { Details } from './details';
import { Grid, type GridColumn } from './grid';
import { ShareBar } from './spark';
import { Place } from './place';

const FLOOR_SHARE = 0.0005;
const MOST_ROWS = 20000;
const LONGEST_CHAIN = 4;

const bottomUp = computed(() => state.page.value.bottomUp);
const open = signal<ReadonlySet<number>>(new Set());

const merged = computed(() => {
    const tree = state.tree.value;
    const values = state.scopedValues.value;
    if (!bottomUp.value || !tree || !values) return null;
    return invertedTree(tree, values, state.scopedTotal.value * FLOOR_SHARE).merged;
});

const walk = computed<Walkable | null>(() => {
    if (merged.value) return walkBottomUp(merged.value);
    const tree = state.tree.value;
    const totals = state.totals.value;
    return tree && totals ? walkTopDown(tree, totals) : null;
});

const floor = computed(() => state.scopedTotal.value * FLOOR_SHARE);
const root = computed(() => (bottomUp.value ? 0 : state.rootNode.value));
const rows = computed<TreeRow[]>(() => (walk.value ? treeRows(walk.value, root.value, open.value, floor.value, MOST_ROWS) : []));

function funcOf(node: number): number {
    const tree = state.tree.value;
    return merged.value ? merged.value.func[node] : tree ? tree.func[node] : 0;
}

function setOpen(keys: number[], isOpen: boolean): void {
    const next = new Set(open.value);
    for (const key of keys) {
        if (isOpen) next.add(key);
        else next.delete(key);
    }
    open.value = next;
}

function openChain(row: TreeRow): void {
    if (walk.value) setOpen([row.key, ...heaviestPath(walk.value, row.key, floor.value)], true);
}

function chainText(row: TreeRow): string {
    const data = state.body.value;
    if (!data) return '';
    const names = row.chain.map((node) => data.labels.short(funcOf(node)));
    if (names.length <= LONGEST_CHAIN) return names.join(' › ');
    return `${names[0]} › … ${names.length - 3} more … › ${names[names.length - 2]} › ${names[names.length - 1]}`;
}

function matchesRow(row: TreeRow): boolean {
    const hits = state.matches.value;
    return !hits || row.chain.some((node) => hits[funcOf(node)] === 1);
}

function columns(): GridColumn<TreeRow>[] {
    const data = state.body.value;
    const total = state.scopedTotal.value;
    const unit = state.unit.value;
    const tree = state.tree.value;
    return [
        {
            id: 'name', title: bottomUp.value ? 'Allocating function, then its callers' : 'Call', width: 'minmax(300px, 1fr)',
            cell: (row) => (
                <span class="tree-name" style={{ paddingLeft: `${Math.min(row.level - 1, 40) * 14}px` }}>
                    <button
                        type="button"
                        class="twist"
                        tabIndex={-1}
                        aria-hidden="true"
                        style={{ visibility: row.children > 0 ? 'visible' : 'hidden' }}
                        onClick={(event) => {
                            event.stopPropagation();
                            setOpen([row.key], !row.open);
                        }}
                    >
                        {row.open ? '▾' : '▸'}
                    </button>
                    <span class="name" title={row.chain.map((node) => data?.labels.func(funcOf(node))).join(' › ').slice(0, 1500)}>{chainText(row)}</span>
                    {data && tree && !merged.value && <Place at={data.labels.place(tree.origin[row.key])} />}
                </span>
            ),
        },
        { id: 'total', title: bottomUp.value ? 'Value' : 'With callees', width: '90px', numeric: true, cell: (row) => <span title={formatValueExact(row.total, unit)}>{formatValue(row.total, unit)}</span> },
        { id: 'share', title: 'Share', width: '112px', numeric: true, cell: (row) => <span class="with-bar with-bar-short"><span class="percent">{formatPercent(row.total, total)}</span><ShareBar part={row.total} whole={total} /></span> },
        ...(bottomUp.value ? [] : [{ id: 'self', title: 'Own', width: '90px', numeric: true, cell: (row: TreeRow) => (row.self > 0 ? formatValue(row.self, unit) : <span class="muted">–</span>) }]),
        { id: 'children', title: bottomUp.value ? 'Callers' : 'Calls', width: '70px', numeric: true, cell: (row) => (row.children > 0 ? formatCount(row.children) : <span class="muted">–</span>) },
    ];
}

function choose(row: TreeRow): void {
    if (merged.value) selectFunction(funcOf(row.key));
    else selectTreeNode(row.key);
}

/** Row above that this one is nested in. */
function parentRow(index: number): number {
    const level = rows.value[index].level;
    let at = index - 1;
    while (at >= 0 && rows.value[at].level >= level) at--;
    return Math.max(0, at);
}

function onKey(row: TreeRow, event: KeyboardEvent, index: number): boolean | number {
    if (event.key === 'ArrowRight' && row.children > 0) {
        if (row.open) return index + 1;
        setOpen([row.key], true);
    } else if (event.key === 'ArrowLeft' && row.open && row.children > 0) setOpen([row.key], false);
    else if (event.key === 'ArrowLeft') return parentRow(index);
    else if (event.key === 'e') openChain(row);
    else if (event.key === 's') sandwich(funcOf(row.key));
    else return false;
    return true;
}

export function TreeView() {
    useEffect(() => {
        open.value = new Set();
    }, [bottomUp.value, state.tree.value]);
    useEffect(() => {
        const now = walk.value;
        if (now && open.value.size === 0 && !bottomUp.value && rows.value.length > 0) setOpen(heaviestPath(now, rows.value[0].chain[0], state.scopedTotal.value * 0.2), true);
    }, [walk.value]);
    useEffect(() => {
        viewKeys.handler = null;
    }, []);
    const selected = state.selection.value;
    return (
        <div class={`split ${state.selection.value ? '' : 'split-alone'}`}>
            <div class="treeview">
                <Grid
                    label={`Calls by memory ${state.scopeText.value}`}
                    columns={columns()}
                    rows={rows.value}
                    rowKey={(row) => row.key}
                    chosen={selected && selected.treeNode > 0 ? selected.treeNode : null}
                    level={(row) => row.level}
                    expanded={(row) => (row.children > 0 ? row.open : undefined)}
                    dim={(row) => !matchesRow(row)}
                    onChoose={choose}
                    onOpen={(row) => (merged.value ? setOpen([row.key], !row.open) : focusNode(row.key))}
                    onKey={onKey}
                />
                <p class="foot">
                    <span data-testid="tree-total" data-value={state.scopedTotal.value}><b>{formatValue(state.scopedTotal.value, state.unit.value)}</b> {state.scopeText.value}</span>
                    <span class="muted"> · arrows open and close, e opens the heaviest path, below {formatPercent(FLOOR_SHARE, 1)} hidden</span>
                </p>
            </div>
            <Details />
        </div>
    );
}
