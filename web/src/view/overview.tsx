// SPDX-License-Identifier: Apache-2.0
// The first view: what was found, in ranked sentences, and who holds, leaks and churns the most.
import { computed } from '@preact/signals';
import { followLink, selectFunction, setMetric, setView, update } from '../actions';
import type { Finding, MetricId } from '../data/manifest';
import { formatBytes, formatCount, formatDuration, formatPercent, formatRate, formatShare, formatTime, formatValue, plural, shortened, visible } from '../format';
import { METRICS } from '../query/metrics';
import { body, hashOfFunc, head, narrowed, pickUnit, scopeText, stats, sumsOf, unit } from '../state';
import { Bars } from './bars';
import { strategyName } from './header';
import { ShareBar } from './spark';
import { Place } from './place';

const TOP = 5;

const SEVERITY: Record<string, { mark: string; name: string }> = {
    high: { mark: '▲', name: 'high' }, medium: { mark: '◆', name: 'medium' }, low: { mark: '●', name: 'low' }, good: { mark: '✓', name: 'good' },
};

function findingValue(finding: Finding): string | null {
    const { value, unit: kind } = finding;
    if (value === undefined) return null;
    if (kind === 'bytes') return formatBytes(value);
    if (kind === 'bytes/s') return formatRate(value);
    if (kind === 'ratio') return formatPercent(value, 1);
    if (kind === 'ns') return formatDuration(value);
    return formatCount(value);
}

function FindingRow({ finding }: { finding: Finding }) {
    const severity = SEVERITY[finding.severity] ?? { mark: '●', name: visible(finding.severity) };
    const value = findingValue(finding);
    const inner = (
        <>
            <span class={`mark mark-${severity.name}`} aria-hidden="true">{severity.mark}</span>
            <span class="spoken">{severity.name}: </span>
            <span class="finding-text">
                <b>{shortened(visible(finding.title), 600)}</b>
                {finding.text && <span>{shortened(visible(finding.text), 1200)}</span>}
            </span>
            {value && <span class="finding-value">{value}</span>}
        </>
    );
    const { link } = finding;
    if (!link) return <li class="finding">{inner}</li>;
    return (
        <li>
            <button type="button" class="finding finding-link" onClick={() => followLink(link)} title="Show where">{inner}</button>
        </li>
    );
}

function Findings() {
    const data = head.value;
    if (!data) return null;
    const { findings, totals } = data.manifest;
    const fine = totals.leak_n
        ? `Nothing grows, no hot churn; never freed: ${plural(totals.leak_n, 'block')}, ${formatBytes(totals.leak_bytes)}.`
        : 'No leak, no growth, no hot churn: nothing to do here.';
    return (
        <section class="card card-findings" aria-labelledby="findings-title">
            <h2 id="findings-title">Findings</h2>
            {findings.length === 0 ? (
                <p class="all-good"><span aria-hidden="true">✓</span> {fine}</p>
            ) : (
                <ul class="findings">{findings.map((finding) => <FindingRow key={finding.id} finding={finding} />)}</ul>
            )}
        </section>
    );
}

interface TopEntry {
    func: number;
    value: number;
    /** Its heaviest site, to name a place. */
    site: number;
}

/** The functions that sites are named after, with the largest sums of their sites. */
function topFunctions(id: MetricId): { list: TopEntry[]; total: number } {
    const sums = sumsOf(id);
    const data = body.value;
    if (!sums || !data) return { list: [], total: 0 };
    const { funcName, nodeFrame, frameFunc } = data.names;
    const values = narrowed(pickUnit(sums));
    const perFunc = new Float64Array(funcName.length);
    const heaviest = new Int32Array(funcName.length).fill(-1);
    let total = 0;
    for (let site = 0; site < values.length; site++) {
        if (values[site] <= 0) continue;
        const func = frameFunc[nodeFrame[data.owners[site]]];
        total += values[site];
        perFunc[func] += values[site];
        if (heaviest[func] < 0 || values[site] > values[heaviest[func]]) heaviest[func] = site;
    }
    const list: TopEntry[] = [];
    perFunc.forEach((value, func) => {
        if (value <= 0 || (list.length === TOP && value <= list[TOP - 1].value)) return;
        list.push({ func, value, site: heaviest[func] });
        list.sort((x, y) => y.value - x.value || x.func - y.func);
        if (list.length > TOP) list.pop();
    });
    return { list, total };
}

const tops = {
    peak: computed(() => topFunctions('peak')),
    leak: computed(() => topFunctions('leak')),
    alloc: computed(() => topFunctions('alloc')),
    temp: computed(() => topFunctions('temp')),
};

function TopList(props: { id: 'peak' | 'leak' | 'alloc' | 'temp'; title: string }) {
    const data = body.value;
    const { list, total } = tops[props.id].value;
    const info = METRICS.find((entry) => entry.id === props.id);
    return (
        <section class="card" aria-label={props.title}>
            <h2>
                {props.title}
                <span class="card-total">{formatValue(total, unit.value)}</span>
            </h2>
            {data && list.length > 0 && (
                <ol class="top">
                    {list.map((entry) => {
                        return (
                            <li key={entry.func}>
                                <button
                                    type="button"
                                    class="link"
                                    title={`${data.labels.func(entry.func).slice(0, 800)}: who calls it, what it calls`}
                                    onClick={() => {
                                        update({ view: 'flame', graph: 'sandwich', func: hashOfFunc(entry.func), metric: props.id }, 'push');
                                        selectFunction(entry.func);
                                    }}
                                >
                                    {data.labels.short(entry.func)}
                                </button>
                                <Place at={data.labels.place(data.owners[entry.site])} />
                                <ShareBar part={entry.value} whole={total} />
                                <span class="number">{formatValue(entry.value, unit.value)}</span>
                                <span class="number percent">{formatShare(entry.value, total)}</span>
                            </li>
                        );
                    })}
                </ol>
            )}
            {!data && <p class="muted">reading…</p>}
            {data && list.length === 0 && <p class="muted">Nothing here.</p>}
            {list.length > 0 && (
                <button
                    type="button"
                    class="quiet"
                    onClick={() => {
                        setMetric(props.id);
                        setView('table');
                    }}
                >
                    all {info?.short} in the table →
                </button>
            )}
        </section>
    );
}

function Histograms() {
    const extra = stats.value;
    if (!extra || extra.sizeClass.length === 0) return null;
    return (
        <>
            <section class="card" aria-label="Block sizes">
                <h2>Block sizes</h2>
                <Bars bounds={extra.sizeClass} values={unit.value === 'bytes' ? extra.sizeHistBytes : extra.sizeHistN} format={formatBytes} unit={unit.value} height={96} />
            </section>
            <section class="card" aria-label="Lifetimes">
                <h2>Lifetimes of freed blocks</h2>
                <Bars bounds={extra.lifeClass} values={unit.value === 'bytes' ? extra.lifeHistBytes : extra.lifeHistN} format={formatDuration} unit={unit.value} height={96} />
            </section>
        </>
    );
}

function Measured() {
    const data = head.value;
    if (!data) return null;
    const { capture, overhead, fidelity, session } = data.manifest;
    const exact = capture.sample_kind === 'exact';
    return (
        <section class="card" aria-label="How it was measured">
            <h2>How it was measured</h2>
            <p>
                Strategy <b>{strategyName(capture.strategy)}</b>, {capture.chosen_by === 'user' ? 'as asked for' : 'chosen from what was found'}
                {capture.confidence !== undefined && ` (confidence ${formatPercent(capture.confidence, 1)})`}. {exact ? 'Every event was recorded' : `Blocks were sampled (${visible(capture.sample_kind)})`}:
                {' '}{formatCount(overhead.events_n)} events, {overhead.lost_n === 0 ? 'none lost' : `${formatCount(overhead.lost_n)} lost`}.
            </p>
            <p class="muted">
                {plural(fidelity.slices, 'slice')} of {formatDuration(fidelity.min_slice_ns)} to {formatDuration(fidelity.max_slice_ns)} over {formatTime(session.duration_ns)}. Windows snap to slices.
            </p>
            <button type="button" class="quiet" onClick={() => setView('run')}>all about the run →</button>
        </section>
    );
}

export function Overview() {
    return (
        <div class="overview">
            <div class="cards">
                <Findings />
                <TopList id="peak" title="Held at peak" />
                <TopList id="leak" title="Never freed" />
                <TopList id="alloc" title="Allocated most" />
                <TopList id="temp" title="Short-lived" />
                <Histograms />
                <Measured />
            </div>
            <p class="foot muted">Lists count {unit.value === 'bytes' ? 'bytes' : 'blocks'} in the chosen window; the metric chosen above is {scopeText.value}.</p>
        </div>
    );
}
