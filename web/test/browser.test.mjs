// SPDX-License-Identifier: Apache-2.0
// The built report in Chromium: every view, the brush, links, search, keyboard, hostile names, accessibility in each view and theme.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { metricFromBlocks } from '../gen/model.mjs';
import { haveBrowser, modelOf, openReport, settled, startBrowser, troublesOf, writeChanged, writeReport } from './browsing.mjs';
import { out } from './load.mjs';

const VIEWS = ['overview', 'timeline', 'flame', 'tree', 'table', 'tasks', 'leaks', 'patterns', 'run'];
const require = createRequire(import.meta.url);
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const options = { skip: haveBrowser ? false : 'no Chromium' };

let browser;
const files = {};

before(async () => {
    if (!haveBrowser) return;
    for (const name of ['server', 'empty', 'hostile', 'deep', 'processes']) files[name] = writeReport(name);
    browser = await startBrowser();
});
after(async () => {
    await browser?.close();
});

const flameTotal = (page) => page.getByTestId('flame-total').getAttribute('data-value').then(Number);
const fragmentOf = (page) => page.evaluate(() => location.hash);

/** The oracle's sum for the window that the address names. */
function expectedTotal(name, fragment, metric, unit = 'bytes', keep = () => true) {
    const model = modelOf(name);
    const params = new URLSearchParams(fragment.slice(1));
    const { edges } = model.world;
    const [t0, t1] = params.get('w') ? params.get('w').split('-').map(Number) : [0, edges[edges.length - 1]];
    const sums = metricFromBlocks(model.world, model.blocks, metric, edges.indexOf(t0), edges.indexOf(t1), keep, model.built.peak);
    return [...sums.values()].reduce((total, value) => total + (unit === 'bytes' ? value.bytes : value.n), 0);
}

async function visitAll(page) {
    for (let i = 0; i < VIEWS.length; i++) {
        await page.keyboard.press(String(i + 1));
        await page.waitForSelector(`.panel-${VIEWS[i]}`);
        await settled(page);
    }
}

for (const name of ['server', 'empty', 'hostile', 'deep', 'processes']) {
    test(`every view of the ${name} report renders without an error, a breach or a request`, options, async () => {
        const page = await openReport(browser, files[name]);
        await visitAll(page);
        for (const graph of ['flame', 'inverted', 'sandwich']) {
            await page.evaluate((g) => (location.hash = `#v=1&view=flame&g=${g}`), graph);
            await settled(page);
        }
        for (const by of ['line', 'file', 'module', 'site']) {
            await page.evaluate((b) => (location.hash = `#v=1&view=table&by=${b}`), by);
            await settled(page);
        }
        await page.evaluate(() => (location.hash = '#v=1&view=tree&up=1&hide=1&rec=1&line=1'));
        await settled(page);
        assert.deepEqual(await troublesOf(page), []);
        assert.equal(await page.evaluate(() => document.querySelectorAll('main img, main iframe, main a[href]').length), 0);
        assert.ok((await page.evaluate(() => document.querySelectorAll('*').length)) <= 3000);
        await page.context().close();
    });
}

test('hostile names change neither title nor document, and are readable', options, async () => {
    const page = await openReport(browser, files.hostile, { fragment: '#v=1&view=table' });
    assert.doesNotMatch(await page.title(), /^owned$/);
    const text = await page.locator('.grid').innerText();
    assert.match(text, /<\/script><script>/);
    assert.match(text, /right\\u202eto\\u2066left/);
    assert.equal(await page.evaluate(() => document.scripts.length), 3, 'manifest, timeline and the app; sections are taken out');
    assert.deepEqual(await troublesOf(page), []);
    await page.context().close();
});

test('an injected inline script is refused by the policy', options, async () => {
    const page = await openReport(browser, files.server);
    await page.evaluate(() => {
        const script = document.createElement('script');
        script.textContent = 'window.injected = 1';
        document.body.append(script);
    });
    assert.equal(await page.evaluate(() => window.injected), undefined);
    assert.match((await page.evaluate(() => window.breaches)).join(), /script-src/);
    await page.context().close();
});

test('without scripts the summary is there', options, async () => {
    const page = await openReport(browser, files.server, { javaScriptEnabled: false });
    assert.match(await page.locator('noscript').innerText(), /order-server/);
    await page.context().close();
});

test('the brush by mouse: window, flame total and address agree with the oracle', options, async () => {
    const page = await openReport(browser, files.server, { fragment: '#v=1&view=flame&m=live' });
    const box = await page.locator('.brush').boundingBox();
    await page.mouse.move(box.x + box.width * 0.16, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.2, box.y + 60, { steps: 4 });
    await page.mouse.move(box.x + box.width * 0.24, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await settled(page);
    const fragment = await fragmentOf(page);
    assert.match(fragment, /&w=\d+-\d+/);
    assert.equal(await flameTotal(page), expectedTotal('server', fragment, 'live'));
    for (const metric of ['peak', 'retained', 'alloc', 'temp', 'freed', 'leak', 'live']) {
        await page.getByTestId('metric').selectOption(metric);
        await settled(page);
        assert.equal(await flameTotal(page), expectedTotal('server', fragment, metric), metric);
    }
    await page.mouse.move(box.x + box.width * 0.2, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 5 });
    await page.mouse.up();
    await settled(page);
    const moved = await fragmentOf(page);
    assert.notEqual(moved, fragment);
    assert.equal(await flameTotal(page), expectedTotal('server', moved, 'live'), 'dragged window');
    await page.locator('.brush').dblclick({ position: { x: 5, y: 5 } });
    await settled(page);
    assert.doesNotMatch(await fragmentOf(page), /&w=/);
    assert.deepEqual(await troublesOf(page), []);
    await page.context().close();
});

test('the brush by keyboard: handles, shifting, resizing, whole run, peak, blocks', options, async () => {
    const page = await openReport(browser, files.server, { fragment: '#v=1&view=flame&m=alloc' });
    const start = page.locator('[data-end=i0]');
    await start.focus();
    for (let i = 0; i < 5; i++) await page.keyboard.press('PageUp');
    await page.keyboard.press('ArrowRight');
    assert.equal(await start.getAttribute('aria-valuenow'), '51');
    await page.locator('[data-end=i1]').focus();
    await page.keyboard.press('PageDown');
    await page.waitForTimeout(350);
    const fragment = await fragmentOf(page);
    assert.equal(await flameTotal(page), expectedTotal('server', fragment, 'alloc'));
    await page.locator('body').press(']');
    await page.keyboard.press('{');
    await page.keyboard.press('b');
    await page.waitForTimeout(350);
    assert.equal(await flameTotal(page), expectedTotal('server', await fragmentOf(page), 'alloc', 'count'));
    await page.keyboard.press('0');
    await page.keyboard.press('b');
    await settled(page);
    assert.equal(await flameTotal(page), modelOf('server').built.totals.alloc_bytes);
    await page.keyboard.press('p');
    await settled(page);
    assert.match(await page.getByTestId('window-text').innerText(), /slices/);
    await page.context().close();
});

test('the peak of the whole run is exact; a chosen window says that it is a slice edge', options, async () => {
    const page = await openReport(browser, files.server, { fragment: '#v=1&view=flame' });
    assert.equal(await flameTotal(page), modelOf('server').built.totals.peak_live_bytes);
    assert.match(await page.getByTestId('scope').innerText(), /live at the peak/);
    await page.keyboard.press('p');
    await settled(page);
    assert.match(await page.getByTestId('scope').innerText(), /highest slice edge/);
    await page.context().close();
});

test('thread and task filters cut every view to the oracle value', options, async () => {
    const model = modelOf('server');
    const page = await openReport(browser, files.server, { fragment: '#v=1&view=flame&m=alloc&th=2' });
    assert.equal(await flameTotal(page), expectedTotal('server', '#', 'alloc', 'bytes', (ctx) => model.world.ctxs[ctx].thread === 2));
    await page.evaluate(() => (location.hash = '#v=1&view=tree&m=alloc&tg=1'));
    await settled(page);
    const seen = Number(await page.getByTestId('tree-total').getAttribute('data-value'));
    const inGroup = (ctx) => model.world.ctxs[ctx].task > 0 && model.world.tasks[model.world.ctxs[ctx].task - 1].group === 1;
    assert.equal(seen, expectedTotal('server', '#', 'alloc', 'bytes', inGroup));
    await page.context().close();
});

test('double-click narrows everything, Backspace goes out, history and copied links restore', options, async () => {
    const page = await openReport(browser, files.server, { fragment: '#v=1&view=flame&hide=0' });
    const whole = await flameTotal(page);
    await page.locator('.flame-scroll').dblclick({ position: { x: 60, y: 19 * 8 + 9 } });
    await settled(page);
    const part = await flameTotal(page);
    assert.ok(part > 0 && part < whole);
    const link = await fragmentOf(page);
    assert.match(link, /root=[0-9a-f]{16}/);
    const other = await openReport(browser, files.server, { fragment: link });
    assert.equal(await flameTotal(other), part);
    await other.context().close();
    await page.keyboard.press('5');
    await settled(page);
    await page.goBack();
    await settled(page);
    assert.equal(await flameTotal(page), part);
    await page.goBack();
    await settled(page);
    assert.equal(await flameTotal(page), whole);
    await page.goForward();
    await settled(page);
    await page.locator('body').press('Backspace');
    await settled(page);
    assert.ok((await flameTotal(page)) >= part);
    assert.deepEqual(await troublesOf(page), []);
    await page.context().close();
});

test('a link with bad values opens, says so and keeps what it understood', options, async () => {
    const page = await openReport(browser, files.server, { fragment: '#v=1&view=flame&m=nosuch&w=9-1&root=ffffffffffffffff' });
    assert.match(await page.locator('.toast').innerText(), /ignored: m, w/);
    assert.equal(await flameTotal(page), modelOf('server').built.totals.peak_live_bytes);
    await page.context().close();
});

test('runtime frames are hidden from the start where the program has frames of its own; h shows them, and links carry it', options, async () => {
    const page = await openReport(browser, files.server, { fragment: '#v=1&view=flame' });
    const ticked = () => page.locator('.tick', { hasText: 'hide runtime' }).locator('input').isChecked();
    const total = await flameTotal(page);
    assert.equal(await ticked(), true);
    assert.doesNotMatch(await fragmentOf(page), /hide/);
    await page.keyboard.press('h');
    await settled(page);
    assert.equal(await ticked(), false);
    assert.equal(await flameTotal(page), total, 'what is hidden still counts');
    await page.waitForFunction(() => location.hash.includes('hide=0'));
    await page.context().close();
    const empty = await openReport(browser, files.empty, { fragment: '#v=1&view=flame' });
    assert.equal(await empty.locator('.tick', { hasText: 'hide runtime' }).locator('input').isChecked(), false);
    await empty.context().close();
});

test('flame by keyboard: arrows speak, Enter narrows, s opens the sandwich, i inverts', options, async () => {
    const page = await openReport(browser, files.server, { fragment: '#v=1&view=flame&hide=0' });
    await page.locator('.flame-scroll').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await settled(page);
    const said = await page.locator('.app > .spoken').innerText();
    assert.match(said, /clone3.*MiB.*%.*depth 1.*child/);
    await page.keyboard.press('ArrowRight');
    assert.match(await page.locator('.app > .spoken').innerText(), /_start/);
    await page.keyboard.press('Enter');
    await settled(page);
    assert.match(await page.locator('.chips').innerText(), /_start/);
    await page.keyboard.press('Backspace');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('s');
    await settled(page);
    assert.match(await fragmentOf(page), /g=sandwich/);
    await page.keyboard.press('i');
    await settled(page);
    assert.match(await fragmentOf(page), /g=inverted/);
    assert.deepEqual(await troublesOf(page), []);
    await page.context().close();
});

test('search counts functions, dims the rest, filters the table; n goes to a hit', options, async () => {
    const page = await openReport(browser, files.server, { fragment: '#v=1&view=flame' });
    await page.keyboard.press('/');
    await page.keyboard.type('serde_json');
    await settled(page);
    assert.match(await page.getByTestId('search-count').innerText(), /2 functions/);
    assert.match(await page.getByTestId('matched').innerText(), /with a hit/);
    await page.keyboard.press('Enter');
    await settled(page);
    assert.match(await page.locator('.details').innerText(), /serde_json/);
    await page.keyboard.press('5');
    await settled(page);
    assert.match(await page.getByTestId('table-count').innerText(), /^2 of/);
    await page.context().close();
});

test('the table sorts, selects by keyboard, and saves what it shows as CSV', options, async () => {
    const page = await openReport(browser, files.server, { fragment: '#v=1&view=table&m=alloc' });
    await page.getByRole('button', { name: 'Blocks', exact: true }).click();
    await settled(page);
    const counts = await page.locator('.grid-row[data-row] > :nth-child(4)').allInnerTexts();
    assert.ok(counts.length > 5);
    await page.locator('.grid-row[data-row="0"]').click();
    await page.keyboard.press('ArrowDown');
    await settled(page);
    assert.equal(await page.locator('.grid-row:focus').getAttribute('data-row'), '1');
    await page.keyboard.press('End');
    await settled(page);
    assert.notEqual(await page.locator('.grid-row:focus').getAttribute('data-row'), '1');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save CSV' }).click()]);
    const csv = readFileSync(await download.path(), 'utf8').trim().split('\n');
    const rows = Number((await page.getByTestId('table-count').innerText()).replace(/\D.*/, ''));
    assert.equal(csv.length, rows + 2);
    const own = csv.slice(2).reduce((sum, line) => sum + Number(line.match(/^"(?:[^"]|"")*","(?:[^"]|"")*",(\d+)/)[1]), 0);
    assert.equal(own, modelOf('server').built.totals.alloc_bytes, 'own values add up to the total');
    assert.deepEqual(await troublesOf(page), []);
    await page.context().close();
});

test('the tree opens and closes by keyboard, e opens the heaviest path', options, async () => {
    const page = await openReport(browser, files.server, { fragment: '#v=1&view=tree' });
    const first = page.locator('.grid-row[data-row="0"]');
    await first.click();
    await page.keyboard.press('ArrowLeft');
    await settled(page);
    assert.equal(await first.getAttribute('aria-expanded'), 'false');
    const closed = await page.locator('.grid-row[data-row]').count();
    await page.keyboard.press('e');
    await settled(page);
    assert.equal(await first.getAttribute('aria-expanded'), 'true');
    assert.ok((await page.locator('.grid-row[data-row]').count()) > closed + 3);
    const focused = () => page.locator('.grid-row:focus').getAttribute('data-row');
    await page.keyboard.press('ArrowRight');
    await settled(page);
    assert.equal(await focused(), '1', 'right goes into an open row');
    for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await settled(page);
    assert.ok(Number(await focused()) < 5, 'left goes out to the row above that holds it');
    await page.context().close();
});

test('leaks follow window and filters to the oracle value', options, async () => {
    const model = modelOf('server');
    const page = await openReport(browser, files.server, { fragment: '#v=1&view=leaks&w=10000000000-40000000000&th=2' });
    const seen = () => page.getByTestId('leak-summary').getAttribute('data-value').then(Number);
    const { edges } = model.world;
    const text = await page.evaluate(() => Array.from(document.querySelectorAll('[role=slider]'), (handle) => Number(handle.getAttribute('aria-valuenow'))));
    const keep = (ctx) => model.world.ctxs[ctx].thread === 2;
    assert.equal(await seen(), expectedTotal('server', `#w=${edges[text[0]]}-${edges[text[1]]}`, 'leak', 'bytes', keep));
    await page.keyboard.press('0');
    await settled(page);
    assert.equal(await seen(), expectedTotal('server', '#', 'leak', 'bytes', keep));
    await page.context().close();
});

test('a finding leads to its place', options, async () => {
    const page = await openReport(browser, files.server);
    await page.getByRole('button', { name: /audit::push grows/ }).click();
    await settled(page);
    assert.match(await fragmentOf(page), /view=leaks/);
    assert.match(await page.locator('.details').innerText(), /orders::audit::push/);
    const empty = await openReport(browser, files.empty);
    assert.match(await empty.locator('.panel').innerText(), /No leak, no growth, no hot churn: nothing to do here\./);
    await page.context().close();
    await empty.context().close();
});

test('theme follows the system, can be changed by key, and is in the link', options, async () => {
    const page = await openReport(browser, files.server, { theme: 'dark' });
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
    await page.keyboard.press('t');
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'light');
    await page.waitForFunction(() => location.hash.includes('theme=light'));
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor({ state: 'visible' });
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.context().close();
});

test('320 px and 200 % zoom: nothing needs sideways scrolling of the page', options, async () => {
    for (const width of [320, 700, 1024]) {
        const page = await openReport(browser, files.server, { width, height: 800 });
        for (let i = 0; i < VIEWS.length; i++) {
            await page.evaluate((view) => (location.hash = `#v=1&view=${view}`), VIEWS[i]);
            await settled(page);
            const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
            assert.ok(over <= 0, `${VIEWS[i]} at ${width} px is ${over} px too wide`);
        }
        await page.context().close();
    }
});

for (const theme of ['light', 'dark']) {
    test(`axe finds nothing in any view, ${theme}`, options, async () => {
        const page = await openReport(browser, files.server, { theme, fragment: '#v=1&w=10000000000-15000000000' });
        await page.evaluate(axeSource);
        const problems = [];
        for (let i = 0; i < VIEWS.length; i++) {
            await page.keyboard.press(String(i + 1));
            await settled(page);
            if (['table', 'tree', 'leaks'].includes(VIEWS[i])) await page.locator('.grid-row[data-row="0"]').click();
            await settled(page);
            const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
            for (const v of result.violations) problems.push(`${VIEWS[i]}: ${v.id} (${v.impact}) ${v.nodes.slice(0, 3).map((n) => n.target.join(' ') + ' ' + n.failureSummary.split('\n')[1]).join(' | ')}`);
            await page.screenshot({ path: join(out, `${VIEWS[i]}-${theme}.png`) });
        }
        await page.keyboard.press('?');
        const dialog = await page.evaluate(() => window.axe.run(document.querySelector('dialog'), { resultTypes: ['violations'] }));
        for (const v of dialog.violations) problems.push(`help: ${v.id} ${v.nodes[0].target}`);
        assert.deepEqual(problems, []);
        await page.context().close();
    });
}

test('by keyboard alone: Tab goes through everything and is always visible somewhere', options, async () => {
    const page = await openReport(browser, files.server, { fragment: '#v=1&view=flame' });
    const seen = new Set();
    for (let i = 0; i < 60; i++) {
        await page.keyboard.press('Tab');
        const where = await page.evaluate(() => {
            const at = document.activeElement;
            if (!at || at === document.body) return '';
            const box = at.getBoundingClientRect();
            return `${at.tagName}.${at.className}#${at.id} ${at.getAttribute('aria-label') ?? at.textContent.slice(0, 20)} ${box.width > 0 && box.height > 0}`;
        });
        if (where === '') break;
        assert.match(where, /true$/, where);
        seen.add(where);
    }
    const all = [...seen].join('\n');
    for (const part of [/INPUT.*#search/, /window's start/, /window's end/, /tab-flame/, /SELECT/, /flame-scroll/]) assert.match(all, part);
    await page.context().close();
});

test('Run tells sampling, performance, changes without a new value, mappings and unseen memory, as text', options, async () => {
    const path = writeChanged('server', (manifest) => {
        manifest.capture.sample_kind = 'poisson-bytes';
        manifest.capture.changes = [{ at_ns: 3e9, what: 'rate', from: '', to: '', why: '1 in 7 small blocks: <b>cost</b>' }];
        manifest.rss = { peak_bytes: 1000, at_ns: 1, heap_bytes: 300, mmap_bytes: 0, held_bytes: 0, unseen_bytes: 700, other_bytes: 0, self_bytes: 0 };
        manifest.mapped = { calls: 3, mapped_bytes: 8192, peak_bytes: 4096, end_bytes: 0, sites_total: 12, sites: [{ name: '<img src=x>', calls: 3, peak_bytes: 4096, end_bytes: 0 }] };
        manifest.sampling = { rate: 0.1, effective_rate: 0.25, effective_rate_bytes: 0.5, refused_samples: 4, samples: 9, few_samples: true, interval95: { allocations: [10, 40] } };
        manifest.performance = { hook_ns_p50: 42, '<i>': 1 };
        return manifest;
    });
    const page = await openReport(browser, path, { fragment: '#v=1&view=run' });
    await page.waitForSelector('.panel-run');
    await settled(page);
    const text = await page.locator('.panel-run').innerText();
    for (const part of [/25.*of blocks/, /50.*of bytes/, /few samples/, /10 to 40/, /hook p50/, /1 in 7 small blocks: <b>cost<\/b>/, /<img src=x>/, /<i>/, /allocators not recorded/, /70.*%/]) assert.match(text, part);
    assert.doesNotMatch(text, /rate: *→/);
    assert.equal(await page.locator('.panel-run img').count(), 0);
    assert.equal(await page.locator('rect.rss-unseen').getAttribute('width').then(Number), 279);
    await page.evaluate(axeSource);
    const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    assert.deepEqual(result.violations.map((violation) => violation.id), []);
    assert.deepEqual(await troublesOf(page), []);
    await page.context().close();
});
