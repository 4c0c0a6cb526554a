// SPDX-License-Identifier: Apache-2.0
// How far the figures can be trusted and what they cost: strategy and its reasons, losses, overhead, resident memory, processes.
import type { ComponentChildren } from 'preact';
import type { Manifest } from '../data/manifest';
import { formatBytes, formatCount, formatDuration, formatExact, formatPercent, formatTime, visible } from '../format';
import { intervalLine, performanceLine } from '../query/runfacts';
import { body, head, stats } from '../state';
import { exitText, strategyName } from './header';

interface LineProps {
    name: string;
    children: ComponentChildren;
}

function Line(props: LineProps) {
    return (
        <div>
            <dt>{props.name}</dt>
            <dd>{props.children}</dd>
        </div>
    );
}

function Card(props: { title: string; wide?: boolean; children: ComponentChildren }) {
    return (
        <section class={`card ${props.wide ? 'card-wide' : ''}`} aria-label={props.title}>
            <h2>{props.title}</h2>
            {props.children}
        </section>
    );
}

function Completeness({ manifest }: { manifest: Manifest }) {
    const breaches = body.value?.breaches ?? [];
    const { notices } = manifest;
    return (
        <Card title="Completeness" wide>
            {notices.length === 0 && breaches.length === 0 && <p class="all-good"><span aria-hidden="true">✓</span> Complete: nothing lost, nothing estimated.</p>}
            <ul class="notices">
                {breaches.map((text) => (
                    <li key={text}><span class="tag tag-high">error</span> The file contradicts itself: {visible(text)}.</li>
                ))}
                {notices.map((notice, i) => (
                    <li key={i}>
                        <span class={`tag tag-${notice.severity === 'error' ? 'high' : notice.severity === 'warning' ? 'medium' : 'low'}`}>{visible(notice.severity)}</span>
                        {visible(notice.text)}
                        {notice.at_ns !== undefined && <span class="muted"> at {formatTime(notice.at_ns)}</span>}
                    </li>
                ))}
            </ul>
        </Card>
    );
}

function Strategy({ manifest }: { manifest: Manifest }) {
    const { capture } = manifest;
    return (
        <Card title="Strategy">
            <dl class="lines">
                <Line name="used"><b>{strategyName(capture.strategy)}</b></Line>
                <Line name="chosen by">{{ auto: 'detection', user: 'the command line', promoted: 'promotion while running' }[capture.chosen_by] ?? visible(capture.chosen_by)}{capture.confidence !== undefined && `, confidence ${formatPercent(capture.confidence, 1)}`}</Line>
                <Line name="mode">{visible(capture.mode)}{capture.track_async ? ', async tracking' : ''}{capture.detailed ? ', every event kept' : ''}</Line>
            </dl>
            {capture.reasons.length > 0 && (
                <>
                    <h3>Why</h3>
                    <ul class="plain">{capture.reasons.map((reason) => <li key={reason}>{visible(reason)}</li>)}</ul>
                </>
            )}
            {capture.evidence && capture.evidence.length > 0 && (
                <table class="small-table">
                    <caption>What detection saw</caption>
                    <thead><tr><th scope="col">Fact</th><th scope="col">Points to</th><th scope="col">How far</th></tr></thead>
                    <tbody>
                        {capture.evidence.map((entry) => (
                            <tr key={entry.fact}><td>{visible(entry.fact)}</td><td>{visible(entry.points_to)}</td><td>{visible(entry.value)}</td></tr>
                        ))}
                    </tbody>
                </table>
            )}
            {capture.runtimes?.map((runtime) => (
                <p key={runtime.name}><b>{visible(runtime.name)} {visible(runtime.version ?? '')}</b> <span class="muted">{visible(runtime.how)}</span></p>
            ))}
        </Card>
    );
}

function Sampling({ manifest }: { manifest: Manifest }) {
    const { capture, fidelity, sampling } = manifest;
    const exact = capture.sample_kind === 'exact';
    return (
        <Card title="Precision">
            <dl class="lines">
                <Line name="sampling">{exact ? 'none: every allocation and free' : `${capture.sample_kind === 'by-size' ? 'each block by chance, the larger the likelier' : visible(capture.sample_kind)}; rate ${capture.sample_rate}${capture.effective_rate !== undefined ? `, in effect ${capture.effective_rate.toFixed(3)}` : ''}`}</Line>
                {!exact && <Line name="error">figures of a site rest on its samples: ± 1.96/√n at 95 %, shown where a site is selected</Line>}
                {sampling && <Line name="recorded">{formatPercent(sampling.effective_rate, 1)} of blocks, {formatPercent(sampling.effective_rate_bytes, 1)} of bytes</Line>}
                {sampling?.samples !== undefined && <Line name="samples">{formatExact(sampling.samples)}{sampling.few_samples && <b> few samples: figures are rough</b>}</Line>}
                {sampling && sampling.refused_samples > 0 && <Line name="refused">{formatExact(sampling.refused_samples)} samples</Line>}
                <Line name="time">{formatCount(fidelity.slices)} slices of {formatDuration(fidelity.min_slice_ns)} to {formatDuration(fidelity.max_slice_ns)}; windows snap to their edges</Line>
                <Line name="peak">exact for the whole run; in a chosen window, the highest slice edge</Line>
                <Line name="rows">{formatExact(fidelity.rows)}{fidelity.folded_sites > 0 ? `; ${formatExact(fidelity.folded_sites)} small sites folded (${fidelity.folded_bytes_pct.toFixed(2)} % of bytes)` : '; no site folded'}{fidelity.folded_ctx > 0 ? `, ${formatExact(fidelity.folded_ctx)} contexts folded` : ''}</Line>
                {fidelity.symbols_pct !== undefined && <Line name="names">{fidelity.symbols_pct.toFixed(1)} % of frames named{fidelity.lines_pct !== undefined ? `, ${fidelity.lines_pct.toFixed(1)} % with source lines` : ''}</Line>}
            </dl>
            {sampling?.interval95 && <Facts title="Totals, 95 % interval" lines={Object.entries(sampling.interval95).map(([key, bounds]) => intervalLine(key, bounds))} />}
        </Card>
    );
}

function Facts(props: { title: string; lines: [string, string][] }) {
    return (
        <>
            <h3>{props.title}</h3>
            <dl class="lines">{props.lines.map(([name, text]) => <Line key={name} name={visible(name)}>{text}</Line>)}</dl>
        </>
    );
}

function Cost({ manifest }: { manifest: Manifest }) {
    const { overhead, capture } = manifest;
    return (
        <Card title="Cost">
            <dl class="lines">
                {overhead.wall_pct !== undefined && <Line name="time">{overhead.wall_pct.toFixed(1)} % (estimated)</Line>}
                {overhead.cpu_ns !== undefined && <Line name="CPU">{formatDuration(overhead.cpu_ns)}</Line>}
                <Line name="memory">{formatBytes(overhead.self_bytes_peak)} of at most {formatBytes(capture.max_overhead_bytes)} in the program{overhead.recorder_bytes_peak !== undefined ? `, recorder ${formatBytes(overhead.recorder_bytes_peak)}` : ''}</Line>
                <Line name="events">{formatExact(overhead.events_n)}, {overhead.lost_n === 0 ? 'none lost' : `${formatExact(overhead.lost_n)} lost`}</Line>
                {overhead.unwind_ns_p50 !== undefined && <Line name="a call stack">{formatDuration(overhead.unwind_ns_p50)} median, {formatDuration(overhead.unwind_ns_p99 ?? 0)} at 99 %</Line>}
                {overhead.stacks_n !== undefined && <Line name="stacks">{formatExact(overhead.stacks_n)}; {formatExact(overhead.stacks_truncated_n ?? 0)} truncated, {formatExact(overhead.stacks_guessed_n ?? 0)} with guessed frames</Line>}
                {overhead.recording_bytes !== undefined && <Line name="recording">{formatBytes(overhead.recording_bytes)}</Line>}
            </dl>
            {manifest.performance && <Facts title="Performance" lines={Object.entries(manifest.performance).map(([key, value]) => performanceLine(key, value))} />}
        </Card>
    );
}

const RSS_PARTS = [
    ['heap_bytes', 'live heap', 'rss-heap'], ['held_bytes', 'held free by malloc', 'rss-held'], ['mmap_bytes', "program's own mmap", 'rss-mmap'],
    ['unseen_bytes', 'allocators not recorded', 'rss-unseen'], ['other_bytes', 'code, stacks, files', 'rss-other'], ['self_bytes', 'memscope', 'rss-self'],
] as const;

function Resident({ manifest }: { manifest: Manifest }) {
    const { rss } = manifest;
    if (!rss || rss.peak_bytes <= 0) return null;
    let x = 0;
    return (
        <Card title="Resident memory at its peak">
            <p><b>{formatBytes(rss.peak_bytes)}</b> <span class="muted">at {formatTime(rss.at_ns)}</span></p>
            <svg class="rss-bar" viewBox="0 0 400 14" preserveAspectRatio="none" role="img" aria-label="Parts of the resident memory">
                {RSS_PARTS.map(([key, , name]) => {
                    const width = (Math.max(0, rss[key] ?? 0) / rss.peak_bytes) * 400;
                    const at = x;
                    x += width;
                    return <rect key={key} class={name} x={at} width={Math.max(0, width - 1)} y="0" height="14" />;
                })}
            </svg>
            <dl class="lines">
                {RSS_PARTS.map(([key, name, tone]) => (
                    <Line key={key} name={name}><i class={`key ${tone}`} aria-hidden="true" />{formatBytes(rss[key] ?? 0)} <span class="muted">{formatPercent(rss[key] ?? 0, rss.peak_bytes)}</span></Line>
                ))}
            </dl>
        </Card>
    );
}

function Mappings({ manifest }: { manifest: Manifest }) {
    const { mapped } = manifest;
    if (!mapped) return null;
    return (
        <Card title="Mapped by the program">
            <p>{formatCount(mapped.calls)} calls mapped {formatBytes(mapped.mapped_bytes)}: highest <b>{formatBytes(mapped.peak_bytes)}</b>, {formatBytes(mapped.end_bytes)} at the end</p>
            <table class="small-table">
                <thead><tr><th scope="col">Mapped by ({mapped.sites.length} of {mapped.names_total ?? mapped.sites_total})</th><th scope="col">Calls</th><th scope="col" title="Each stack at its own highest, added up">Highest</th><th scope="col">At end</th></tr></thead>
                <tbody>{mapped.sites.map((site, i) => <tr key={i}><td>{visible(site.name)}{site.stacks > 1 && <span class="muted"> {formatCount(site.stacks)} stacks</span>}</td><td>{formatCount(site.calls)}</td><td>{formatBytes(site.peak_bytes)}</td><td>{formatBytes(site.end_bytes)}</td></tr>)}</tbody>
            </table>
        </Card>
    );
}

function Changes({ manifest }: { manifest: Manifest }) {
    const changes = manifest.capture.changes ?? [];
    if (changes.length === 0) return null;
    return (
        <Card title="Changes while running">
            <ul class="plain">
                {changes.map((change, i) => (
                    <li key={i}><b>{formatTime(change.at_ns, 1e5)}</b> {visible(change.what)}: {change.to !== '' && `${visible(change.from)} → ${visible(change.to)} `}<span class="muted">{visible(change.why)}</span></li>
                ))}
            </ul>
        </Card>
    );
}

function Processes() {
    const extra = stats.value;
    const data = body.value;
    if (!extra || !data || extra.procPid.length === 0) return null;
    const depth = (proc: number): number => {
        let level = 0;
        for (let at = extra.procParent[proc]; at > 0 && level < 50; at = extra.procParent[at - 1]) level++;
        return level;
    };
    const ends = ['there at the end', 'exited', 'killed', 'replaced by exec'];
    const order = Array.from({ length: Math.min(extra.procPid.length, 400) }, (_, i) => i);
    return (
        <Card title="Processes" wide>
            <table class="small-table">
                <thead><tr><th scope="col">Process</th><th scope="col">pid</th><th scope="col">From</th><th scope="col">Until</th><th scope="col">End</th><th scope="col">Own peak</th><th scope="col">Recorded</th></tr></thead>
                <tbody>
                    {order.map((proc) => {
                        const why = data.labels.text(extra.procWhy[proc] ?? 0);
                        const status = extra.procStatus[proc] ?? 0;
                        return (
                            <tr key={proc}>
                                <td style={{ paddingLeft: `${8 + depth(proc) * 16}px` }}>{data.labels.text(extra.procName[proc])}</td>
                                <td>{extra.procPid[proc]}</td>
                                <td>{formatTime(extra.procStart[proc])}</td>
                                <td>{extra.procEnd[proc] > 0 ? formatTime(extra.procEnd[proc]) : '–'}</td>
                                <td>{ends[data.rows.procEndKind[proc]] ?? ''}{status > 0 ? ` (${status})` : ''}</td>
                                <td>{extra.procPeakBytes[proc] > 0 ? formatBytes(extra.procPeakBytes[proc]) : '–'}</td>
                                <td>{why === '' ? 'yes' : `no: ${why}`}</td>
                            </tr>
                        );
                    })}
                </tbody>
            </table>
        </Card>
    );
}

function Session({ manifest }: { manifest: Manifest }) {
    const { session } = manifest;
    const start = new Date(Number(BigInt(session.start_unix_ns) / 1000000n));
    return (
        <Card title="Program and machine">
            <dl class="lines">
                <Line name="command"><code>{session.cmd.map(visible).join(' ')}</code></Line>
                {session.exe && <Line name="executable"><code>{visible(session.exe)}</code></Line>}
                {session.cwd && <Line name="directory"><code>{visible(session.cwd)}</code></Line>}
                <Line name="started">{start.toISOString().replace('T', ' ').slice(0, 19)} UTC</Line>
                <Line name="ran">{formatDuration(session.duration_ns)}, {exitText(manifest)}</Line>
                <Line name="session">{visible(session.id)}, pid {session.pid}</Line>
                {session.host && <Line name="machine">{visible(session.host)}, {visible(session.kernel ?? '')} {visible(session.arch ?? '')}{session.cpus !== undefined ? `, ${session.cpus} CPUs` : ''}</Line>}
                {session.build_id && <Line name="build id"><code>{visible(session.build_id)}</code></Line>}
                <Line name="written by">{visible(manifest.generator.name)} {visible(manifest.generator.version)}, format {manifest.version.major}.{manifest.version.minor}</Line>
            </dl>
            {manifest.environment.length > 0 && (
                <details class="suppressions">
                    <summary>{manifest.environment.length} recorded facts</summary>
                    <dl class="lines lines-facts">
                        {manifest.environment.map((entry, i) => <Line key={i} name={visible(entry.label)}>{visible(entry.value)}</Line>)}
                    </dl>
                </details>
            )}
        </Card>
    );
}

export function RunView() {
    const data = head.value;
    if (!data) return null;
    const { manifest } = data;
    return (
        <div class="cards cards-run">
            <Completeness manifest={manifest} />
            <Strategy manifest={manifest} />
            <Sampling manifest={manifest} />
            <Cost manifest={manifest} />
            <Resident manifest={manifest} />
            <Mappings manifest={manifest} />
            <Changes manifest={manifest} />
            <Session manifest={manifest} />
            <Processes />
        </div>
    );
}
