// SPDX-License-Identifier: Apache-2.0
// Header and fact line: what ran, how it was recorded, whether the figures are complete, and the search.
import { useEffect, useRef } from 'preact/hooks';
import { setView, toggleTheme, update } from '../actions';
import type { Manifest } from '../data/manifest';
import { formatBytes, formatCount, formatDuration, formatExact, formatShare, formatTime, plural, shortened, visible } from '../format';
import { helpOpen } from '../keys';
import { body, head, matches, page, search, theme } from '../state';

const STRATEGY_NAMES: Record<string, string> = {
    SingleThread: 'single-thread', ThreadLocal: 'thread-local', AsyncOptimized: 'async', Hybrid: 'hybrid', Legacy: 'legacy',
};

export function strategyName(strategy: string): string {
    return STRATEGY_NAMES[strategy] ?? visible(strategy);
}

export function exitText(manifest: Manifest): string {
    const { exit } = manifest.session;
    if (!exit) return 'still running';
    if (exit.signal !== undefined) return `killed by ${visible(exit.name ?? `signal ${exit.signal}`)}`;
    return `exit ${exit.code ?? 0}`;
}

function Trust({ manifest }: { manifest: Manifest }) {
    const worst = manifest.notices.some((n) => n.severity === 'error') || (body.value?.breaches.length ?? 0) > 0;
    const weak = manifest.notices.filter((n) => n.severity === 'warning').length;
    const exact = manifest.capture.sample_kind === 'exact';
    let text = exact ? 'exact, complete' : `sampled at ${(manifest.capture.effective_rate ?? manifest.capture.sample_rate).toFixed(2)}`;
    if (worst) text = 'figures incomplete';
    else if (weak > 0) text = `${exact ? 'exact' : text}, ${plural(weak, 'warning')}`;
    const tone = worst ? 'bad' : weak > 0 || !exact ? 'weak' : 'good';
    return (
        <button type="button" class={`trust trust-${tone}`} onClick={() => setView('run')} title="What was recorded, lost or estimated: view Run">
            <span aria-hidden="true">{worst ? '✕' : weak > 0 || !exact ? '!' : '✓'}</span> {text}
        </button>
    );
}

function SearchBox() {
    const input = useRef<HTMLInputElement>(null);
    const count = matches.value ? matches.value.reduce((sum, hit) => sum + hit, 0) : 0;
    useEffect(() => {
        if (input.current && input.current.value !== search.value) input.current.value = search.value;
    }, [search.value]);
    return (
        <div class="search">
            <label for="search" class="spoken">Search functions, files, modules</label>
            <input
                id="search"
                ref={input}
                type="search"
                placeholder="Search functions, files, modules   /"
                autocomplete="off"
                spellcheck={false}
                maxLength={500}
                onInput={(event) => update({ search: event.currentTarget.value }, 'replace')}
                onKeyDown={(event) => {
                    if (event.key === 'Escape') {
                        update({ search: '' }, 'push');
                        event.currentTarget.blur();
                    } else if (event.key === 'Enter') {
                        update({}, 'push');
                        event.currentTarget.blur();
                        document.dispatchEvent(new KeyboardEvent('keydown', { key: event.shiftKey ? 'N' : 'n' }));
                    }
                }}
            />
            {page.value.search !== '' && matches.value && (
                <span class="search-count" data-testid="search-count" role="status">{plural(count, 'function')}</span>
            )}
        </div>
    );
}

export function Header() {
    const data = head.value;
    if (!data) return null;
    const { manifest } = data;
    const command = manifest.session.cmd.map(visible).join(' ');
    const brief = command.replace(/^\S*\/(?=\S)/, '');
    return (
        <div class="header">
            <div class="brand" aria-hidden="true">
                <svg viewBox="0 0 20 20" width="18" height="18"><path d="M2 15h2.4V9H2zM6 15h2.4V4H6zM10 15h2.4V7H10zM14 15h2.4v-4H14z" fill="currentColor" /><path d="M1 17.5h18" stroke="currentColor" stroke-width="1.4" /></svg>
            </div>
            <h1 title={shortened(command, 600)}>
                <span class="spoken">memscope report: </span>
                {shortened(brief, 90)}
            </h1>
            <p class="header-facts">
                pid {manifest.session.pid} · {formatDuration(manifest.session.duration_ns)} · {exitText(manifest)} · {strategyName(manifest.capture.strategy)}
            </p>
            <Trust manifest={manifest} />
            <span class="grow" />
            <SearchBox />
            <button type="button" class="icon" onClick={toggleTheme} aria-label={theme.value === 'dark' ? 'Light theme' : 'Dark theme'} title="Key t">
                {theme.value === 'dark' ? '☀' : '☾'}
            </button>
            <button type="button" class="icon" onClick={() => (helpOpen.value = true)} aria-label="Keyboard help" title="Key ?">?</button>
        </div>
    );
}

interface FactProps {
    label: string;
    value: string;
    note: string;
    exact?: string;
}

function Fact(props: FactProps) {
    return (
        <div class="fact">
            <dt>{props.label}</dt>
            <dd title={props.exact}>
                <b>{props.value}</b> <span>{props.note}</span>
            </dd>
        </div>
    );
}

export function Facts() {
    const data = head.value;
    if (!data) return null;
    const { totals, overhead, session } = data.manifest;
    const bytes = (n: number): string => `${formatExact(n)} bytes`;
    const estimate = data.manifest.capture.sample_kind === 'exact' ? '' : '≈';
    return (
        <dl class="facts" aria-label="Facts">
            <Fact label="Peak live" value={estimate + formatBytes(totals.peak_live_bytes)} note={`at ${formatTime(totals.peak_at_ns)}`} exact={bytes(totals.peak_live_bytes)} />
            {session.exit ? (
                <Fact label="Never freed" value={estimate + formatBytes(totals.leak_bytes)} note={`in ${plural(totals.leak_n, 'block')}`} exact={bytes(totals.leak_bytes)} />
            ) : (
                <Fact label="Live now" value={estimate + formatBytes(totals.end_live_bytes)} note={`in ${plural(totals.end_live_n, 'block')}`} exact={bytes(totals.end_live_bytes)} />
            )}
            <Fact label="Allocated" value={formatBytes(totals.alloc_bytes)} note={`in ${plural(totals.alloc_n, 'block')}`} exact={bytes(totals.alloc_bytes)} />
            <Fact label="Temporary" value={formatShare(totals.tmp_n, totals.alloc_n)} note="freed before the next allocation" exact={`${formatCount(totals.tmp_n)} blocks freed before the same thread's next allocation`} />
            {totals.peak_rss_bytes !== undefined && <Fact label="Peak resident" value={formatBytes(totals.peak_rss_bytes)} note="of the whole process" exact={bytes(totals.peak_rss_bytes)} />}
            {overhead.wall_pct !== undefined && <Fact label="Cost" value={`${overhead.wall_pct.toFixed(1)}\u202f%`} note={`time, ${formatBytes(overhead.self_bytes_peak)} memory`} />}
        </dl>
    );
}
