// SPDX-License-Identifier: Apache-2.0
// Start of the page: first paint from the two JSON parts, then the sections one after another as they are decoded.
import { batch, effect } from '@preact/signals';
import { render } from 'preact';
import { readAddress } from './actions';
import { bytesFromBase64, gunzip, sectionColumns, type Column } from './data/codec';
import { Labels } from './data/labels';
import { manifestProblem, type Manifest, type Timeline } from './data/manifest';
import { namesFrom, reportBreaches, rowsFrom, type Columns } from './data/report';
import { statsFrom } from './data/stats';
import { onKey } from './keys';
import { siteOwners } from './query/calltree';
import * as state from './state';
import { App } from './view/app';

function jsonPart<T>(id: string): T | null {
    const text = document.getElementById(id)?.textContent ?? '';
    if (text === '' || text.startsWith('@@')) return null;
    return JSON.parse(text) as T;
}

function startTheme(): void {
    const query = window.matchMedia('(prefers-color-scheme: dark)');
    state.systemDark.value = query.matches;
    query.addEventListener('change', () => (state.systemDark.value = query.matches));
    let stored: string | null = null;
    try {
        stored = localStorage.getItem('memscope-theme');
    } catch {
        stored = null;
    }
    if (state.page.value.theme === '' && (stored === 'light' || stored === 'dark')) state.page.value = { ...state.page.value, theme: stored };
    effect(() => {
        document.documentElement.dataset.theme = state.theme.value;
    });
}

function startHead(): boolean {
    const manifest = jsonPart<Manifest>('ms-manifest');
    const timeline = jsonPart<Timeline>('ms-timeline');
    if (!manifest || !timeline) {
        state.failure.value = 'This is the empty page of the report: no recording has been put into it.';
        return false;
    }
    state.failure.value = manifestProblem(manifest);
    if (state.failure.value !== null) return false;
    state.head.value = { manifest, timeline };
    return true;
}

async function readSection(manifest: Manifest, el: string): Promise<Columns> {
    const entry = manifest.sections.find((section) => section.el === el);
    if (!entry) return new Map<string, Column>();
    const element = document.getElementById(el);
    const text = element?.textContent ?? '';
    element?.remove();
    return sectionColumns(await gunzip(bytesFromBase64(text)), entry);
}

/** Lets the browser paint and answer between two heavy steps. */
function breath(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 0));
}

async function startBody(): Promise<void> {
    const data = state.head.value;
    if (!data) return;
    const names = namesFrom(await readSection(data.manifest, 'ms-s1'));
    await breath();
    const columns = await readSection(data.manifest, 'ms-s2');
    await breath();
    const rows = rowsFrom(columns, state.slices.value, names.nodeParent.length);
    const breaches = reportBreaches(data.manifest, data.timeline, rows);
    await breath();
    state.prepareTree(names, rows);
    await breath();
    batch(() => {
        state.body.value = { names, rows, labels: new Labels(names), owners: siteOwners(names, rows), breaches };
    });
    performance.mark('memscope-interactive');
    document.documentElement.dataset.ready = 'body';
    await breath();
    state.stats.value = statsFrom(await readSection(data.manifest, 'ms-s3'));
    await breath();
    state.prepareWindows();
    for (const step of state.TABLE_STEPS) {
        await breath();
        step();
    }
    document.documentElement.dataset.ready = 'all';
}

function fail(error: unknown): void {
    state.failure.value = `The data in this file cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}

function whenParsed(run: () => void): void {
    if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', run, { once: true });
    else run();
}

function start(): void {
    readAddress();
    startTheme();
    const mount = document.getElementById('app');
    if (!mount) return;
    let ready = false;
    try {
        ready = startHead();
    } catch (error) {
        fail(error);
    }
    render(<App />, mount);
    performance.mark('memscope-shell');
    document.documentElement.dataset.ready = 'head';
    window.addEventListener('popstate', readAddress);
    window.addEventListener('hashchange', readAddress);
    document.addEventListener('keydown', onKey);
    if (ready) whenParsed(() => void startBody().catch(fail));
}

start();
