// SPDX-License-Identifier: Apache-2.0
// Opens reports in the system's Chromium, offline and from file://, and collects everything that must not happen.
import { chromium } from 'playwright-core';
import { existsSync, writeFileSync } from 'node:fs';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reportFile } from '../gen/encode.mjs';
import { PRESETS } from '../gen/presets.mjs';
import { out } from './load.mjs';

const template = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'report.html');
export const CHROMIUM = process.env.MEMSCOPE_CHROMIUM ?? '/usr/bin/chromium';
export const haveBrowser = existsSync(CHROMIUM);

const models = new Map();

export function modelOf(name) {
    if (!models.has(name)) models.set(name, PRESETS[name]());
    return models.get(name);
}

/** Writes a preset's report into test/out and returns its path. */
export function writeReport(name) {
    const path = join(out, `${name}.html`);
    writeFileSync(path, reportFile(template, modelOf(name)));
    return path;
}

/** The same with a manifest that `change` has added to. */
export function writeChanged(name, change) {
    const model = modelOf(name);
    const path = join(out, `${name}-changed.html`);
    writeFileSync(path, reportFile(template, { ...model, manifest: change(structuredClone(model.manifest)) }));
    return path;
}

export async function startBrowser() {
    return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}

/** Opens a file; `page.troubles` grows with every error, CSP breach or request that leaves the file. */
export async function openReport(browser, path, { fragment = '', theme = 'light', width = 1400, height = 900, wait = 'all', javaScriptEnabled = true } = {}) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, offline: true, acceptDownloads: true, javaScriptEnabled });
    const page = await context.newPage();
    page.troubles = [];
    page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) page.troubles.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => page.troubles.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => {
        page.troubles.push('a dialog opened');
        void dialog.dismiss();
    });
    page.on('request', (request) => {
        if (!/^(file|blob|data):/.test(request.url())) page.troubles.push(`request: ${request.url()}`);
    });
    await page.addInitScript(() => {
        window.breaches = [];
        document.addEventListener('securitypolicyviolation', (event) => window.breaches.push(`${event.violatedDirective} ${event.blockedURI}`));
    });
    await page.goto(`file://${path}${fragment}`);
    if (wait && javaScriptEnabled) await page.waitForSelector(wait === 'body' ? 'html[data-ready=body], html[data-ready=all]' : 'html[data-ready=all]', { timeout: 30000 });
    return page;
}

export async function troublesOf(page) {
    return [...page.troubles, ...(await page.evaluate(() => window.breaches))];
}

/** Two frames, so that effects have drawn. */
export async function settled(page) {
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}
