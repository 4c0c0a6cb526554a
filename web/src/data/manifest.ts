// SPDX-License-Identifier: Apache-2.0
// Types of the two JSON parts of a report file, as CONTRACT.md names them, and their reading.

export type View = 'overview' | 'timeline' | 'flame' | 'tree' | 'table' | 'tasks' | 'leaks' | 'patterns' | 'run';
export type MetricId = 'peak' | 'live' | 'retained' | 'alloc' | 'temp' | 'freed' | 'leak';
export type Unit = 'bytes' | 'count';

export interface Session {
    id: string;
    cmd: string[];
    cwd?: string;
    exe?: string;
    build_id?: string;
    pid: number;
    host?: string;
    kernel?: string;
    arch?: string;
    cpus?: number;
    start_unix_ns: string;
    duration_ns: number;
    exit?: { code?: number; signal?: number; name?: string };
    snapshot?: boolean;
}

export interface Capture {
    mode: string;
    strategy: string;
    chosen_by: string;
    confidence?: number;
    sample_rate: number;
    effective_rate?: number;
    sample_kind: string;
    track_async: boolean;
    detailed: boolean;
    max_overhead_bytes: number;
    max_overhead_percent?: number;
    reasons: string[];
    evidence?: { fact: string; value: string; points_to: string }[];
    runtimes?: { name: string; version?: string; how: string }[];
    changes?: { at_ns: number; what: string; from: string; to: string; why: string }[];
}

export interface Totals {
    alloc_n: number;
    alloc_bytes: number;
    free_n: number;
    free_bytes: number;
    realloc_n: number;
    peak_live_bytes: number;
    peak_live_n: number;
    peak_at_ns: number;
    end_live_bytes: number;
    end_live_n: number;
    leak_bytes: number;
    leak_n: number;
    tmp_n: number;
    max_block_bytes: number;
    peak_rss_bytes?: number;
}

export interface RssParts {
    peak_bytes: number;
    at_ns: number;
    heap_bytes: number;
    mmap_bytes: number;
    held_bytes: number;
    other_bytes: number;
    self_bytes: number;
    unseen_bytes?: number;
}

export interface Sampling {
    rate: number;
    effective_rate: number;
    effective_rate_bytes: number;
    refused_samples: number;
    samples?: number;
    few_samples?: boolean;
    interval95?: Record<string, [number, number]>;
}

export interface Mapped {
    calls: number;
    mapped_bytes: number;
    peak_bytes: number;
    end_bytes: number;
    sites_total: number;
    names_total?: number;
    sites: { name: string; stacks: number; calls: number; peak_bytes: number; end_bytes: number }[];
}

export interface Overhead {
    cpu_ns?: number;
    wall_pct?: number;
    self_bytes_peak: number;
    recorder_bytes_peak?: number;
    events_n: number;
    lost_n: number;
    unwind_ns_p50?: number;
    unwind_ns_p99?: number;
    stacks_n?: number;
    stacks_truncated_n?: number;
    stacks_guessed_n?: number;
    recording_bytes?: number;
    hook_ns_p50?: number;
}

export interface Fidelity {
    slices: number;
    min_slice_ns: number;
    max_slice_ns: number;
    rows: number;
    folded_sites: number;
    folded_bytes_pct: number;
    folded_ctx: number;
    symbols_pct?: number;
    lines_pct?: number;
}

export interface Notice {
    severity: string;
    kind: string;
    text: string;
    value?: number;
    unit?: string;
    at_ns?: number;
    to_ns?: number;
}

export interface FindingLink {
    view?: View;
    metric?: MetricId;
    unit?: Unit;
    window_ns?: [number, number];
    site?: number;
    node?: number;
    thread?: number;
    group?: number;
    proc?: number;
    search?: string;
    sort?: string;
}

export interface Finding {
    id: string;
    severity: string;
    title: string;
    text?: string;
    value?: number;
    unit?: string;
    confidence?: number;
    link?: FindingLink;
}

export interface ColumnEntry {
    name: string;
    codec: string;
    n: number;
    bytes: number;
}

export interface SectionEntry {
    el: string;
    cols: ColumnEntry[];
}

export interface Manifest {
    schema: string;
    version: { major: number; minor: number };
    generator: { name: string; version: string };
    session: Session;
    capture: Capture;
    totals: Totals;
    rss?: RssParts;
    mapped?: Mapped;
    sampling?: Sampling;
    performance?: Record<string, number>;
    overhead: Overhead;
    fidelity: Fidelity;
    environment: { label: string; value: string }[];
    notices: Notice[];
    findings: Finding[];
    suppressions: { pattern: string; reason?: string; n: number; bytes: number }[];
    counts: Record<string, number>;
    sections: SectionEntry[];
}

export interface Marker {
    t_ns: number;
    kind: string;
    label: string;
}

export interface Timeline {
    edge_ns: number[];
    live_bytes: number[];
    live_n: number[];
    hwm_bytes: number[];
    alloc_bytes: number[];
    alloc_n: number[];
    free_bytes: number[];
    free_n: number[];
    kept_bytes: number[];
    rss_bytes: (number | null)[];
    tasks_alive?: number[];
    markers: Marker[];
    gaps: [number, number][];
}

export const SCHEMA = 'memscope-report';
export const MAJOR = 1;

/** Returns a sentence when the page cannot show this manifest, else null. */
export function manifestProblem(manifest: Manifest): string | null {
    if (manifest.schema !== SCHEMA) return 'This file is not a memscope report.';
    if (manifest.version.major > MAJOR) {
        return `This report uses format ${manifest.version.major}, this page reads format ${MAJOR}: open it with the page that wrote it.`;
    }
    return null;
}
