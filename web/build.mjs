// SPDX-License-Identifier: Apache-2.0
// Builds dist/report.html: one file with style and script inlined, a strict Content-Security-Policy and the marks of CONTRACT.md.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, 'dist', 'report.html');

async function bundle(entry) {
    const result = await build({
        entryPoints: [join(here, entry)], bundle: true, minify: true, write: false, format: 'iife', target: 'es2022',
        jsx: 'transform', jsxFactory: 'h', jsxFragment: 'Fragment', inject: [join(here, 'src', 'jsx.ts')], legalComments: 'none', charset: 'ascii',
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
process.stdout.write(`${out}: ${(page.length / 1024).toFixed(1)} KiB (script ${(script.length / 1024).toFixed(1)}, style ${(style.length / 1024).toFixed(1)})\n`);
