// SPDX-License-Identifier: Apache-2.0
// Frame of the page: header, facts, timeline, tabs, and the view in front.
import type { ComponentType } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { setView } from '../actions';
import type { View } from '../data/manifest';
import { VIEWS } from '../fragment';
import { body, failure, head, spoken, toast, view } from '../state';
import { Controls } from './controls';
import { Facts, Header } from './header';
import { Help } from './help';
import { FlameView } from './flame';
import { LeaksView } from './leaks';
import { Overview } from './overview';
import { PatternsView } from './patterns';
import { RunView } from './run';
import { Strip } from './strip';
import { TableView } from './table';
import { TasksView } from './tasks';
import { TimelineView } from './timeline';
import { TreeView } from './tree';

const TITLES: Record<View, string> = {
    overview: 'Overview', timeline: 'Timeline', flame: 'Flame', tree: 'Tree', table: 'Table', tasks: 'Threads & tasks', leaks: 'Leaks', patterns: 'Patterns', run: 'Run',
};

const COMPONENTS: Record<View, ComponentType> = {
    overview: Overview, timeline: TimelineView, flame: FlameView, tree: TreeView, table: TableView, tasks: TasksView, leaks: LeaksView, patterns: PatternsView, run: RunView,
};

function tabKey(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = VIEWS[(VIEWS.indexOf(view.value) + step + VIEWS.length) % VIEWS.length];
    setView(next);
    document.getElementById(`tab-${next}`)?.focus();
}

function Tabs() {
    return (
        <div class="tabs" role="tablist" aria-label="Views">
            {VIEWS.map((name, i) => (
                <button
                    type="button"
                    key={name}
                    id={`tab-${name}`}
                    role="tab"
                    aria-selected={view.value === name}
                    aria-controls="panel"
                    tabIndex={view.value === name ? 0 : -1}
                    onClick={() => setView(name)}
                    onKeyDown={tabKey}
                >
                    <span class="tab-number" aria-hidden="true">{i + 1}</span>
                    {TITLES[name]}
                </button>
            ))}
        </div>
    );
}

function Panel() {
    const panel = useRef<HTMLDivElement>(null);
    const name = view.value;
    const Component = COMPONENTS[name];
    useEffect(() => {
        panel.current?.scrollTo(0, 0);
    }, [name]);
    const waits = !body.value && name !== 'run' && name !== 'timeline' && name !== 'overview';
    return (
        <main class="main">
            <Controls />
            <div id="panel" class={`panel panel-${name}`} role="tabpanel" tabIndex={0} aria-labelledby={`tab-${name}`} ref={panel}>
                {waits ? <p class="waiting">Reading the recording…</p> : <Component />}
            </div>
        </main>
    );
}

export function App() {
    if (failure.value !== null) {
        return (
            <main class="failure">
                <h1>memscope</h1>
                <p>{failure.value}</p>
            </main>
        );
    }
    if (!head.value) return null;
    return (
        <div class="app">
            <header>
                <Header />
                <Facts />
            </header>
            <Strip />
            <nav aria-label="Views">
                <Tabs />
            </nav>
            <Panel />
            <Help />
            <div class={`toast ${toast.value ? 'toast-on' : ''}`} role="status">{toast.value}</div>
            <div class="spoken" aria-live="polite">{spoken.value}</div>
        </div>
    );
}
