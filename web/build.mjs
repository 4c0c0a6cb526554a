// SPDX-License-Identifier: Apache-2.0
// Builds dist/report.html: one file with style and script inlined, a strict Content-Security-Policy and the marks of CONTRACT.md.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, 'dist', 'report.html');

/** Columns of tables in memory, which nothing reaches by a computed name (data in the file is snake_case): short names save 4 KiB. */
const TABLE_COLUMN = /^(row|cell|site|node|frame|func|mod|ctx|group|task|thread|proc|leak|key|total|left|heat|life)[A-Z]\w*$/;
/** Of the document, of links, and of the module that is imported as a whole. */
const REACHED_OTHERWISE = /^(node(Type|Name|Value|s)|row(Index|Span)|cellIndex|keyCode|groupBy|ctxMask|siteMask|siteValues)$/;

async function bundle(entry) {
    const result = await build({
        entryPoints: [join(here, entry)], bundle: true, minify: true, write: false, format: 'iife', target: 'es2022',
        tsconfigRaw: { compilerOptions: { jsx: 'react', jsxFactory: 'h', jsxFragmentFactory: 'Fragment', strict: true } }, inject: [join(here, 'src', 'jsx.ts')], legalComments: 'none', charset: 'utf8',
        mangleProps: TABLE_COLUMN, reserveProps: REACHED_OTHERWISE,
    });
    return result.outputFiles[0].text.trim();
}

const script = (await bundle('src/main.tsx')).replace(/<\/script/gi, '<\\/script').replace(/<!--/g, '<\\!--');
const style = await bundle('src/style.css');
const hash = createHash('sha256').update(script, 'utf8').digest('base64');
const policy = [
    "default-src 'none'", `script-src 'sha256-${hash}'`, "style-src 'unsafe-inline'", 'img-src data: blob:', "base-uri 'none'", "form-action 'none'",
].join('; ');

const parts = {
    policy, style, script,
};
const page = readFileSync(join(here, 'src', 'page.html'), 'utf8').replace(/@@build:(\w+)@@/g, (_, name) => parts[name]);
for (const mark of ['title', 'noscript', 'manifest', 'timeline', 'sections']) {
    if (page.split(`@@ms:${mark}@@`).length !== 2) throw new Error(`the page must contain @@ms:${mark}@@ once`);
}
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, page);
const kib = (text) => (Buffer.byteLength(text) / 1024).toFixed(1);
process.stdout.write(`${out}: ${kib(page)} KiB (script ${kib(script)}, style ${kib(style)})\n`);
