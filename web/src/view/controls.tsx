// SPDX-License-Identifier: Apache-2.0
// The row of choices above the view: metric, unit, filters, and chips for everything that narrows the figures.
import { clearNarrowing, focusNode, setFilter, setMetric, setTreeOptions, toggleUnit, update } from '../actions';
import { groupLabel, procLabel, threadLabel } from '../data/labels';
import { plural, shortened } from '../format';
import type { PageState } from '../fragment';
import { METRICS } from '../query/metrics';
import { body, filtered, hidesRuntime, metric, page, rootNode, scopeText, search, stats, tree, unit, view } from '../state';
import type { MetricId, View } from '../data/manifest';

/** Views whose figures follow the chosen metric. */
const WITH_METRIC = new Set<View>(['overview', 'flame', 'tree', 'table', 'tasks']);
const WITH_TREE = new Set<View>(['flame', 'tree']);
const MOST_CHOICES = 500;

function MetricChoice() {
    const info = METRICS.find((entry) => entry.id === metric.value);
    return (
        <label class="choice">
            <span>Metric</span>
            <select value={metric.value} title={info?.help} data-testid="metric" onChange={(event) => setMetric(event.currentTarget.value as MetricId)}>
                {METRICS.map((entry) => (
                    <option key={entry.id} value={entry.id}>{entry.label}</option>
                ))}
            </select>
        </label>
    );
}

function UnitChoice() {
    return (
        <div class="switch" role="group" aria-label="Unit">
            <button type="button" aria-pressed={unit.value === 'bytes'} onClick={() => unit.value !== 'bytes' && toggleUnit()}>bytes</button>
            <button type="button" aria-pressed={unit.value === 'count'} onClick={() => unit.value !== 'count' && toggleUnit()}>blocks</button>
        </div>
    );
}

interface FilterProps {
    name: string;
    all: string;
    field: 'procs' | 'threads' | 'groups';
    entries: { id: number; label: string }[];
}

function Filter(props: FilterProps) {
    const chosen = page.value[props.field];
    if (props.entries.length < 2 && chosen.length === 0) return null;
    const known = chosen.length === 1 ? String(chosen[0]) : chosen.length === 0 ? '' : 'many';
    return (
        <label class="choice choice-short">
            <span>{props.name}</span>
            <select value={known} onChange={(event) => setFilter(props.field, event.currentTarget.value === '' ? [] : [Number(event.currentTarget.value)])}>
                <option value="">{props.all}</option>
                {known === 'many' && <option value="many">{chosen.length} chosen</option>}
                {props.entries.map((entry) => (
                    <option key={entry.id} value={entry.id}>{shortened(entry.label, 48)}</option>
                ))}
            </select>
        </label>
    );
}

function Filters() {
    const data = body.value;
    const extra = stats.value;
    if (!data || !extra) return null;
    const { rows, labels } = data;
    const range = (n: number): number[] => Array.from({ length: Math.min(n, MOST_CHOICES) }, (_, i) => i);
    const hasTasks = extra.groupName.length > 0;
    return (
        <>
            <Filter name="Process" all="all" field="procs" entries={range(rows.procEndKind.length).map((id) => ({ id, label: procLabel(labels, extra, id) }))} />
            <Filter name="Thread" all="all" field="threads" entries={range(rows.threadProc.length).map((id) => ({ id, label: threadLabel(labels, extra, id) }))} />
            {hasTasks && (
                <Filter name="Task group" all="all" field="groups" entries={[{ id: -1, label: 'outside tasks' }, ...range(extra.groupName.length).map((id) => ({ id, label: groupLabel(labels, extra, id) }))]} />
            )}
        </>
    );
}

const GRAPH_NAMES: [PageState['graph'], string][] = [['icicle', 'Icicle'], ['flame', 'Flame'], ['inverted', 'Inverted'], ['sandwich', 'Sandwich']];

function GraphChoice() {
    return (
        <div class="switch" role="group" aria-label="Shape">
            {GRAPH_NAMES.map(([id, name]) => (
                <button type="button" key={id} aria-pressed={page.value.graph === id} onClick={() => update({ graph: id, zoom: '' }, 'push')}>{name}</button>
            ))}
        </div>
    );
}

function TreeOptions() {
    const { collapse, byLine, bottomUp } = page.value;
    const hideRuntime = hidesRuntime.value;
    return (
        <>
            {view.value === 'flame' && <GraphChoice />}
            {view.value === 'tree' && (
                <div class="switch" role="group" aria-label="Direction">
                    <button type="button" aria-pressed={!bottomUp} onClick={() => update({ bottomUp: false }, 'push')}>Top-down</button>
                    <button type="button" aria-pressed={bottomUp} onClick={() => update({ bottomUp: true }, 'push')}>Bottom-up</button>
                </div>
            )}
            <label class="tick"><input type="checkbox" checked={hideRuntime} onChange={() => setTreeOptions({ hideRuntime: !hideRuntime })} /> hide runtime</label>
            <label class="tick"><input type="checkbox" checked={collapse} onChange={() => setTreeOptions({ collapse: !collapse })} /> fold recursion</label>
            <label class="tick"><input type="checkbox" checked={byLine} onChange={() => setTreeOptions({ byLine: !byLine })} /> by line</label>
        </>
    );
}

function Chip(props: { text: string; onClear: () => void }) {
    return (
        <span class="chip">
            {props.text}
            <button type="button" aria-label={`Remove: ${props.text}`} onClick={props.onClear}>×</button>
        </span>
    );
}

function Chips() {
    const data = body.value;
    const shape = tree.value;
    const narrowedTo = data && shape && rootNode.value > 0 ? data.labels.short(shape.func[rootNode.value]) : null;
    if (!filtered.value && !narrowedTo && search.value === '') return null;
    const { procs, threads, groups } = page.value;
    return (
        <div class="chips" aria-label="Narrowed by" role="group">
            {procs.length > 0 && <Chip text={procs.length > 1 ? plural(procs.length, 'process', 'processes') : data ? procLabel(data.labels, stats.value, procs[0]) : 'process'} onClear={() => setFilter('procs', [])} />}
            {threads.length > 0 && <Chip text={threads.length > 1 ? plural(threads.length, 'thread') : data ? threadLabel(data.labels, stats.value, threads[0]) : 'thread'} onClear={() => setFilter('threads', [])} />}
            {groups.length > 0 && <Chip text={groups.length > 1 ? plural(groups.length, 'task group') : data ? groupLabel(data.labels, stats.value, groups[0]) : 'task group'} onClear={() => setFilter('groups', [])} />}
            {narrowedTo && <Chip text={`under ${shortened(narrowedTo, 40)}`} onClear={() => focusNode(0)} />}
            {search.value !== '' && <Chip text={`“${shortened(search.value, 30)}”`} onClear={() => update({ search: '' }, 'push')} />}
            <button type="button" class="quiet" onClick={clearNarrowing}>clear all</button>
        </div>
    );
}

export function Controls() {
    if (view.value === 'run') return <div class="controls controls-none" />;
    return (
        <div class="controls" role="group" aria-label="Figures shown">
            {WITH_METRIC.has(view.value) && <MetricChoice />}
            <UnitChoice />
            {view.value !== 'patterns' && <Filters />}
            {WITH_TREE.has(view.value) && <TreeOptions />}
            <Chips />
            {WITH_METRIC.has(view.value) && <span class="scope" data-testid="scope">{unit.value === 'bytes' ? 'bytes' : 'blocks'} {scopeText.value}</span>}
        </div>
    );
}

