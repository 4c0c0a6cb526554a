// SPDX-License-Identifier: Apache-2.0
// The page's state as URL fragment, versioned: `#v=1&view=flame&m=peak&u=b&w=…`. Times in nanoseconds, functions by hash of their path.
import type { MetricId, Unit, View } from './data/manifest';

export const FRAGMENT_VERSION = 1;

export const VIEWS: View[] = ['overview', 'timeline', 'flame', 'tree', 'table', 'tasks', 'leaks', 'patterns', 'run'];
export const METRIC_IDS: MetricId[] = ['peak', 'live', 'retained', 'alloc', 'temp', 'freed', 'leak'];
export const GRAPHS = ['icicle', 'flame', 'inverted', 'sandwich'] as const;
export const GROUPS = ['function', 'line', 'file', 'module', 'site'] as const;
export type Graph = (typeof GRAPHS)[number];

/** Everything that a link restores. */
export interface PageState {
    view: View;
    metric: MetricId;
    unit: Unit;
    /** Nanoseconds; null = the whole run. */
    window: [number, number] | null;
    procs: number[];
    threads: number[];
    groups: number[];
    search: string;
    /** Hash of the path of the node that everything is narrowed to; "" = none. */
    root: string;
    /** The same inside the inverted graph, where paths start at the allocating function. */
    zoom: string;
    /** Hash of a function's name, for the sandwich. */
    func: string;
    graph: Graph;
    /** null = as suits the recording. */
    hideRuntime: boolean | null;
    collapse: boolean;
    byLine: boolean;
    groupBy: (typeof GROUPS)[number];
    sort: string;
    bottomUp: boolean;
    theme: '' | 'light' | 'dark';
    /** Keys of later versions: kept, not understood. */
    unknown: [string, string][];
}

export function initialState(): PageState {
    return {
        view: 'overview', metric: 'peak', unit: 'bytes', window: null, procs: [], threads: [], groups: [], search: '', root: '', zoom: '', func: '',
        graph: 'icicle', hideRuntime: null, collapse: false, byLine: false, groupBy: 'function', sort: '', bottomUp: false, theme: '', unknown: [],
    };
}

function numbers(text: string): number[] | null {
    const parts = text.split(',').map(Number);
    return parts.every((n) => Number.isSafeInteger(n) && n >= -1) ? parts : null;
}

type Reader = (state: PageState, text: string) => boolean;

function oneOf<K extends 'view' | 'metric' | 'graph' | 'groupBy'>(key: K, allowed: readonly PageState[K][]): Reader {
    return (state, text) => {
        const found = allowed.find((value) => value === text);
        if (found === undefined) return false;
        state[key] = found;
        return true;
    };
}

function flag(key: 'hideRuntime' | 'collapse' | 'byLine' | 'bottomUp'): Reader {
    return (state, text) => {
        state[key] = text === '1';
        return text === '1' || text === '0';
    };
}

function list(key: 'procs' | 'threads' | 'groups'): Reader {
    return (state, text) => {
        const parsed = numbers(text);
        if (parsed) state[key] = parsed;
        return parsed !== null;
    };
}

function hash(key: 'root' | 'func' | 'zoom'): Reader {
    return (state, text) => {
        if (!/^[0-9a-f]{16}$/.test(text)) return false;
        state[key] = text;
        return true;
    };
}

const READERS: Record<string, Reader> = {
    view: oneOf('view', VIEWS),
    m: oneOf('metric', METRIC_IDS),
    u: (state, text) => {
        state.unit = text === 'c' ? 'count' : 'bytes';
        return text === 'c' || text === 'b';
    },
    w: (state, text) => {
        const match = /^(\d{1,16})-(\d{1,16})$/.exec(text);
        if (!match || Number(match[1]) >= Number(match[2])) return false;
        state.window = [Number(match[1]), Number(match[2])];
        return true;
    },
    pr: list('procs'),
    th: list('threads'),
    tg: list('groups'),
    q: (state, text) => {
        state.search = text.slice(0, 500);
        return true;
    },
    root: hash('root'),
    zoom: hash('zoom'),
    fn: hash('func'),
    g: oneOf('graph', GRAPHS),
    hide: flag('hideRuntime'),
    rec: flag('collapse'),
    line: flag('byLine'),
    by: oneOf('groupBy', GROUPS),
    sort: (state, text) => {
        if (!/^[a-z0-9]+\.[ad]$/.test(text)) return false;
        state.sort = text;
        return true;
    },
    up: flag('bottomUp'),
    theme: (state, text) => {
        if (text !== 'light' && text !== 'dark') return false;
        state.theme = text;
        return true;
    },
};

/** Turns a fragment of an older version into the present one; version 1 is the first. */
function upgraded(params: URLSearchParams): URLSearchParams {
    return params;
}

/** Reads a fragment; `bad` names the keys whose values were not understood and fell back. */
export function parseFragment(fragment: string): { state: PageState; bad: string[] } {
    const state = initialState();
    const bad: string[] = [];
    const params = upgraded(new URLSearchParams(fragment.replace(/^#/, '')));
    for (const [key, text] of params) {
        if (key === 'v') continue;
        const reader = Object.hasOwn(READERS, key) ? READERS[key] : undefined;
        if (!reader) state.unknown.push([key, text]);
        else if (!reader(state, text)) bad.push(key);
    }
    return { state, bad };
}

/** Writes a state; what equals the initial state is left out. */
export function writeFragment(state: PageState): string {
    const base = initialState();
    const params = new URLSearchParams();
    const put = (key: string, text: string, same: boolean): void => {
        if (!same) params.append(key, text);
    };
    put('view', state.view, state.view === base.view);
    put('m', state.metric, state.metric === base.metric);
    put('u', state.unit === 'count' ? 'c' : 'b', state.unit === base.unit);
    put('w', state.window ? state.window.join('-') : '', state.window === null);
    put('pr', state.procs.join(','), state.procs.length === 0);
    put('th', state.threads.join(','), state.threads.length === 0);
    put('tg', state.groups.join(','), state.groups.length === 0);
    put('q', state.search, state.search === '');
    put('root', state.root, state.root === '');
    put('zoom', state.zoom, state.zoom === '');
    put('fn', state.func, state.func === '');
    put('g', state.graph, state.graph === base.graph);
    put('hide', state.hideRuntime ? '1' : '0', state.hideRuntime === null);
    put('rec', '1', !state.collapse);
    put('line', '1', !state.byLine);
    put('by', state.groupBy, state.groupBy === base.groupBy);
    put('sort', state.sort, state.sort === '');
    put('up', '1', !state.bottomUp);
    put('theme', state.theme, state.theme === '');
    for (const [key, text] of state.unknown) params.append(key, text);
    const rest = params.toString();
    return rest === '' ? `#v=${FRAGMENT_VERSION}` : `#v=${FRAGMENT_VERSION}&${rest}`;
}
