// SPDX-License-Identifier: Apache-2.0
// Measures the page against the time and size budgets, in Chromium, on a generated report of 100 000 stacks and 10^6 rows or on reports
// given by name.
//
//     node bench/web/run.mjs [--opens N] [REPORT.html...]
//
// The last column says what is over; the exit status is 1 then. A step's time is the CPU time of the page's main
// thread (scripts, style, layout, paint), so that other work on the machine counts little; opening is wall time: run it on a quiet machine.
import { basename, resolve } from 'node:path';
import { statSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { haveBrowser, openReport, settled, startBrowser, writeReport } from '../../web/test/browsing.mjs';
import { DRAG_STEPS, startDrag } from '../../web/test/drag.mjs';

const args = process.argv.slice(2);
const opens = args[0] === '--opens' ? Number(args.splice(0, 2)[1]) : 5;
const sorted = (list) => list.slice().sort((x, y) => x - y);
const median = (list) => sorted(list)[list.length >> 1];
const high = (list) => sorted(list)[Math.floor(list.length * 0.95)];
let over = 0;

function show(what, seen, budget, unit) {
    const bad = seen > budget;
    over += bad ? 1 : 0;
    process.stdout.write(`  ${what.padEnd(36)} ${seen.toFixed(1).padStart(9)} ${unit.padEnd(4)} of ${String(budget).padStart(6)} ${bad ? 'OVER' : ''}\n`);
}

/** Returns a function that gives the CPU milliseconds of the main thread since its last call. */
async function cpuClock(page) {
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    let last = 0;
    return async () => {
        const { metrics } = await session.send('Performance.getMetrics');
        const now = metrics.find((metric) => metric.name === 'ThreadTime').value * 1000;
        const spent = now - last;
        last = now;
        return spent;
    };
}

async function measureOpening(browser, path) {
    const shells = [];
    const bodies = [];
    for (let i = 0; i < opens; i++) {
        const page = await openReport(browser, path, { fragment: '#v=1&view=flame', wait: 'body' });
        await settled(page);
        const [shell, body] = await page.evaluate(() => ['memscope-shell', 'memscope-interactive'].map((mark) => performance.getEntriesByName(mark)[0].startTime));
        shells.push(shell);
        bodies.push(body);
        await page.context().close();
    }
    show('first paint with timeline', median(shells), 300, 'ms');
    show('open to interactive', median(bodies), 1000, 'ms');
}

async function measureDrag(page, cpu, metric) {
    await page.evaluate((name) => (location.hash = `#v=1&view=flame&m=${name}`), metric);
    await settled(page);
    const dragged = await startDrag(page);
    const steps = [];
    await cpu();
    for (let step = 1; step <= DRAG_STEPS; step++) {
        await dragged.step(step / DRAG_STEPS);
        steps.push(await cpu());
    }
    await dragged.end();
    show(`drag step, ${metric}, median`, median(steps), 16, 'ms');
    show(`drag step, ${metric}, 95 of 100`, high(steps), 33, 'ms');
}

async function measureAnswers(page, cpu) {
    await page.evaluate(() => (location.hash = '#v=1&view=flame'));
    await settled(page);
    const keys = [['i', 'inverted'], ['i', 'icicle'], ['b', 'blocks'], ['b', 'bytes'], ['m', 'next metric'], ['4', 'tree'], ['5', 'table'], ['6', 'tasks'], ['7', 'leaks'], ['8', 'patterns'], ['9', 'run'], ['2', 'timeline'], ['1', 'overview'], ['3', 'flame']];
    for (const [key, what] of keys) {
        await cpu();
        await page.keyboard.press(key);
        await settled(page);
        await settled(page);
        show(what, await cpu(), 100, 'ms');
    }
    await page.keyboard.press('/');
    await page.keyboard.type('vis');
    await settled(page);
    await cpu();
    await page.keyboard.type('i');
    await settled(page);
    await settled(page);
    show('a key in the search', await cpu(), 50, 'ms');
    await page.keyboard.press('Escape');
    show('JS heap', await page.evaluate(() => performance.memory.usedJSHeapSize / 1e6), 200, 'MB');
}

async function measureReport(browser, path) {
    process.stdout.write(`${basename(path)}   (load ${loadavg()[0].toFixed(1)}, ${cpus().length} cores)\n`);
    show('file', statSync(path).size / 1e6, 12, 'MB');
    await measureOpening(browser, path);
    const page = await openReport(browser, path, { fragment: '#v=1&view=flame' });
    await settled(page);
    const cpu = await cpuClock(page);
    for (const metric of ['peak', 'alloc', 'retained']) await measureDrag(page, cpu, metric);
    await measureAnswers(page, cpu);
    await page.context().close();
}

if (!haveBrowser) {
    process.stderr.write('bench/web: no Chromium\n');
    process.exit(2);
}
const browser = await startBrowser();
try {
    show('empty report', statSync(writeReport('empty')).size / 1000, 250, 'KB');
    const reports = args.length > 0 ? args.map((path) => resolve(path)) : [writeReport('large')];
    for (const report of reports) await measureReport(browser, report);
} finally {
    await browser.close();
}
process.stdout.write(over > 0 ? `${over} over budget\n` : 'within every budget\n');
process.exit(over > 0 ? 1 : 0);
