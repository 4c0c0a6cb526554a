// SPDX-License-Identifier: Apache-2.0
// The panel about the selected call, function or site: figures, history, threads and tasks, and where to go from here.
import { computed } from '@preact/signals';
import { copyText, focusNode, sandwich, setFilter, setView } from '../actions';
import { groupLabel, groupOfContext, threadLabel } from '../data/labels';
import { formatBytes, formatCount, formatDuration, formatShare, formatUncertainty, formatValue, formatValueExact } from '../format';
import { foreignFunctions } from '../query/calltree';
import { aggregateContexts } from '../query/metrics';
import { liveSeries } from '../query/series';
import { body, ctxMask, head, metric, page, queryFor, scopedTotal, selection, stats, unit, values, tree } from '../state';
import { ShareBar, Spark } from './spark';

const MOST_PARTS = 5;

const history = computed(() => {
    const chosen = selection.value;
    const data = body.value;
    return chosen && data ? liveSeries(data.rows, unit.value, chosen.sites, ctxMask.value) : null;
});

const sums = computed(() => {
    const chosen = selection.value;
    const all = values.value;
    if (!chosen || !all) return null;
    let [n, bytes] = [0, 0];
    for (const site of chosen.sites) {
        n += all.n[site];
        bytes += all.bytes[site];
    }
    return { n, bytes };
});

interface Part {
    id: number;
    label: string;
    value: number;
}

/** The chosen metric of the selection, by thread and by task group. */
const parts = computed(() => {
    const chosen = selection.value;
    const data = body.value;
    const top = head.value;
    if (!chosen || !data || !top) return null;
    const mask = new Uint8Array(data.rows.siteNode.length);
    for (const site of chosen.sites) mask[site] = 1;
    const byContext = aggregateContexts(data.rows, top.timeline, { ...queryFor(metric.value), siteMask: mask });
    const amounts = unit.value === 'bytes' ? byContext.bytes : byContext.n;
    const threads = new Map<number, number>();
    const groups = new Map<number, number>();
    amounts.forEach((value, ctx) => {
        if (value <= 0) return;
        const thread = data.rows.ctxThread[ctx];
        const group = groupOfContext(data.rows, ctx);
        threads.set(thread, (threads.get(thread) ?? 0) + value);
        groups.set(group, (groups.get(group) ?? 0) + value);
    });
    const list = (map: Map<number, number>, label: (id: number) => string): Part[] =>
        [...map].map(([id, value]) => ({ id, value, label: label(id) })).sort((x, y) => y.value - x.value);
    return {
        threads: list(threads, (id) => threadLabel(data.labels, stats.value, id)),
        groups: list(groups, (id) => groupLabel(data.labels, stats.value, id)),
    };
});

function PartList(props: { title: string; parts: Part[]; total: number; field: 'threads' | 'groups' }) {
    if (props.parts.length === 0) return null;
    return (
        <section>
            <h3>{props.title}</h3>
            <ul class="parts">
                {props.parts.slice(0, MOST_PARTS).map((part) => (
                    <li key={part.id}>
                        <button type="button" class="link" title="Show only this" onClick={() => setFilter(props.field, [part.id])}>{part.label}</button>
                        <ShareBar part={part.value} whole={props.total} />
                        <span class="number">{formatShare(part.value, props.total)}</span>
                    </li>
                ))}
            </ul>
            {props.parts.length > MOST_PARTS && <p class="muted">and {formatCount(props.parts.length - MOST_PARTS)} more</p>}
        </section>
    );
}

function SiteFigures() {
    const chosen = selection.value;
    const extra = stats.value;
    if (!chosen || !extra || extra.siteMin.length === 0) return null;
    let [min, max, tmp, samples] = [Infinity, 0, 0, 0];
    for (const site of chosen.sites) {
        min = Math.min(min, extra.siteMin[site]);
        max = Math.max(max, extra.siteMax[site]);
        tmp += extra.siteTmpN[site];
        samples += extra.siteSamplesN[site] ?? 0;
    }
    const one = chosen.sites.length === 1 ? chosen.sites[0] : -1;
    const sampled = head.value?.manifest.capture.sample_kind !== 'exact';
    return (
        <dl class="figures">
            <div><dt>block sizes</dt><dd>{min === max ? formatBytes(max) : `${formatBytes(min)} – ${formatBytes(max)}`}</dd></div>
            <div><dt>temporary</dt><dd>{formatCount(tmp)} blocks in the whole run</dd></div>
            {one >= 0 && extra.siteLifeP50[one] > 0 && (
                <div><dt>lifetime</dt><dd>median {formatDuration(extra.siteLifeP50[one])}, 99 % under {formatDuration(extra.siteLifeP99[one])}</dd></div>
            )}
            {sampled && <div><dt>error</dt><dd>{formatUncertainty(samples)} at 95 %</dd></div>}
            <div><dt>sites</dt><dd>{formatCount(chosen.sites.length)} distinct {chosen.sites.length === 1 ? 'stack' : 'stacks'}</dd></div>
        </dl>
    );
}

export function Details() {
    const chosen = selection.value;
    const data = body.value;
    const sum = sums.value;
    if (!chosen || !data || !sum) {
        return (
            <aside class="details details-empty" aria-label="Selected">
                <p class="muted">Select a call to see its figures, its history and who runs it.</p>
            </aside>
        );
    }
    const { labels } = data;
    const value = unit.value === 'bytes' ? sum.bytes : sum.n;
    const list = parts.value;
    return (
        <aside class="details" aria-label="Selected">
            <h2>{labels.func(chosen.func)}</h2>
            <p class="muted place">{labels.place(chosen.node)}{labels.file(chosen.func) !== '' && ` · ${labels.module(chosen.func)}`}</p>
            <p class="big" title={formatValueExact(value, unit.value)}>
                {formatValue(value, unit.value)} <span>{formatShare(value, scopedTotal.value)}</span>
            </p>
            <p class="muted">
                {unit.value === 'bytes' ? `${formatCount(sum.n)} blocks` : formatBytes(sum.bytes)}
                {sum.n > 0 && `, ${formatBytes(sum.bytes / sum.n)} on average`}
            </p>
            <div class="buttons">
                {chosen.treeNode > 0 && page.value.graph !== 'sandwich' && <button type="button" onClick={() => focusNode(chosen.treeNode)}>Narrow to it</button>}
                <button type="button" onClick={() => sandwich(chosen.func)} title="Key s">Callers, callees</button>
                <button type="button" onClick={() => void copyText(labels.stack(chosen.node), 'Stack')}>Copy stack</button>
                {page.value.view === 'leaks' && tree.value && <button type="button" onClick={() => setView('flame')}>Show in Flame</button>}
            </div>
            {history.value && (
                <section>
                    <h3>Live over the run</h3>
                    <Spark series={history.value} width={280} height={44} label="Live memory of the selection over the run" window />
                </section>
            )}
            {list && <PartList title="Threads" parts={list.threads} total={value} field="threads" />}
            {list && list.groups.some((part) => part.id >= 0) && <PartList title="Tasks" parts={list.groups} total={value} field="groups" />}
            <SiteFigures />
            {chosen.treeNode <= 0 || chosen.sites.length === 1 ? <Stack node={chosen.node} title="Stack, allocating call first" /> : null}
        </aside>
    );
}

/** `own`: without frames of runtimes and libraries. */
export function Stack(props: { node: number; title: string; own?: boolean }) {
    const data = body.value;
    if (!data) return null;
    const frames: number[] = [];
    const foreign = props.own ? foreignFunctions(data.names) : null;
    for (let at = props.node; at > 0 && frames.length < 60; at = data.names.nodeParent[at]) {
        if (!foreign || foreign[data.labels.funcOfNode(at)] === 0) frames.push(at);
    }
    return (
        <section>
            <h3>{props.title}</h3>
            <ol class="stack">
                {frames.map((node) => (
                    <li key={node}>
                        {data.labels.short(data.labels.funcOfNode(node))} <span class="muted">{data.labels.place(node)}</span>
                    </li>
                ))}
            </ol>
        </section>
    );
}
