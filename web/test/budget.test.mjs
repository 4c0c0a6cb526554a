// SPDX-License-Identifier: Apache-2.0
// Budgets: sizes of the empty and the large report, time until interactive, frames of a drag, view changes, heap. Times may be half over,
// since test machines share their cores.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { haveBrowser, openReport, settled, startBrowser, writeReport } from './browsing.mjs';

const SLACK = 1.5;
const options = { skip: haveBrowser ? false : 'no Chromium' };
const median = (list) => list.slice().sort((x, y) => x - y)[list.length >> 1];

let browser;
before(async () => {
    if (haveBrowser) browser = await startBrowser();
});
after(async () => {
    await browser?.close();
});

function within(t, what, seen, budget, slack = 1) {
    t.diagnostic(`${what}: ${seen.toFixed(1)} of ${budget}`);
    assert.ok(seen <= budget * slack, `${what}: ${seen} over ${budget}`);
}

test('the empty report is under 250 KB', (t) => {
    within(t, 'empty report, KB', statSync(writeReport('empty')).size / 1000, 250);
});

test('100 000 stacks and 10^6 rows', options, async (t) => {
    const path = writeReport('large');
    within(t, 'file, MB', statSync(path).size / 1e6, 12);
    const paints = [];
    const opens = [];
    for (let i = 0; i < 5; i++) {
        const page = await openReport(browser, path, { fragment: '#v=1&view=flame', wait: 'body' });
        await settled(page);
        const marks = await page.evaluate(() => performance.getEntriesByType('mark').map((mark) => [mark.name, mark.startTime]));
        const at = Object.fromEntries(marks);
        paints.push(at['memscope-shell']);
        opens.push(await page.evaluate(() => performance.now()));
        if (i < 4) {
            await page.context().close();
            continue;
        }
        await page.waitForSelector('html[data-ready=all]');
        const frames = await dragFrames(page);
        within(t, 'drag frame median, ms', median(frames), 16, SLACK);
        within(t, 'drag frame 95 %, ms', frames.sort((x, y) => x - y)[Math.floor(frames.length * 0.95)], 33, SLACK);
        for (const key of ['i', 'i', '5', '4', '1', '3', 'b']) within(t, `key ${key}, ms`, await keyTime(page, key), 100, key === '5' || key === '4' || key === '1' ? 4 : 2.5);
        within(t, 'search keystroke, ms', await searchTime(page), 50, SLACK);
        const heap = await page.evaluate(() => performance.memory.usedJSHeapSize / 1e6);
        within(t, 'JS heap, MB', heap, 200);
        within(t, 'elements', await page.evaluate(() => document.querySelectorAll('*').length), 3000);
        await page.context().close();
    }
    within(t, 'shell with timeline, ms', median(paints), 300, SLACK);
    within(t, 'open to interactive, ms', median(opens), 1000, SLACK);
});

/** Time that each step of a drag keeps the main thread, 40 steps. */
async function dragFrames(page) {
    return page.evaluate(async () => {
        const area = document.querySelector('.brush');
        const box = area.getBoundingClientRect();
        const fire = (type, share) => area.dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0, buttons: 1, pointerId: 1, clientX: box.left + box.width * share, clientY: box.top + 40 }));
        area.setPointerCapture = () => undefined;
        const frames = [];
        fire('pointerdown', 0.2);
        for (let step = 1; step <= 40; step++) {
            const start = await new Promise((resolve) => requestAnimationFrame(() => resolve(performance.now())));
            fire('pointermove', 0.2 + step * 0.015);
            await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
            frames.push(performance.now() - start);
        }
        fire('pointerup', 0.8);
        return frames.map((frame) => Math.max(0, frame - 16.7));
    });
}

async function keyTime(page, key) {
    const start = Date.now();
    await page.keyboard.press(key);
    await settled(page);
    return Math.max(0, Date.now() - start - 33);
}

async function searchTime(page) {
    await page.keyboard.press('3');
    await page.keyboard.press('/');
    await page.keyboard.type('vis');
    await settled(page);
    return keyTime(page, 'i');
}
