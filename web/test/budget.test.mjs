// SPDX-License-Identifier: Apache-2.0
// Budgets that hold on every machine: size of the files, elements of each view, JavaScript heap. Times are measured by bench/web; here a
// coarse guard, many times over, only tells a page that hangs from one that works.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { haveBrowser, openReport, settled, startBrowser, writeReport } from './browsing.mjs';
import { DRAG_STEPS, startDrag } from './drag.mjs';

const HANGS_MS = 60000;
const VIEWS = ['overview', 'timeline', 'flame', 'tree', 'table', 'tasks', 'leaks', 'patterns', 'run'];
const options = { skip: haveBrowser ? false : 'no Chromium' };

let browser;
before(async () => {
    if (haveBrowser) browser = await startBrowser();
});
after(async () => {
    await browser?.close();
});

function within(t, what, seen, budget) {
    t.diagnostic(`${what}: ${seen.toFixed(1)} of ${budget}`);
    assert.ok(seen <= budget, `${what}: ${seen} over ${budget}`);
}

test('the app is at most 170 KiB: script and style, minified', (t) => {
    const page = readFileSync(writeReport('empty'), 'utf8');
    const part = (name) => Buffer.byteLength(new RegExp(`<${name}>([^]*?)</${name}>`).exec(page)[1]);
    within(t, 'script and style, KiB', (part('script') + part('style')) / 1024, 170);
});

test('the empty report is under 250 KB', (t) => {
    within(t, 'empty report, KB', statSync(writeReport('empty')).size / 1000, 250);
});

test('100 000 stacks and 10^6 rows: file, heap and elements stay small, nothing hangs', options, async (t) => {
    const path = writeReport('large');
    within(t, 'file, MB', statSync(path).size / 1e6, 12);
    const page = await openReport(browser, path, { fragment: '#v=1&view=flame' });
    await settled(page);
    within(t, 'open, ms', await page.evaluate(() => performance.now()), HANGS_MS);
    const dragged = await startDrag(page);
    const started = Date.now();
    for (let step = 1; step <= DRAG_STEPS; step++) await dragged.step(step / DRAG_STEPS);
    await dragged.end();
    within(t, 'a drag, ms', Date.now() - started, HANGS_MS);
    within(t, 'JS heap, MB', await page.evaluate(() => performance.memory.usedJSHeapSize / 1e6), 200);
    for (const view of VIEWS) {
        await page.evaluate((name) => (location.hash = `#v=1&view=${name}`), view);
        await settled(page);
        within(t, `elements in ${view}`, await page.evaluate(() => document.querySelectorAll('*').length), 3000);
    }
    await page.context().close();
});
