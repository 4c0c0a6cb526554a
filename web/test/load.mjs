// SPDX-License-Identifier: Apache-2.0
// Bundles the page's TypeScript modules for node's test runner and turns synthetic models into what the page would decode.
import { build } from 'esbuild';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { encodeSections, jsonForHtml } from '../gen/encode.mjs';

const here = dirname(fileURLToPath(import.meta.url));
export const out = join(here, 'out');
mkdirSync(out, { recursive: true });

/** Imports one module of src/ (with everything it imports). */
export async function load(module) {
    const outfile = join(out, `${module.replace(/\W/g, '_')}.mjs`);
    await build({
        entryPoints: [join(here, '..', 'src', module)], bundle: true, format: 'esm', platform: 'node', target: 'node18', outfile, logLevel: 'error',
        jsx: 'automatic', jsxImportSource: 'preact',
    });
    return import(pathToFileURL(outfile).href);
}

const codec = await load('data/codec.ts');
const report = await load('data/report.ts');

/** Encodes a model as a file would hold it and decodes it with the page's own code. */
export async function decoded(model) {
    const { entries, html } = encodeSections(model.layout);
    const manifest = JSON.parse(jsonForHtml({ ...model.manifest, sections: entries }));
    const timeline = JSON.parse(jsonForHtml(model.timeline));
    const columns = new Map();
    for (const entry of entries) {
        const text = new RegExp(`id="${entry.el}">([^<]*)<`).exec(html)[1];
        const bytes = await codec.gunzip(codec.bytesFromBase64(text));
        for (const [name, column] of codec.sectionColumns(bytes, entry)) columns.set(name, column);
    }
    const names = report.namesFrom(columns);
    const rows = report.rowsFrom(columns, timeline.edge_ns.length - 1, names.nodeParent.length);
    return { manifest, timeline, columns, names, rows, breaches: report.reportBreaches(manifest, timeline, rows) };
}
